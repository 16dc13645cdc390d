"""Turns columns into whole numbers and back: categories as declared, measures in equal bins of their bounds."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.asset import Column, Kind, Role
from sandbox.data.kinds import ARROW
from sandbox.privacy.declared import interval_of
from sandbox.privacy.interval import Interval

Codes = NDArray[np.int64]
"""Of one column, one for each row."""
BINS = 16
"""Equal bins of a measure's declared bounds."""
MOST_CODES = 96
"""A dimension with more categories is made up from its declaration: pairs with it would hold noise alone."""
_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One column as numbers from 0 to `size` - 1, in the order in which a query's public key has its categories."""

    column: Column
    bounds: Interval | None = None
    """Of a measure."""

    @property
    def size(self) -> int:
        """Return how many codes there are."""
        return BINS if self.bounds else len(self.categories)

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the declared categories of a dimension, each once."""
        return tuple(dict.fromkeys(self.column.domain))

    @property
    def sql(self) -> str:
        """Return what a query groups by: all of it is public."""
        name = '"' + self.column.name.replace('"', '""') + '"'
        return f"histogram({name}, {BINS})" if self.bounds else name

    def values(self, codes: Codes, rng: np.random.Generator) -> pa.Array:
        """Return a value for each code, in the column's kind: of a bin any value inside, all alike."""
        if self.bounds:
            return _measures(self.column, self.bounds, codes, rng)
        names = pa.array(self.categories, pa.string())
        return names.take(pa.array(codes)).cast(ARROW[self.column.kind])


def coded(column: Column) -> Coding | None:
    """Return how a column is coded; nothing where its declaration says too little, or too much."""
    if column.role is Role.DIMENSION and 0 < len(set(column.domain)) <= MOST_CODES:
        return Coding(column=column)
    bounds = interval_of(column)
    if column.role is Role.MEASURE and column.kind in (Kind.INT, Kind.FLOAT) and bounds:
        return Coding(column=column, bounds=bounds)
    return None


def _measures(column: Column, bounds: Interval, codes: Codes, rng: np.random.Generator) -> pa.Array:
    places = (codes + rng.random(len(codes))) / BINS
    values = np.round(bounds.lower + places * float(bounds.width), _digits(column))
    return pa.array(np.clip(values, *_ends(column, bounds))).cast(ARROW[column.kind], safe=False)


def _digits(column: Column) -> int:
    return 0 if column.kind is Kind.INT else _DIGITS


def _ends(column: Column, bounds: Interval) -> tuple[float, float]:
    """Return the bounds, for an integer the outermost whole numbers inside."""
    if column.kind is Kind.INT:
        return float(np.ceil(bounds.lower)), float(np.floor(bounds.upper))
    return bounds.lower, bounds.upper
