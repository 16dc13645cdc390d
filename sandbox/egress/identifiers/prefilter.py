"""The first look at a column: one pass of RE2 over all cells at once.

RE2 has no look-arounds. A pattern of a kind is therefore widened to one that matches wherever the
kind does, and seldom elsewhere: `[^0-9]` takes the place of "no digit after". Nowhere does a
bounded gap stand between two parts (`X.{0,16}Y`), which blows the automaton up tenfold.
"""

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.egress.identifiers.kind import NO_DIGIT_AFTER, NO_DIGIT_BEFORE

_CLOSED = "(?:$|[^0-9A-Fa-f.]|\\.(?:$|[^0-9]))"
_BEFORE = re.compile(r"\(\?<!\[((?:[^\]\\]|\\.)+)\]\)")
_AFTER = re.compile(r"\(\?!\[((?:[^\]\\]|\\.)+)\]\)")
_OTHER = re.compile(r"\(\?<?[!=](?:[^()\\]|\\.)*\)")


def widened(pattern: str) -> str:
    """Return a pattern for RE2 that matches in every text that `pattern` matches in."""
    pattern = pattern.replace(NO_DIGIT_BEFORE, "(?:^|[^0-9A-Fa-f])").replace(
        NO_DIGIT_AFTER, _CLOSED
    )
    pattern = _BEFORE.sub(r"(?:^|[^\1])", pattern)
    pattern = _AFTER.sub(r"(?:$|[^\1])", pattern, count=1)
    return f"(?:{_OTHER.sub('', pattern)})"


def cue(context: str) -> str:
    """Return a pattern for RE2 that matches in every text that holds the words of `context`."""
    return f"(?i:{_OTHER.sub('', context).replace('$', '')})"


def one_of(patterns: Iterable[str]) -> str:
    """Return a pattern that matches where any of `patterns` does."""
    return "|".join(patterns)


def places(texts: pa.Array, pattern: str) -> list[int]:
    """Return the places of the texts in which an RE2 pattern matches; none in a null."""
    if texts.null_count == len(texts):  # a pattern takes milliseconds to compile
        return []
    held = pc.fill_null(pc.match_substring_regex(texts, pattern), fill_value=False)
    found: list[int] = pc.indices_nonzero(held).to_pylist()
    return found
