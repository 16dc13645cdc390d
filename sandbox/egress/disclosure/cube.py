"""A table with all its margins, as an attacker sees it: what adds up to what, and how exactly each is known."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from sandbox.egress.disclosure.evidence import TOTAL, Labels

Vector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """The cells that have any unit, and every margin of them."""

    cells: tuple[Labels, ...]
    """A category in each dimension. Cells without units are taken as known to be empty."""
    margins: tuple[Labels, ...]
    """Each with the total in one dimension or more."""
    adds: Any
    """Sparse, margins x cells: 1 where a cell is part of a margin."""


def cube(labels: Collection[Labels]) -> Cube:
    """Return the cube over the rows with these labels; rows of totals among them are margins."""
    cells = tuple(each for each in labels if TOTAL not in each)
    members: defaultdict[Labels, list[int]] = defaultdict(list)
    for at, cell in enumerate(cells):
        for n in range(1, len(cell) + 1):
            for hidden in combinations(range(len(cell)), n):
                key = tuple(TOTAL if i in hidden else name for i, name in enumerate(cell))
                members[key].append(at)
    rows = np.repeat(np.arange(len(members)), [len(each) for each in members.values()])
    columns = np.concatenate([*map(np.asarray, members.values()), np.zeros(0, dtype=int)])
    shape = (len(members), len(cells))
    adds = csr_matrix((np.ones(len(rows)), (rows, columns.astype(int))), shape=shape)
    return Cube(cells=cells, margins=tuple(members), adds=adds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something that adds up over the cells of a cube: units, rows, or a sum."""

    values: Vector
    """Of each cell; in units or rows, or a sum scaled to at most 1."""
    slack: Vector
    """Of each cell: how far a shown number may be from the true one."""
    margin_slack: Vector
    """The same of each margin."""
    low: Vector
    """The least that each cell can be, as anybody knows."""
    widest: float
    """The width asked of every interval, beside its share."""


def count(values: Vector, adds: Any, *, base: int, widest: float) -> Quantity:  # noqa: ANN401 - scipy's own
    """Return the quantity of a count that is shown as a multiple of `base`; 1 for exactly."""
    return Quantity(
        values=values,
        slack=np.full(len(values), float(base // 2)),
        margin_slack=np.full(adds.shape[0], float(base // 2)),
        low=np.zeros(len(values)),
        widest=widest,
    )


def total(values: Vector, adds: Any, *, digits: int) -> Quantity:  # noqa: ANN401 - scipy's own
    """Return the quantity of a sum that is shown with so many significant digits; at best known to half a unit of the last."""
    scale = max(float(np.abs(values).max(initial=0.0)), 1e-300)
    even = values / scale
    half = 0.5 * 10.0**-digits
    return Quantity(
        values=even,
        slack=half * np.abs(even),
        margin_slack=half * np.abs(adds @ even),
        low=np.zeros(len(values)) if (even >= 0).all() else np.full(len(values), -np.inf),
        widest=0.0,
    )
