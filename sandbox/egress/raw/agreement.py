"""Finds, for each group of tokens, the row of the source that it agrees with best.

A group is worth the sum of the bits of its tokens that agree with one row, rarest first, each token and each column of
the row once, less log2 of the number of ways to choose as many tokens out of those that could have agreed: of many
tokens some agree with some row by chance, and a group that is padded with values of other rows still shows its own.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sandbox.data.compiled import compiled
from sandbox.data.sealed import Store
from sandbox.egress.raw.asked import Asked, Ranges, asked, ranges
from sandbox.egress.raw.tokens import LONGEST_ROW, Token

MOST_WORK = 300_000_000
"""Comparisons of a row with a token in one look at all groups, about a nanosecond each; every group has its share."""
WORK_EACH = 20_000_000
"""Comparisons for one group, at most, beside what those before it left over."""
FETCHING = 200
"""Comparisons that fetching a row is worth."""
SHORTEST_ROW = 6
"""Tokens of a group that may be a whole row; of fewer, its windows tell, too."""
WINDOWS = (8, 24)
"""Lengths of the windows over tokens that the source has in the order of reading; they overlap by half."""
SLOTS = 63
"""Tokens and columns are told apart by so many marks; of more, some that share a mark count once."""

_MILLI = 1000

Spans = tuple[np.ndarray, np.ndarray]
"""Where each group begins and ends among the tokens."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The best row of each group; bits are 0 where no row agrees in two tokens."""

    bits: np.ndarray
    row: np.ndarray
    """Its number in the source, never told to anybody; -1 for none."""


def agreement(
    groups: Sequence[Sequence[Token]], store: Store, *, least: float
) -> Iterator[Agreement]:
    """Yield the best row of `store` for each group; then for each window over groups that are too short or long for a row.

    What cannot reach `least` bits is not looked for.
    """
    found = asked(groups)
    places = ranges(found, store)
    known = found.only(places.offsets[found.values + 1] > places.offsets[found.values])
    sizes = np.bincount(known.groups, minlength=len(groups))
    yield _best_of(known, places, _groups(sizes), store, least=least)
    apart = (sizes < SHORTEST_ROW) | (sizes > LONGEST_ROW)
    known = known.only(apart[known.groups])
    for length in WINDOWS:
        starts = np.arange(0, len(known.groups), length // 2)
        spans = starts, np.minimum(starts + length, len(known.groups))
        yield _best_of(known, places, spans, store, least=least)


def _groups(sizes: np.ndarray) -> Spans:
    ends = np.cumsum(sizes)
    kept = (sizes > 1) & (sizes <= LONGEST_ROW)
    return (ends - sizes)[kept], ends[kept]


def _best_of(
    known: Asked, places: Ranges, spans: Spans, store: Store, *, least: float
) -> Agreement:
    bits = (places.bits * _MILLI).astype(np.int64)
    work = min(WORK_EACH, MOST_WORK // max(1, len(spans[0])))
    best, row = _best(
        spans,
        (known.tokens, known.values, places.offsets),
        (places.columns, places.ranks, places.places, bits),
        (_fixed(store.places), _fixed(store.ranks)),
        (int(least * _MILLI), work),
    )
    return Agreement(best / _MILLI, row)


def _fixed(array: np.ndarray) -> np.ndarray:
    """Return an array as one that is only read, of whichever kind it is: one compiled loop is for both."""
    found = np.asarray(array).view()
    found.flags.writeable = False
    return found


@compiled
def _best(spans, tokens, places, source, limits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    starts, ends = spans
    columns, ranks, lies, bits = places
    rows_of, ranks_of = source
    least, work = limits
    best, best_row = np.zeros(len(starts), np.int64), np.full(len(starts), -1, np.int64)
    met = np.zeros(len(tokens[2]), np.int64)
    left = 0
    for group in range(len(starts)):
        left += work
        which, mark, could = _gathered((group, starts[group], ends[group]), tokens, bits, met)
        if could < 2:  # noqa: PLR2004 - one cell is no row
            continue
        most, cost = _most(mark, bits[which]), _chances(could)
        walked = np.zeros(len(which), np.bool_)
        for i in range(len(which)):
            if most[i] < least:
                break
            begin, end = lies[which[i], 0], lies[which[i], 1]
            if (end - begin) * (len(which) + FETCHING) > left:
                continue
            left -= (end - begin) * (len(which) + FETCHING)
            for place in range(begin, end):
                row = rows_of[place]
                group_of = (which, mark, walked, most)
                score = _score(ranks_of[row], group_of, (columns, ranks, bits), (cost, least))
                if score > best[group]:
                    best[group], best_row[group] = score, row
            walked[i] = True
    return best, best_row


@compiled
def _score(row, group, places, limits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return what a row has in common with a group, each token and each column once; 0 where it was asked before, or is too little."""
    which, mark, walked, most = group
    columns, ranks, bits = places
    cost, least = limits
    tokens = taken = score = count = 0
    for i in range(len(which)):
        if score + most[i] < least:
            return 0
        at = which[i]
        if not ranks[at, 0] <= row[columns[at]] < ranks[at, 1]:
            continue
        if walked[i]:
            return 0
        token, column = 1 << mark[i], 1 << (columns[at] % SLOTS)
        if not tokens & token and not taken & column:
            tokens, taken = tokens | token, taken | column
            score, count = score + bits[at], count + 1
    return score - cost[count] if count > 1 else 0


@compiled
def _gathered(span, tokens, bits, met):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return the ranges of a group, rarest first, the mark of each one's token, and how many tokens there are."""
    group, first, last = span
    numbers, values, offsets = tokens
    size = 0
    for place in range(first, last):
        size += offsets[values[place] + 1] - offsets[values[place]]
    which, mark = np.empty(size, np.int64), np.empty(size, np.int64)
    filled, could, before = 0, 0, -1
    for place in range(first, last):
        value = values[place]
        if met[value] == group + 1:
            continue  # equal tokens count once
        met[value] = group + 1
        if numbers[place] != before:
            could, before = could + 1, numbers[place]
        for at in range(offsets[value], offsets[value + 1]):
            which[filled], mark[filled] = at, could % SLOTS
            filled += 1
    order = np.argsort(-bits[which[:filled]])
    return which[order], mark[order], could


@compiled
def _most(mark, bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return the most that a row can have in common with a group that lies in none of the first i ranges, for each i."""
    most, of_token, total = np.empty(len(mark), np.int64), np.zeros(SLOTS, np.int64), 0
    for i in range(len(mark) - 1, -1, -1):
        total += bits[i] - of_token[mark[i]]
        of_token[mark[i]] = bits[i]
        most[i] = total
    return most


@compiled
def _chances(could):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return log2 of the ways to choose k of `could` tokens in thousandths, for each k up to `SLOTS`."""
    cost = np.zeros(SLOTS + 1, np.int64)
    for k in range(min(could, SLOTS) + 1):
        ways = math.lgamma(could + 1) - math.lgamma(k + 1) - math.lgamma(could - k + 1)
        cost[k] = int(_MILLI * ways / math.log(2))
    return cost
