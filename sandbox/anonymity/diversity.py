"""What the classes of a view give away of a sensitive column: l-diversity, t-closeness and the commonest value."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from sandbox.anonymity.classes import Groups, Numbers, Units, units_in
from sandbox.anonymity.coding import Coded, Figures
from sandbox.anonymity.evidence import Diversity, at_least, at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How many units of each class have each value: one entry for each value that a class has, in their order."""

    group: Numbers
    value: Numbers
    units: Numbers
    classes: int

    def shares(self) -> Figures:
        """Return the share of each value among the values of its class."""
        totals = np.bincount(self.group, self.units, minlength=self.classes)
        found: Figures = self.units / totals[self.group]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """How the shares of a whole view add up, over its values in their order."""

    steps: Figures
    """The share of all values up to and with each."""
    summed: Figures
    """The sum of `steps` before each place, and of all of them."""

    @classmethod
    def of(cls, overall: Figures) -> Self:
        """Add the shares up."""
        steps = np.minimum(np.cumsum(overall), 1.0)
        return cls(steps=steps, summed=np.concatenate([[0.0], np.cumsum(steps)]))


def diversity(column: Coded, classes: Groups, units: Units, sizes: Numbers) -> Diversity:
    """Return the figures of the worst classes; `sizes` is how many units each class has, and some class has one."""
    spread = _spread(column, classes, units)
    shares = spread.shares()
    known = spread.units / sizes[spread.group]
    top = int(np.argmax(known))
    entropy = np.bincount(spread.group, -shares * np.log(shares), minlength=classes.count)
    return Diversity(
        column=column.name,
        distinct=int(np.bincount(spread.group).min()),
        entropy=at_most(float(np.exp(entropy.min()))),
        top_share=Fraction(int(spread.units[top]), int(sizes[spread.group[top]])),
        closeness=at_least(
            float(_distances(column, spread, shares, _overall(column, units)).max())
        ),
    )


def _spread(column: Coded, classes: Groups, units: Units) -> Spread:
    key = classes.of * np.int64(column.size) + column.codes
    if units.of is None:
        found, counts = np.unique(key, return_counts=True)
    else:
        found, of = np.unique(key, return_inverse=True)
        counts = units_in(Groups(of=of, count=len(found)), units)
    return Spread(
        group=found // column.size,
        value=found % column.size,
        units=counts,
        classes=classes.count,
    )


def _overall(column: Coded, units: Units) -> Figures:
    """Return the share of each value in the whole view: of units that have it, each counted once for it."""
    counts = units_in(Groups(of=column.codes.astype(np.int64), count=column.size), units)
    found: Figures = counts / counts.sum()
    return found


def _distances(column: Coded, spread: Spread, shares: Figures, overall: Figures) -> Figures:
    if column.is_number:
        return ordered_distances(spread, shares, Climb.of(overall))
    more = np.maximum(shares - overall[spread.value], 0.0)
    return np.bincount(spread.group, more, minlength=spread.classes).astype(np.float64)


def ordered_distances(spread: Spread, shares: Figures, climb: Climb) -> Figures:
    """Return for each class the mean distance of its cumulative shares from the view's (Li et al., 2007, section 5.1).

    Between two values that a class has, its own cumulative share P stands still while the view's, Q, climbs: the stretch
    is summed at once, split where Q passes P. So it costs one search for each value of a class, not all values for each.
    """
    size = len(climb.steps)
    if size == 1:
        return np.zeros(spread.classes)
    summed = climb.summed
    firsts = np.flatnonzero(np.diff(spread.group, prepend=-1))
    begins, ends = spread.value, np.append(spread.value[1:], size)
    ends[np.append(firsts[1:], len(ends)) - 1] = size
    own = _cumulative(shares, firsts)
    turns = np.clip(np.searchsorted(climb.steps, own), begins, ends)
    below = own * (turns - begins) - (summed[turns] - summed[begins])
    above = (summed[ends] - summed[turns]) - own * (ends - turns)
    total = np.add.reduceat(below + above, firsts) + summed[begins[firsts]]
    found: Figures = total / (size - 1)
    return found


def _cumulative(shares: Figures, firsts: Numbers) -> Figures:
    """Return the running sum of the shares within each class."""
    running = np.cumsum(shares)
    before = running[firsts] - shares[firsts]
    lengths = np.diff(np.append(firsts, len(shares)))
    found: Figures = np.minimum(running - np.repeat(before, lengths), 1.0)
    return found
