"""The same cuts as `mondrian`, compiled: items are moved in place, so that a part lies together in memory."""

from collections.abc import Callable

import numpy as np
from numba import njit

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.items import Items, Table
from sandbox.anonymity.keeping import always, keeps
from sandbox.anonymity.laying import WEIGHT, Ground, Marks, ground_of, laid_out, marks_of
from sandbox.anonymity.placing import Cut, move, place
from sandbox.order import Generalise

_TWO = 2
_Allowed = Callable[[Table, Cut, Ground, Marks], bool]


def compiled_classes_of(items: Items, aim: Generalise) -> Numbers:
    """Return what `mondrian.classes_of` returns."""
    if not items.count:
        return np.zeros(0, np.int64)
    rows, tuples = laid_out(items), int(items.tuples[-1]) + 1
    beside = ground_of(items, aim), marks_of(items)
    allowed = always if items.units is None else keeps
    found: Numbers = _classes(rows, tuples, allowed, *beside)
    return found


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _classes(rows: Table, tuples: int, allowed: _Allowed, ground: Ground, marks: Marks) -> Numbers:
    """Cut parts until no cut is allowed, the left side first, and number what is left."""
    spare = np.empty_like(rows)
    found = np.zeros(tuples, np.int64)
    lows, highs = np.empty(len(rows) + 1, np.int64), np.empty(len(rows) + 1, np.int64)
    lows[0], highs[0], waiting, done = 0, len(rows), 1, 0
    while waiting:
        waiting -= 1
        low, high = lows[waiting], highs[waiting]
        middle = low + _cut(rows[low:high], spare, allowed, ground, marks)
        if middle == low:
            for i in range(low, high):
                found[rows[i, ground.quasi]] = done
            done += 1
            continue
        lows[waiting], highs[waiting] = middle, high
        lows[waiting + 1], highs[waiting + 1] = low, middle
        waiting += 2
    return found


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _cut(part: Table, spare: Table, allowed: _Allowed, ground: Ground, marks: Marks) -> int:
    """Cut a part at its widest column that allows it; return how many items went to the left, 0 where none does."""
    total = _measure(part, ground, marks)
    if total < _TWO * ground.k:
        return 0
    for _ in range(ground.quasi):
        column = np.argmax(marks.widths)
        if marks.widths[column] < 0:
            return 0
        marks.widths[column] = -1.0
        cut = place(part, column, total, ground, marks)
        if cut.code >= 0 and allowed(part, cut, ground, marks):
            return int(move(part, spare, cut, ground.quasi))
    return 0


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _measure(part: Table, ground: Ground, marks: Marks) -> int:
    """Note the reach of a part in each quasi-identifier, as `mondrian` takes it; return the part's weight."""
    total, least, most = 0, marks.least, marks.most
    for column in range(ground.quasi):
        least[column], most[column] = part[0, column], part[0, column]
    for i in range(len(part)):
        total += int(part[i, ground.quasi + WEIGHT])
        for column in range(ground.quasi):
            code = part[i, column]
            least[column] = min(least[column], code)
            most[column] = max(most[column], code)
    for column in range(ground.quasi):
        begin, end = ground.begins[column], ground.begins[column + 1]
        if least[column] == most[column]:
            marks.widths[column] = -1.0
        elif ground.is_wide[column]:
            near, far = begin + least[column], begin + most[column]
            marks.widths[column] = ground.positions[far] - ground.positions[near]
        else:
            found = _different(part, column, marks.seen[begin:end], marks.tick)
            marks.widths[column] = (found - 1) / (end - begin - 1)
    return total


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _different(part: Table, column: int, seen: Numbers, tick: Numbers) -> int:
    """Return how many different codes a part has in a column."""
    tick[0] += 1
    found = 0
    for i in range(len(part)):
        code = part[i, column]
        found += seen[code] != tick[0]
        seen[code] = tick[0]
    return found
