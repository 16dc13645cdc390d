"""Decodes what is written in base64 and its kin, or in escapes, where it says something."""

import base64
import binascii
import html
import quopri
import re
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from shuyu_reader.unwrapping.archives import TooLargeError, is_packed
from shuyu_reader.unwrapping.plain import is_readable, numbers_in, unmasked

MAX_RUNS = 2_000
"""Runs of one encoding that are decoded; no report has more long words that mix letters and digits."""
LONG = 200
"""Characters from which a run that says nothing is enciphered or in an alphabet of its own, and no word."""
DENSE = 0.95
"""The share of its size that bytes keep when compressed, from which they are packed or enciphered."""
ESCAPES = 12
"""Escapes of one kind from which a text is written in them."""
ESCAPED = 0.15
"""The share of a text that they are then."""

_BASE64_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{40,}={0,2}\r?\n)*[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{40,}\r?\n)*[0-9A-Fa-f]{24,}")
_BASE32_RUN = re.compile(rb"[A-Z2-7]{24,}={0,6}")
_BASE85_RUN = re.compile(rb"(?:<~)?[!-~]{40,}(?:~>)?")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = re.compile(rb"\s+")
_UNICODE = re.compile(rb"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}")
_HEX_PAIRS = re.compile(rb"(?:(?:0x)?[0-9A-Fa-f]{2}[\s:,-]{1,2}){16,}(?:0x)?[0-9A-Fa-f]{2}")

