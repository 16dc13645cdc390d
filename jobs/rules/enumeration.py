"""The enumeration guard: whether keys that a developer asks about are its customers', or a walk through all keys.

What it holds against each asking: the keys' own pattern, how many were asked about on one day, and how many of them consent.
A developer who walks through keys meets few who consent to it; one who asks about its customers meets little else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.reason import Reason, Said

PER_DAY = 10_000
"""The most keys that one developer may ask about in a day, over all its scenarios."""
FEWEST_ASKED = 20
"""From how many keys of one day on the share of hits is looked at."""
FEWEST_HITS = 0.5
"""The least share of a day's keys whose units consent."""
RUN = 32
"""So many keys in a row, at one distance from each other or within a span of twice as many, are a walk."""
_CLAUSE = "Lingang art. 22"
_DIGITS = re.compile(r"[0-9]+")
_SIGNS = re.compile(r"[0-9a-z]+")
_CHECKED = 18
"""The length of a resident id (GB 11643) and of an enterprise's code (GB 32100)."""
_MOST_DIGITS, _MOST_SIGNS = 18, 12
"""As many as an integer of 64 bits holds: of a longer key, the last."""

SEQUENTIAL = Reason(
    rule="ask.sequential",
    why=Said(
        zh="所询问的主体键连续或等距，是枚举而不是核验",
        en="the keys that are asked about follow one another: that is a walk through them, not a verification",
    ),
    fix=Said(
        zh="只询问已授权同意的客户",
        en="ask about customers who have consented, and nobody else",
    ),
    place="subjects",
    clause=_CLAUSE,
)
TOO_MANY = Reason(
    rule="ask.rate",
    why=Said(
        zh=f"当日询问的主体超过 {PER_DAY} 个",
        en=f"more than {PER_DAY} subjects were asked about today",
    ),
    fix=Said(zh="次日再询问其余主体", en="ask about the others tomorrow"),
    place="subjects",
    clause=_CLAUSE,
)
FEW_HITS = Reason(
    rule="ask.hits",
    why=Said(
        zh="当日询问的主体中，授权同意者不足一半",
        en="of the subjects asked about today, fewer than half consent",
    ),
    fix=Said(
        zh="先取得授权同意再询问；次日重新计算",
        en="obtain consents before asking; the count begins anew tomorrow",
    ),
    place="subjects",
    clause=_CLAUSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one developer has asked on one day."""

    asked: int
    """Keys, those of refused askings among them."""
    hits: int
    """How many of them were of units that consent."""


def enumeration_reasons(units: Sequence[str], day: Day) -> Iterator[Reason]:
    """Say why an asking may not go on; `day` counts it already. No reason quotes a key."""
    if is_walk(units):
        yield SEQUENTIAL
    if day.asked > PER_DAY:
        yield TOO_MANY
    if day.asked >= FEWEST_ASKED and day.hits < FEWEST_HITS * day.asked:
        yield FEW_HITS


def is_walk(units: Sequence[str]) -> bool:
    """Say whether `RUN` different keys follow one another, in whatever order they came.

    A key is read as the number that its digits, or its signs, make; one of 18 signs without its last too, which in resident
    and enterprise identifiers is a check on the others.
    """
    texts = {unit.strip().casefold() for unit in units}
    bare = {text[:-1] for text in texts if len(text) == _CHECKED}
    return any(
        _follows(_numbers(some, kind, base))
        for some in (texts, bare)
        for kind, base in ((_DIGITS, 10), (_SIGNS, 36))
    )


def _numbers(texts: set[str], kind: re.Pattern[str], base: int) -> NDArray[np.int64]:
    most = _MOST_DIGITS if base == 10 else _MOST_SIGNS  # noqa: PLR2004 - the decimal system
    found = ("".join(kind.findall(text))[-most:] for text in texts)
    return np.unique(np.fromiter((int(one, base) for one in found if one), dtype=np.int64))


def _follows(numbers: NDArray[np.int64]) -> bool:
    """Say whether sorted, different numbers hold a run: a dense one, or one of equal steps."""
    if len(numbers) < RUN:
        return False
    if (numbers[RUN - 1 :] - numbers[: 1 - RUN]).min() < 2 * RUN:
        return True
    changes = np.flatnonzero(np.diff(np.diff(numbers)))
    edges = np.concatenate(([-1], changes, [len(numbers) - 2]))
    return bool(np.diff(edges).max() >= RUN - 1)
