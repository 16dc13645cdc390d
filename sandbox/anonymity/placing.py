"""Where a part is cut, compiled: the value of a column that leaves room for whole classes on both sides."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.items import Table
from sandbox.anonymity.laying import WEIGHT, Ground, Marks

_SPARSE = 4
"""Codes are counted where they span at most so many for each item, and else sorted."""
_LAST = 2**31 - 1
_LOW_HALF = 2**32 - 1


class Cut(NamedTuple):
    """What goes to the left: items with a lower code in a column, and of this code the tuples up to the last."""

    column: int
    code: int
    """-1 where no cut leaves room."""
    last: int


class _Crossing(NamedTuple):
    """The code in which the summed weights reach what is wanted, and the sums before it and with it."""

    code: int
    below: int
    above: int


class _Wish(NamedTuple):
    """What a cut should have on its left: `wanted` parts of `rooms` of the whole weight."""

    column: int
    total: int
    rooms: int
    wanted: int


@njit(nogil=True)  # type: ignore[untyped-decorator]
def place(part: Table, column: int, total: int, ground: Ground, marks: Marks) -> Cut:
    """Return the cut of a part at one column."""
    rooms = total // ground.k
    wish = _Wish(column, total, rooms, total * (rooms // 2))
    if marks.most[column] - marks.least[column] > _SPARSE * len(part):
        at = _crossing_of_few(part, wish, ground.quasi)
    else:
        at = _crossing(part, wish, marks, ground.quasi)
    below, above = Cut(column, at.code - 1, _LAST), Cut(column, at.code, _LAST)
    under, over = at.below, at.above
    if ground.relaxed:
        below, above, under, over = _within(part, wish, at, ground.quasi)
    under_fits = ground.k <= under <= total - ground.k
    over_fits = ground.k <= over <= total - ground.k
    is_nearer = wish.wanted - under * rooms <= over * rooms - wish.wanted
    if under_fits and (is_nearer or not over_fits):
        return below
    return above if over_fits else Cut(column, -1, _LAST)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def is_left(item: Numbers, cut: Cut, quasi: int) -> bool:
    """Say on which side of a cut an item is."""
    code = item[cut.column]
    return bool(code < cut.code or (code == cut.code and item[quasi] <= cut.last))


@njit(nogil=True)  # type: ignore[untyped-decorator]
def move(part: Table, spare: Table, cut: Cut, quasi: int) -> int:
    """Bring the left items to the front, and keep both sides in their order; return how many are left."""
    left, right, width = 0, 0, part.shape[1]
    for i in range(len(part)):
        if is_left(part[i], cut, quasi):
            for place in range(width):
                part[left, place] = part[i, place]
            left += 1
        else:
            for place in range(width):
                spare[right, place] = part[i, place]
            right += 1
    for i in range(right):  # a slice would take longer to compile than all the rest
        for place in range(width):
            part[left + i, place] = spare[i, place]
    return left


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _crossing(part: Table, wish: _Wish, marks: Marks, quasi: int) -> _Crossing:
    low, high = marks.least[wish.column], marks.most[wish.column]
    for i in range(len(part)):
        marks.counts[part[i, wish.column] - low] += part[i, quasi + WEIGHT]
    code, below = low, 0
    while (below + marks.counts[code - low]) * wish.rooms < wish.wanted:
        below += marks.counts[code - low]
        code += 1
    above = below + marks.counts[code - low]
    marks.counts[: high - low + 1] = 0
    return _Crossing(code, below, above)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _crossing_of_few(part: Table, wish: _Wish, quasi: int) -> _Crossing:
    keys = np.empty(len(part), np.int64)
    for i in range(len(part)):
        keys[i] = (int(part[i, wish.column]) << 32) | int(part[i, quasi + WEIGHT])
    keys.sort()
    code, below, above = int(keys[0]) >> 32, 0, 0
    for each in keys:
        key = int(each)
        if key >> 32 != code:
            if above * wish.rooms >= wish.wanted:
                break
            code, below = key >> 32, above
        above += key & _LOW_HALF
    return _Crossing(code, below, above)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _within(part: Table, wish: _Wish, at: _Crossing, quasi: int) -> tuple[Cut, Cut, int, int]:
    """Return the cuts next to what is wanted between the tuples of the crossing's code, and their sums."""
    below, under = Cut(wish.column, at.code - 1, _LAST), at.below
    summed, last = at.below, -1
    for i in range(len(part)):
        if part[i, wish.column] != at.code:
            continue
        if last >= 0 and part[i, quasi] != last:
            cut = Cut(wish.column, at.code, last)
            if summed * wish.rooms >= wish.wanted:
                return below, cut, under, summed
            below, under = cut, summed
        summed, last = summed + part[i, quasi + WEIGHT], int(part[i, quasi])
    return below, Cut(wish.column, at.code, _LAST), under, at.above
