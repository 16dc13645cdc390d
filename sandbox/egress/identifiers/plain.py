"""Brings disguised text into the plain form that identifiers are looked for in."""

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_MARKS = re.compile("[\u0300-\u036f\u20d0-\u20f0]+")
CHINESE_DIGITS = "〇零○一壹二贰两三叁四肆五伍六陆七柒八捌九玖幺"
TO_DIGITS = str.maketrans(CHINESE_DIGITS, "00011222334455667788991")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"))
_CHINESE_RUN = re.compile(rf"[{CHINESE_DIGITS}0-9]{{10,}}")
_OTHER_DIGIT = re.compile(r"[^\x00-\x7f\u4e00-\u9fff\u3007]")


def without_invisible(text: str) -> str:
    """Remove characters that show nothing: zero-width, bidirectional, variation selectors, tags."""
    return _INVISIBLE.sub("", text)


def plain(text: str) -> str:
    """Return `text` in NFKC without invisible characters and marks, all digits and long numerals as ASCII digits."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", without_invisible(text))
    text = _MARKS.sub("", text).translate(_DASHES)
    text = _OTHER_DIGIT.sub(_digit, text)
    return _CHINESE_RUN.sub(lambda run: run[0].translate(TO_DIGITS), text)


def _digit(match: re.Match[str]) -> str:
    """Return the digit that a character of another script or in a circle stands for, or itself."""
    value = unicodedata.digit(match[0], None)
    return match[0] if value is None else str(value)
