"""Finds numbers that were typed into prose, in digits or in words, whatever they are broken up with."""

import html
import re
import unicodedata
from collections.abc import Iterator

from sandbox.egress.identifiers.plain import without_invisible

LARGEST_ORDINAL = 20
"""Whole numbers up to here may be typed: chapters, steps, small quantities of things that are no data."""
YEARS = range(1900, 2101)
LEVELS = frozenset({"90%", "95%", "99%"})
"""Levels of confidence."""
MOST_IN_LINE = 8
"""Small numbers that one line may have; more are digits of something."""

_BREAKS = re.compile(r"[\\*_`~]")
_CHAPTER = re.compile(r"#{1,6} +[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}\.?(?= )")
_NUMBER = re.compile(r"[0-9]+(?:[.,'][0-9]+)*(?: ?%)?")
_WRITTEN = re.compile(r"[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟点]{3,}")
_GROUPS = re.compile(r"[,'](?=[0-9]{3}(?![0-9]))")


def typed_numbers(text: str) -> Iterator[int]:
    """Yield the line, from 1, of each number in `text` that is no year, small ordinal or level of confidence.

    Entities, full-width digits, escapes and marks of emphasis are undone first: they show as the digits that they hide.
    """
    for line, raw in enumerate(text.split("\n"), start=1):
        plain = unicodedata.normalize("NFKC", without_invisible(html.unescape(raw)))
        plain = _CHAPTER.sub("", _digits(_BREAKS.sub("", plain)))
        found = [one[0] for one in _NUMBER.finditer(plain)]
        wrong = [one for one in found if not _may_stand(one)] or found[MOST_IN_LINE:]
        yield from (line for _ in [*wrong, *_WRITTEN.findall(plain)])


def _digits(text: str) -> str:
    """Write the digits of every script as ASCII's."""
    return "".join(
        str(unicodedata.digit(c)) if not c.isascii() and c.isdigit() else c for c in text
    )


def _may_stand(found: str) -> bool:
    plain = _GROUPS.sub("", found).replace(" ", "")
    if plain in LEVELS:
        return True
    is_short = plain.isdecimal() and len(plain) <= len("2000")
    return is_short and (int(plain) <= LARGEST_ORDINAL or int(plain) in YEARS)
