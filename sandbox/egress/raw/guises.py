"""Takes off the guises of text that need no key, or one of a byte: reversed, ROT13, XOR, numbers in other signs or set apart."""

import codecs
import re
from collections.abc import Iterator

from sandbox.egress.identifiers.plain import plain
from sandbox.egress.raw.masks import unmasked

MAX_CHARACTERS = 2_000_000
"""Longer text is not looked at under its guises: it waits for people, as all text does."""

_NUMERALS = "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖两"
_DIGITS = str.maketrans(_NUMERALS, "001234567891234567892")
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8}
_NUMERAL = re.compile(
    f"[{_NUMERALS}{''.join(_UNITS)}{''.join(_MYRIADS)}]{{1,40}}(?:点[{_NUMERALS}]{{1,20}})?"
)
_HEXADECIMAL = re.compile(
    r"[-+]?0[xX][0-9a-fA-F]{1,20}(?:\.[0-9a-fA-F]{0,20})?(?:[pP][-+]?[0-9]{1,4})?"
)
_COMMAS = str.maketrans({".": None, ",": "."})
_APART = re.compile(r"(?<![0-9.])(?:[0-9.][ _·]){3,60}[0-9.](?![0-9])")


def guises(text: str) -> Iterator[str]:
    """Yield what `text` may say in disguise; nothing where taking a guise off changes nothing."""
    if not text or len(text) > MAX_CHARACTERS:
        return
    yield text[::-1]
    if re.search(r"[A-Za-z]{3}", text):
        yield codecs.encode(text, "rot13")
    if masked := unmasked(text.encode(errors="replace")):
        yield masked.decode(errors="replace")
    if re.search("[0-9],[0-9]", text):
        yield text.translate(_COMMAS)
    shown = _NUMERAL.sub(lambda found: _number(found[0]), plain(text))
    shown = _HEXADECIMAL.sub(_decimal, shown)
    shown = _APART.sub(lambda found: re.sub(r"[ _·]", "", found[0]), shown)
    if shown != text:
        yield shown


def _decimal(found: re.Match[str]) -> str:
    try:
        return repr(float.fromhex(found[0]))
    except OverflowError:
        return found[0]


def _number(numeral: str) -> str:
    """Write a Chinese numeral in digits: 一万二千三百 is 12300, and 一二三 is 123."""
    whole, _, decimals = numeral.partition("点")
    if not set(whole) & {*_UNITS, *_MYRIADS}:
        digits = whole.translate(_DIGITS)
    else:
        digits = str(_value(whole))
    return f"{digits}.{decimals.translate(_DIGITS)}" if decimals else digits


def _value(numeral: str) -> int:
    total = part = digit = before = 0
    for sign in numeral:
        if sign in _UNITS:
            part, digit = part + (digit or 1) * _UNITS[sign], 0
        elif sign in _MYRIADS:
            unit = _MYRIADS[sign]
            held = total if unit > before else 0  # 一万亿 is so many 亿; 一亿一万 is not
            total += (held + part + digit) * unit - held
            part, digit, before = 0, 0, unit
        else:
            digit = int(sign.translate(_DIGITS))
    return total + part + digit
