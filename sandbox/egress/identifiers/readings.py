"""Other ways to read a text that may hide an identifier: joined, respelt, decoded, reversed.

Only a text that passes `DISGUISE` is read again, and only kinds that hardly anything else looks
like are looked for in what comes out: most texts read otherwise are noise.
"""

import base64
import binascii
import html
import quopri
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from sandbox.egress.identifiers.plain import CHINESE_DIGITS, TO_DIGITS, plain

_ODD = rf"[\p{{Nd}}\p{{No}}{CHINESE_DIGITS}]"
_CODE = "[0-9A-HJ-NP-RTUWXY]"
_GAP = r"[^0-9A-Za-z\n]"
_QUANTUM = "[I-Za-f][C-HS-Xi-ny-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
"""Four characters of base64 that stand for three of ASCII text."""
_NUMBER_WORDS = {
    **dict(
        zip(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
            "0123456789",
            strict=True,
        )
    ),
    **dict(
        zip(
            ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"],
            "0123456789",
            strict=True,
        )
    ),
    "oh": "0",
    "yao": "1",
    "dong": "0",
    "guai": "7",
    "gou": "9",
}
_WORD = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
_ENDINGS = "com|cn|net|org|edu|gov|io"
_REVERSED_ENDINGS = "|".join(ending[::-1] for ending in _ENDINGS.split("|"))
_AT = r" ?(?:[\[({<] ?(?:at|a|@) ?[\])}>]|艾特| at | AT |#) ?"
_DOT = r" ?(?:[\[({<] ?(?:dot|\.|点) ?[\])}>]|点| dot | DOT |。|\.) ?"
_SPELT_MAIL = rf"[A-Za-z0-9._+-]{{2,64}}{_AT}[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{2,63}}){{0,3}}{_DOT}(?:{_ENDINGS})"
_PLAIN_AT_MAIL = rf"[A-Za-z0-9._+-]{{2,64}} ?@ ?[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{2,63}}){{0,3}}{_DOT}(?:{_ENDINGS})"
_HEX = r"(?:[2-7][0-9A-Fa-f][ :,-]?(?:0x)?|\\x[2-7][0-9A-Fa-f]){11}"

