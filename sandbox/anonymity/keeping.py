"""Whether both sides of a cut keep k, l and t, compiled."""

import numpy as np
from numba import njit

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.coding import Figures
from sandbox.anonymity.items import SLACK, Table
from sandbox.anonymity.laying import SENSITIVE, UNIT, Ground, Marks
from sandbox.anonymity.placing import Cut, is_left

_SIDES = 2


@njit(nogil=True)  # type: ignore[untyped-decorator]
def always(_part: Table, _cut: Cut, _ground: Ground, _marks: Marks) -> bool:
    """Allow every cut: where weights can be added, it was placed so that both sides have k units."""
    return True


@njit(nogil=True)  # type: ignore[untyped-decorator]
def keeps(part: Table, cut: Cut, ground: Ground, marks: Marks) -> bool:
    """Say whether both sides of a cut have k units, and l values and a distance of at most t in every sensitive column."""
    for side in range(_SIDES):  # noqa: SIM110 - compiled code knows no generators
        if not _keeps(part, cut, side == 0, ground, marks):
            return False
    return True


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _keeps(part: Table, cut: Cut, left: bool, ground: Ground, marks: Marks) -> bool:  # noqa: FBT001 - a side
    marks.tick[0] += 1
    units = 0
    for i in range(len(part)):
        unit = part[i, ground.quasi + UNIT]
        if marks.units[unit] != marks.tick[0] and is_left(part[i], cut, ground.quasi) == left:
            marks.units[unit] = marks.tick[0]
            units += 1
    if units < ground.k:
        return False
    for column in range(ground.sensitive):
        if not _spreads(part, cut, left, column, (ground, marks)):
            return False
    return True


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _spreads(
    part: Table,
    cut: Cut,
    left: bool,  # noqa: FBT001 - a side
    column: int,
    beside: tuple[Ground, Marks],
) -> bool:
    """Say whether the units of one side differ enough in one sensitive column."""
    ground, marks = beside
    at, start = ground.quasi + SENSITIVE + 2 * column, marks.owner_starts[column]
    seen, values, total = np.empty(len(part), np.int64), 0, 0
    for i in range(len(part)):
        owner = start + part[i, at + 1]
        if marks.owners[owner] == marks.tick[0] or is_left(part[i], cut, ground.quasi) != left:
            continue
        marks.owners[owner] = marks.tick[0]
        code = part[i, at]
        if marks.counts[code] == 0:
            seen[values] = code
            values += 1
        marks.counts[code] += 1
        total += 1
    codes = np.sort(seen[:values])
    shares = np.empty(values)
    for i in range(values):
        shares[i] = marks.counts[codes[i]] / total
        marks.counts[codes[i]] = 0
    if values < ground.l:
        return False
    return ground.t >= 1 or _distance(codes, shares, column, ground) <= ground.t + SLACK


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _distance(codes: Numbers, shares: Figures, column: int, ground: Ground) -> float:
    """Return how far a side is from the whole table, as `diversity` does."""
    start, size = ground.starts[column], ground.starts[column + 1] - ground.starts[column]
    if not ground.is_number[column]:
        apart = 0.0
        for i in range(len(codes)):
            apart += max(shares[i] - ground.shares[start + codes[i]], 0.0)
        return apart
    if size == 1:
        return 0.0
    steps = ground.steps[start : start + size]
    summed = ground.summed[start + column : start + column + size + 1]
    apart, own = float(summed[codes[0]]), 0.0
    for i in range(len(codes)):
        begin, end = codes[i], codes[i + 1] if i + 1 < len(codes) else size
        own = min(own + shares[i], 1.0)
        turn = min(max(np.searchsorted(steps, own), begin), end)
        apart += own * (turn - begin) - (summed[turn] - summed[begin])
        apart += (summed[end] - summed[turn]) - own * (end - turn)
    return apart / float(size - 1)