_CLASSES = tuple(map(re.compile, (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]")))

Message = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class _Code:
    """How one encoding is found and decoded."""

    pattern: re.Pattern[bytes]
    decode: Callable[[bytes], bytes]
    block: int = 1
    """Characters of a block: a run may begin within one."""
    classes: int = 1
    """Kinds of characters that a run has at least."""
    is_wrapped: bool = False
    """Whether it may be broken into lines anywhere."""
    is_loose: bool = False
    """Whether any text without blanks can be read as it, so that a short one must say something plain."""
    is_of_signs: bool = False
    """Whether signs are in its alphabet, so that a table without blanks may be such a run."""


def decoded(content: bytes, room: int) -> Iterator[Message]:
    """Yield each message that is encoded in `content`, with the encoding's name; raise `TooLargeError` for too many."""
    whole = _SPACE.sub(b"", content)
    for how, code in _CODES.items():
        runs = code.pattern.findall(content)
        runs += [whole] if code.is_wrapped and code.pattern.fullmatch(whole) else []
        mixed = [run for run in dict.fromkeys(runs) if _is_mixed(run, code)]
        if len(mixed) > MAX_RUNS:
            raise TooLargeError
        messages = [message for run in mixed for message in _messages(run, code, room)]
        messages += [each for run in mixed if not messages for each in _unsaid(run, code, content)]
        packed = [each for each in messages if not is_readable(each) and is_packed(each, room)]
        yield from ((how, each) for each in packed)
        plain = [_said(each) for each in messages if each not in packed]
        if plain:
            yield how, b"\n".join(plain)
    for how, (sign, unescape) in _ESCAPES.items():
        signs = sign.findall(content)
        if len(signs) >= ESCAPES and sum(map(len, signs)) >= ESCAPED * len(content):
            yield how, unescape(content)


def _is_mixed(run: bytes, code: _Code) -> bool:
    """Whether a run has letters, capitals, digits and signs enough for its encoding, or more digits than any number."""
    classes = sum(bool(each.search(run)) for each in _CLASSES)
    return classes >= code.classes or (len(run) >= LONG and run.isdigit())


def _messages(run: bytes, code: _Code, room: int) -> Iterator[bytes]:
    """Yield the message in `run`, wherever in the first block of characters it begins."""
    is_sure = not code.is_loose or len(run) >= LONG
    said = (each for each in _tried(run, code) if _is_message(each, room, is_sure=is_sure))
    yield from islice(said, 1)


def _unsaid(run: bytes, code: _Code, content: bytes) -> Iterator[bytes]:
    """Yield the bytes of a long run that says nothing, where it is no word or words of anybody's."""
    message = next(_tried(run, code), b"")
    if len(run) < LONG or code.is_loose or not message:
        return
    is_one = run in content and not code.is_of_signs
    if is_one or len(zlib.compress(message)) >= DENSE * len(message):
        yield message


def _said(message: bytes) -> bytes:
    """Return the text of a message that is not packed: its own, or of the mask or the numbers that it is."""
    if is_readable(message):
        return message
    return unmasked(message) or numbers_in(message) or message


def _tried(run: bytes, code: _Code) -> Iterator[bytes]:
    for start in range(code.block):
        try:
            message = code.decode(run[start:])
        except ValueError:
            continue
        if message:
            yield message


def _is_message(message: bytes, room: int, *, is_sure: bool) -> bool:
    if is_readable(message) or is_packed(message, room):
        return True
    return is_sure and bool(numbers_in(message) or unmasked(message))


def _base64(run: bytes) -> bytes:
    """Decode one message, or several that end in padding, as lines."""
    parts = re.split(b"=+", _SPACE.sub(b"", run).translate(_URLSAFE))
    return b"\n".join(_unpadded(part) for part in parts if part)


def _unpadded(part: bytes) -> bytes:
    part = part[: len(part) - (len(part) % 4 == 1)]
    return base64.b64decode(part + b"=" * (-len(part) % 4))


def _hex(run: bytes) -> bytes:
    run = _SPACE.sub(b"", run)
    return binascii.unhexlify(run[: len(run) // 2 * 2])


def _hex_pairs(run: bytes) -> bytes:
    return _hex(re.sub(rb"0x|[\s:,-]", b"", run))


def _base32(run: bytes) -> bytes:
    run = run.rstrip(b"=")
    odd = len(run) % 8 in (1, 3, 6)  # no message ends so
    run = run[: len(run) // 8 * 8] if odd else run + b"=" * (-len(run) % 8)
    return base64.b32decode(run)


def _ascii85(run: bytes) -> bytes:
    return base64.a85decode(run.removeprefix(b"<~").removesuffix(b"~>"))


_CODES: Mapping[str, _Code] = MappingProxyType(
    {
        "hex": _Code(_HEX_RUN, _hex, block=2, classes=2, is_wrapped=True),
        "hex pairs": _Code(_HEX_PAIRS, _hex_pairs, classes=3),
        "base32": _Code(_BASE32_RUN, _base32, block=8, classes=2, is_wrapped=True),
        "base64": _Code(_BASE64_RUN, _base64, block=4, classes=2, is_wrapped=True),
        "base85": _Code(_BASE85_RUN, base64.b85decode, block=5, classes=4, is_of_signs=True),
        "ascii85": _Code(_BASE85_RUN, _ascii85, classes=4, is_of_signs=True, is_loose=True),
    }
)


def _character(escape: bytes) -> bytes:
    return chr(int(b"0x" + escape[2:], 0)).encode(errors="replace")


def _unicode(content: bytes) -> bytes:
    return _UNICODE.sub(lambda found: _character(found[0]), content)


_ESCAPES: Mapping[str, tuple[re.Pattern[bytes], Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "percent": (re.compile(rb"%[0-9A-Fa-f]{2}"), urllib.parse.unquote_to_bytes),
        "quoted-printable": (re.compile(rb"=[0-9A-F]{2}"), quopri.decodestring),
        "unicode escapes": (_UNICODE, _unicode),
        "entities": (
            re.compile(rb"&#x?[0-9A-Fa-f]{1,6};"),
            lambda content: html.unescape(content.decode(errors="replace")).encode(),
        ),
        "json in json": (re.compile(rb'\\+"'), lambda content: re.sub(rb'\\+"', b'"', content)),
    }
)
"""How each escape looks, and how all of them are resolved."""