DISGUISE = "|".join(
    (
        rf"(?:[^\x00-\x7f0-9]){_GAP}?[0-9]{_GAP}?[^\x00-\x7f]{_GAP}?[0-9]{_GAP}?[^\x00-\x7f]{_GAP}?[0-9]",
        rf"(?:[{CHINESE_DIGITS}]{_GAP}?){{5}}|[0-9]{{2}}[{CHINESE_DIGITS}]{{2}}|[{CHINESE_DIGITS}][0-9][{CHINESE_DIGITS}]",
        rf"(?:[0-9]{_GAP}{{1,3}}){{9}}[0-9]",
        rf"[0-9]{{3}}{_GAP}{{1,2}}[0-9]{{4}}{_GAP}{{1,2}}[0-9]{{4}}",
        rf"[0-9]{{6}}{_GAP}{{1,2}}[0-9]{{4}}{_GAP}{{0,2}}[0-9]{{4}}{_GAP}{{1,2}}[0-9]{{3}}[0-9Xx]",
        rf"[0-9]{{4}}{_GAP}{{1,2}}[0-9]{{4}}{_GAP}{{1,2}}[0-9]{{4}}{_GAP}{{1,2}}[0-9]{{4}}",
        rf"[0-9]{{6}}{_GAP}{{1,2}}[0-9]{{8}}{_GAP}{{1,2}}[0-9]{{3}}[0-9Xx]",
        rf"(?:^|[^0-9])(?:[0-9]{{2}}{_GAP}){{5}}[0-9](?:$|[^0-9])|(?:[0-9]{{2}}{_GAP}){{7}}",
        rf"(?:{_CODE}{_GAP}{{1,3}}){{14}}|(?:{_CODE}{{6}}{_GAP}){{2}}{_CODE}{{6}}|(?:{_CODE}{{4}}{_GAP}){{4}}{_CODE}{{2}}",
        rf"{_CODE}{{6}}{_GAP}{{1,2}}{_CODE}{{8}}{_GAP}{{1,2}}{_CODE}{{4}}|(?:{_CODE}{{3}}{_GAP}){{5}}{_CODE}{{3}}|{_CODE}{{8}}{_GAP}{_CODE}{{9,10}}|{_CODE}{{2}}{_GAP}{_CODE}{{6}}{_GAP}{_CODE}{{9}}",
        r"(?:^|[^0-9A-Za-z])(?:[0-9]{0,2}[OolI|SBZ][0-9OolI|SBZ]{8,17}|[0-9]{3,12}[OolI|SBZ][0-9OolI|SBZ]{5,17})[Xx]?(?:$|[^0-9A-Za-z])",
        r"(?:^|[^0-9A-Za-z])[0-9ANY]?[0-9]{0,7}[OIl][0-9OIl]{0,7}[0-9A-Zl]{10}(?:$|[^0-9A-Za-z])",
        r"(?:^|[^0-9A-Za-z])[0-9]{6,17}[OolI|SBZ][0-9OolI|SBZ]{0,10}(?:$|[^0-9A-Za-z])",
        r"(?:%[0-9A-Fa-f]{2}){2}|%(?:25)+[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]{2,5};|\\[ux]\{?[0-9A-Fa-f]{2}|(?:=[0-9A-F]{2}){3}",
        rf"(?:{_QUANTUM}){{3}}|(?:[2-7][0-9A-Fa-f](?:[ :,-]|0x| 0x)?){{11}}",
        rf"(?i:(?:(?:{_WORD})[ ,._-]+){{6}})",
        r"(?i:[\[({<] ?(?:at|a|@|dot|点) ?[\])}>]|艾特| at [a-z0-9-]+(?: dot |点| ?\.)|@ ?[a-z0-9-]+ ?(?:点|。|dot | dot))",
        rf"[A-Za-z0-9][^0-9A-Za-z@\n]{{1,3}}@|[{CHINESE_DIGITS}]@|[A-Za-z0-9]#[A-Za-z0-9-]+\.(?:{_ENDINGS})|[A-Za-z0-9] @|@ [A-Za-z0-9]",
        r"[\x{400}-\x{52f}\x{370}-\x{3ff}][0-9A-Za-z@._-]|[0-9A-Za-z@._-][\x{400}-\x{52f}\x{370}-\x{3ff}]",
    )
)
TURNED = "|".join(
    (
        r"(?:^|[^0-9A-Za-z.])(?:[0-9Xx][0-9]{3}[0-9][0-3][0-9][01][0-9]{2}(?:91|02)[0-9]{6}|[0-9]{14,17}26(?:$|[^0-9]))",
        r"(?:^|[^0-9A-Za-z.])[0-9]{0,9}[A-HJ-NP-RTUWXY][0-9A-HJ-NP-RTUWXY]{0,9}[0-9]{6}[1-59][159ANY](?:$|[^0-9A-Za-z])",
        rf"(?:{_REVERSED_ENDINGS})\.[A-Za-z0-9.-]+@[A-Za-z0-9]",
        r"(?:手机|电话|[Mm]obile|[Pp]hone|[Tt]el)[^0-9]*[0-9]{9}[3-9]1",
    )
)
DISGUISES = (DISGUISE, TURNED)
"""What a text must hold, in RE2's words, to be read in other ways; apart, for together they grow too large."""
NEEDS_PLAIN = (
    r"[\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}"
    r"\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}\x{e0000}-\x{e0fff}\x{300}-\x{36f}\x{20d0}-\x{20f0}]"
    r"|[\x{2460}-\x{24ff}\x{2776}-\x{2793}\x{1d400}-\x{1d7ff}\x{ff10}-\x{ff19}\x{ff20}-\x{ff3a}\x{ff41}-\x{ff5a}\x{ff0e}\x{fe52}\x{fe6b}\x{2100}-\x{214f}]"
    r"|[\p{No}\x{660}-\x{669}\x{6f0}-\x{6f9}\x{7c0}-\x{7c9}\x{966}-\x{96f}\x{9e6}-\x{9ef}\x{a66}-\x{a6f}\x{ae6}-\x{aef}\x{b66}-\x{b6f}"
    r"\x{be6}-\x{bef}\x{c66}-\x{c6f}\x{ce6}-\x{cef}\x{d66}-\x{d6f}\x{e50}-\x{e59}\x{ed0}-\x{ed9}\x{f20}-\x{f29}\x{1040}-\x{1049}\x{17e0}-\x{17e9}]"
    rf"|[{CHINESE_DIGITS}0-9]{{5}}[0-9]*[{CHINESE_DIGITS}]"
    rf"|[{CHINESE_DIGITS}][{CHINESE_DIGITS}0-9]{{9}}"
    r"|[0-9][\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}\x{3000}\x{a0}\x{2000}-\x{200a}\x{202f}][0-9]|[\x{ff0b}\x{ff08}][0-9]"
    r"|[0-9A-Za-z][\x{ff0b}\x{ff0d}\x{ff0f}\x{ff1a}\x{ff3f}\x{2010}][0-9A-Za-z]"
)
"""What a text that `plain` changes, as far as it matters to identifiers, holds, in RE2's words."""

