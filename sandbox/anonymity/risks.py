"""The risk of being found again: for one who is after a person, after anybody, or after as many as he can get."""

from fractions import Fraction

import numpy as np

from sandbox.anonymity.classes import Groups, Numbers, Units, pairs
from sandbox.anonymity.coding import Figures
from sandbox.anonymity.evidence import Risks, at_least

NO_RISKS = Risks(
    prosecutor=Fraction(0),
    prosecutor_average=Fraction(0),
    journalist=Fraction(0),
    journalist_average=Fraction(0),
    marketer=Fraction(0),
)
"""Of a view without rows."""


def risks(classes: Groups, units: Units, sizes: Numbers, population: Numbers) -> Risks:
    """Return the risks of a view whose class i has `sizes[i]` units, and `population[i]` in what it was taken from."""
    crowds = np.maximum(population, sizes)
    in_view = _of_each_unit(classes, units, sizes)
    in_population = _of_each_unit(classes, units, crowds)
    linked = float((1.0 / in_population).mean())
    met = len(sizes) / float(crowds.sum())
    return Risks(
        prosecutor=Fraction(1, int(sizes.min())),
        prosecutor_average=at_least(float((1.0 / in_view).mean())),
        journalist=Fraction(1, int(crowds.min())),
        journalist_average=at_least(max(linked, met)),
        marketer=at_least(linked),
    )


def linked_k(classes: Groups, units: Units, sizes: Numbers) -> int:
    """Return the fewest units that have rows in exactly the same classes."""
    group, unit = pairs(classes, units)
    if len(group) == units.count:
        return int(sizes.min())
    sets = np.zeros(units.count, np.uint64)
    np.add.at(sets, unit, _mixed(group))
    present = np.bincount(unit, minlength=units.count) > 0
    return int(np.unique(sets[present], return_counts=True)[1].min())


def _of_each_unit(classes: Groups, units: Units, crowds: Numbers) -> Figures:
    """Return the smallest crowd that each unit stands in."""
    if units.of is None:
        return crowds[classes.of].astype(np.float64)
    group, unit = pairs(classes, units)
    smallest = np.full(units.count, np.inf)
    np.minimum.at(smallest, unit, crowds[group].astype(np.float64))
    found: Figures = smallest[np.isfinite(smallest)]
    return found


def _mixed(numbers: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Scatter numbers over 64 bits (SplitMix64, Steele et al., 2014), so that sums of them tell sets apart."""
    bits = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
