"""Which pairs of columns are kept together: the tree over all columns whose edges are the most related pairs.

All of this is post-processing of noisy counts. Source: Chow and Liu 1968, "Approximating discrete probability
distributions with dependence trees"; McKenna, Miklau and Sheldon 2021 ("Winning the NIST contest") measure the
edges of such a tree again, with most of the budget, as is done here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Pair = tuple[int, int]
"""The places of two columns, the smaller first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noisy:
    """Counts of one column's codes, or of each combination of two columns' codes, with noise in each cell."""

    counts: Counts
    deviation: float
    """The noise's standard deviation in each cell."""

    def joined(self, other: "Noisy") -> "Noisy":
        """Return what two measurements of the same counts say together, each weighed by its exactness."""
        mine, theirs = other.deviation**2, self.deviation**2
        both = mine + theirs
        return Noisy(
            counts=(self.counts * mine + other.counts * theirs) / both,
            deviation=self.deviation * other.deviation / sqrt(both),
        )

    @property
    def shares(self) -> Counts:
        """Return the counts as a distribution: none below 0, all together 1; all alike where nothing is left."""
        positive = np.maximum(self.counts, 0.0)
        whole = positive.sum()
        if whole <= 0.0:
            return np.full(positive.shape, 1.0 / positive.size)
        shares: Counts = positive / whole
        return shares


def relatedness(pair: Noisy) -> float:
    """Return how far two columns are from independent, in rows, less what the noise alone would show."""
    counts = pair.counts
    whole = max(counts.sum(), 1.0)
    alone = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / whole
    noise = counts.size * pair.deviation * sqrt(2 / pi)
    return float(np.abs(counts - alone).sum() - noise)


def tree(columns: int, pairs: Mapping[Pair, Noisy]) -> tuple[Pair, ...]:
    """Return the edges of a spanning tree of the most related pairs, as (parent, child), parents first.

    Column 0 is the root. Every pair of columns must be there; Prim's algorithm, for a few dozen columns.
    """
    weights = {pair: relatedness(noisy) for pair, noisy in pairs.items()}
    reached, edges = [0], []
    while len(reached) < columns:
        outside = [column for column in range(columns) if column not in reached]
        parent, child = max(
            ((inside, column) for inside in reached for column in outside),
            key=lambda edge: weights[ordered(edge)],
        )
        reached.append(child)
        edges.append((parent, child))
    return tuple(edges)


def all_pairs(columns: int) -> tuple[Pair, ...]:
    """Return every pair of columns."""
    return tuple(combinations(range(columns), 2))


def ordered(edge: Iterable[int]) -> Pair:
    """Return an edge as a pair, the smaller first."""
    first, second = sorted(edge)
    return first, second