_LOOKS = str.maketrans(
    "аеорсухіјАВЕКМНОРСТХІЅοαρνιΟΑΒΕΗΙΚΜΝΡΤΥΧ",
    "aeopcyxijABEKMHOPCTXISoapviOABEHIKMNPTYX",
)
"""Cyrillic and Greek letters that look like Latin ones."""
_LETTER_DIGITS_OF_CODES = str.maketrans("OIlSZ", "01152")
_CODE_LIKE = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Zl]*[OIlSZ])[0-9A-Zl]{18}(?![0-9A-Za-z])")
_LETTER_DIGITS = str.maketrans("OolI|SBZ", "00111582")
_RUN = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Z]{1,10}(?:[^0-9A-Za-z\n]{1,3}[0-9A-Z]{1,10}){2,21}[xX]?(?![0-9A-Za-z])"
)
_LETTERED = re.compile(r"(?<![0-9A-Za-z])[0-9OolI|SBZ]{11,19}[Xx]?(?![0-9A-Za-z])")
_TURNED = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{16,19}(?![0-9A-Za-z])")
_TURNED_MAIL = re.compile(
    rf"(?<![A-Za-z0-9.-])(?:{_REVERSED_ENDINGS})\.[A-Za-z0-9.-]+@[A-Za-z0-9._%+-]+"
)
_TURNED_PHONE = re.compile(
    r"(?i)(?:手机|电话|mobile|phone|tel)[^0-9]{0,12}([0-9]{9}[3-9]1)(?![0-9])"
)
_WORDS = re.compile(rf"(?i)(?<![A-Za-z])(?:{_WORD})(?:[ ,._-]+(?:{_WORD})){{10,}}(?![A-Za-z])")
_EACH_WORD = re.compile(rf"(?i){_WORD}")
_MAIL = re.compile(f"{_SPELT_MAIL}|{_PLAIN_AT_MAIL}")
_SPREAD_MAIL = re.compile(
    r"[A-Za-z0-9](?P<gap>[^0-9A-Za-z@\n]{1,3})(?:[A-Za-z0-9@._-](?P=gap)){6,60}[A-Za-z0-9]"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{14,}={0,2}")
_HEX_RUN = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2}[ :,-]{0,2}){11,}")
_ESCAPE = re.compile(r"\\(?:u\{?|x\{?)([0-9A-Fa-f]{2,6})\}?")
_CODES = re.compile(r"(?:&#|U\+)?(?<![0-9])[0-9]{2}(?:[ ,;]+(?:&#)?[0-9]{2})")
_DEPTH = 3
_MAX = 20_000
"""Characters of a text that are read in other ways."""


def readings(text: str) -> Iterator[tuple[str, str]]:
    """Yield (how, what) for every other way to read `text` that gives anything new."""
    seen = {text}
    waiting = [("", text[:_MAX])]
    for _ in range(_DEPTH):
        following: list[tuple[str, str]] = []
        for path, each in waiting:
            for how, read in _READERS.items():
                for what in filter(None, read(each)):
                    if what not in seen:
                        seen.add(what)
                        name = f"{path} {how}".strip()
                        yield name, what
                        following.append((name, what))
        waiting = [(path, what) for path, what in following if path.split()[-1] in _CODED]


