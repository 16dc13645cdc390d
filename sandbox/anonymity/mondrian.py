"""Cuts a table into classes in which every unit has company: multidimensional Mondrian (LeFevre et al., 2006).

A part is cut at one value of its widest column, as long as both sides keep what is asked of a class. Of a part that could
hold n classes of k the cut leaves room for n // 2 on one side and for the rest on the other: halves alone would end in parts
of nearly 2k that nothing can cut. Only the declared columns are looked at, and of the sensitive ones only whether a side
keeps l and t. The order of rows tells nothing: the same rows give the same classes.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.coding import Coded, Codes
from sandbox.anonymity.diversity import Spread, ordered_distances
from sandbox.anonymity.items import SLACK, Items, Sensitive
from sandbox.order import Generalise

FAST_FROM = 200_000
"""From so many items on, compiling the fast form (seconds) pays."""

Cutter = Callable[[Items, Generalise], Numbers]
"""Returns the class of each different row of quasi-identifiers: see `classes_of`."""


def cutter_for(items: Items) -> Cutter:
    """Return the form of Mondrian that is faster for these items; both give the same classes."""
    if items.count < FAST_FROM:
        return classes_of
    from sandbox.anonymity.mondrian_compiled import compiled_classes_of  # noqa: PLC0415 - numba takes a second to load

    return compiled_classes_of


def classes_of(items: Items, aim: Generalise) -> Numbers:
    """Return a class for each different row of quasi-identifiers, from 0 on.

    Every class has `aim`'s k, l and t where all items together have them.
    """
    found = np.zeros(int(items.tuples[-1]) + 1 if items.count else 0, np.int64)
    waiting, done = [np.arange(items.count)] if items.count else [], 0
    while waiting:
        part = waiting.pop()
        sides = next(_sides(items, aim, part), None)
        if sides is not None:
            waiting.extend(reversed(sides))
            continue
        found[items.tuples[part]] = done
        done += 1
    return found


def meets(items: Items, aim: Generalise, part: Numbers) -> bool:
    """Say whether items, taken together, have `aim`'s k, l and t."""
    if items.units is None:
        return int(items.weights[part].sum()) >= aim.k
    if len(np.unique(items.units[part])) < aim.k:
        return False
    return all(_spreads(each, aim, part) for each in items.sensitive)


def _sides(items: Items, aim: Generalise, part: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the two sides of each cut that is allowed, of the widest column first."""
    codes = items.codes[part]
    widths = [_width(column, codes[:, place]) for place, column in enumerate(items.columns)]
    for place in sorted(range(len(widths)), key=lambda place: (-widths[place], place)):
        left = _left(items, aim, part, codes[:, place]) if widths[place] >= 0 else None
        if left is not None:
            sides = part[left], part[~left]
            if all(meets(items, aim, side) for side in sides):
                yield sides


def _width(column: Coded, codes: Codes) -> float:
    """Return how much of a column a part reaches over: from 0 to 1, more with missing values, -1 with one value only."""
    low, high = codes.min(), codes.max()
    if low == high:
        return -1.0
    if column.is_number:
        return float(column.positions[high] - column.positions[low])
    return (len(np.unique(codes)) - 1) / (column.size - 1)


def _left(items: Items, aim: Generalise, part: Numbers, codes: Codes) -> NDArray[np.bool_] | None:
    """Say of each item of a part whether it goes to the left, where some cut leaves room for k on both sides."""
    order = np.argsort(codes, kind="stable")
    summed = np.cumsum(items.weights[part][order])
    total, rooms = int(summed[-1]), int(summed[-1]) // aim.k
    changes = codes[order][1:] != codes[order][:-1]
    if aim.relaxed:
        tuples = items.tuples[part][order]
        changes = changes | (tuples[1:] != tuples[:-1])
    ends = np.flatnonzero(changes)
    before = summed[ends]
    at = int(np.searchsorted(before * rooms, total * (rooms // 2)))
    fitting = [
        (abs(int(before[i]) * rooms - total * (rooms // 2)), int(i))
        for i in (at - 1, at)
        if 0 <= i < len(ends) and aim.k <= before[i] <= total - aim.k
    ]
    if not fitting:
        return None
    left = np.zeros(len(part), bool)
    left[order[: ends[min(fitting)[1]] + 1]] = True
    return left


def _spreads(column: Sensitive, aim: Generalise, part: Numbers) -> bool:
    """Say whether the units of a part differ enough in a sensitive column."""
    _, firsts = np.unique(column.owners[part], return_index=True)
    values, counts = np.unique(column.codes[part][firsts].astype(np.int64), return_counts=True)
    if len(values) < aim.l:
        return False
    return aim.t >= 1 or _distance(column, values, counts) <= float(aim.t) + SLACK


def _distance(column: Sensitive, values: Numbers, counts: Numbers) -> float:
    shares = counts / counts.sum()
    if not column.is_number:
        return float(np.maximum(shares - column.overall[values], 0.0).sum())
    spread = Spread(group=np.zeros_like(values), value=values, units=counts, classes=1)
    return float(ordered_distances(spread, shares, column.climb)[0])