def _folded(text: str) -> Iterator[str]:
    yield plain(text).translate(_LOOKS)
    yield _numerals(text)


def _numerals(text: str) -> str:
    return plain(text).translate(_LOOKS).translate(TO_DIGITS)


def _joined(text: str) -> Iterator[str]:
    """Take separators out of runs of single characters and of evenly cut groups."""
    for run in _RUN.findall(_numerals(text)):
        groups = re.split(r"[^0-9A-Za-z]+", run)
        yield from _cut(groups)


def _cut(groups: list[str]) -> Iterator[str]:
    """Join groups that are all single characters or all longer; a tail of other length may end them."""
    while groups and not any(c.isdigit() for c in "".join(groups)):
        return
    short = [len(group) <= 2 for group in groups]  # noqa: PLR2004 - digits one by one or in pairs
    if all(short) or not any(short[:-1]):
        joined = "".join(groups)
        if len(joined) in _LENGTHS:
            yield joined
        return
    first = short.index(not short[0])
    for part in (groups[:first], groups[first:]):
        if len("".join(part)) in _LENGTHS and len(part) > 1:
            yield "".join(part)


_LENGTHS = frozenset({11, 13, 15, 16, 17, 18, 19})


def _lettered(text: str) -> Iterator[str]:
    """Read letters that look like digits as digits, in what is mostly digits."""
    for run in _LETTERED.findall(_numerals(text)):
        if len(run) > sum(character.isdigit() for character in run) > len(run) // 2:
            yield run.translate(_LETTER_DIGITS)
    for run in _CODE_LIKE.findall(_numerals(text)):
        yield run.translate(_LETTER_DIGITS_OF_CODES)


def _reversed(text: str) -> Iterator[str]:
    text = plain(text)
    for run in _TURNED.findall(text):
        yield run[::-1]
    for run in (*_TURNED_MAIL.findall(text), *_TURNED_PHONE.findall(text)):
        yield run[::-1]


def _spoken(text: str) -> Iterator[str]:
    for run in _WORDS.findall(plain(text)):
        yield _EACH_WORD.sub(lambda word: _NUMBER_WORDS[word[0].lower()], run).translate(_NO_GAPS)


_NO_GAPS = str.maketrans("", "", " ,._-")


def _mail(text: str) -> Iterator[str]:
    text = plain(text).translate(_LOOKS)
    for run in _MAIL.findall(text):
        yield re.sub(_DOT, ".", re.sub(_AT, "@", run)).replace(" ", "")
    for spread in _SPREAD_MAIL.finditer(text):
        yield spread[0].replace(spread["gap"], "")


def _escaped(text: str) -> Iterator[str]:
    yield unquote(text, errors="ignore")
    yield html.unescape(text)
    yield _ESCAPE.sub(_character, text)
    if "=" in text:
        yield quopri.decodestring(text.encode("utf-8")).decode("utf-8", errors="ignore")


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    is_character = number < 0x110000 and not 0xD800 <= number < 0xE000  # noqa: PLR2004 - Unicode ends, pairs lie there
    return chr(number) if is_character else ""


def _base64(text: str) -> Iterator[str]:
    for run in _BASE64.findall(text):
        body = run.rstrip("=").replace("-", "+").replace("_", "/")
        body = body[: len(body) - (len(body) % 4 == 1)]
        yield _readable(base64.b64decode(body + "=" * (-len(body) % 4)))


def _hex(text: str) -> Iterator[str]:
    for run in _HEX_RUN.findall(text):
        digits = re.sub(r"0x|[ :,-]", "", run)
        try:
            yield _readable(binascii.unhexlify(digits))
        except binascii.Error:
            continue


def _readable(message: bytes) -> str:
    """Return a decoded message where it is text, and nothing where it is noise."""
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return (
        text if all(character.isprintable() or character in "\t\r\n" for character in text) else ""
    )


_CODED = frozenset({"escaped", "base64", "hex"})
_READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "folded": _folded,
    "joined": _joined,
    "lettered": _lettered,
    "reversed": _reversed,
    "spoken": _spoken,
    "mail": _mail,
    "escaped": _escaped,
    "base64": _base64,
    "hex": _hex,
}
