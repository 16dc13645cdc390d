"""What a partition is made of: different rows of quasi-identifiers with how many units have them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.anonymity.classes import Groups, Numbers, Units, grouped, units_in
from sandbox.anonymity.coding import Coded, Codes, Figures
from sandbox.anonymity.diversity import Climb
from sandbox.anonymity.judge import Rows

SLACK = 1e-9
"""Sums of shares that differ by less are taken as equal."""
Table = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """One sensitive column of the items, for a partition that is held to l or t."""

    codes: Codes
    owners: Numbers
    """A number for each pair of a unit and a value of it: a unit counts once for each value."""
    owned: int
    """How many such pairs there are."""
    overall: Figures
    """The share of each value in the whole table."""
    climb: Climb
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The items of a partition, in the order of their quasi-identifiers."""

    codes: Table
    """An item a row, a quasi-identifier a column."""
    weights: Numbers
    """How many units an item stands for; 1 where `units` says which."""
    tuples: Numbers
    """Which different row of quasi-identifiers an item has; ascending from 0."""
    units: Numbers | None
    """The unit of an item; none where no two items share one, so that weights can be added."""
    unit_count: int
    sensitive: tuple[Sensitive, ...]
    columns: tuple[Coded, ...]
    """The quasi-identifiers, with a code for each row of the table."""

    @property
    def count(self) -> int:
        """Return how many items there are."""
        return len(self.weights)


def items_of(rows: Rows) -> tuple[Items, Groups]:
    """Return the items of a table, and which different row each of its rows has."""
    tuples = grouped(rows.quasi, rows.count)
    if rows.sensitive or _is_shared(tuples, rows.units):
        return _of_rows(rows, tuples), tuples
    first = np.empty(tuples.count, np.int64)
    first[tuples.of] = np.arange(rows.count)
    items = Items(
        codes=_table(rows.quasi, first),
        weights=units_in(tuples, rows.units),
        tuples=np.arange(tuples.count),
        units=None,
        unit_count=rows.units.count,
        sensitive=(),
        columns=rows.quasi,
    )
    return items, tuples


def _is_shared(tuples: Groups, units: Units) -> bool:
    """Say whether a unit has rows that differ in their quasi-identifiers."""
    return units.of is not None and int(units_in(tuples, units).sum()) > units.seen()


def _of_rows(rows: Rows, tuples: Groups) -> Items:
    order = np.argsort(tuples.of, kind="stable")
    units = np.arange(rows.count) if rows.units.of is None else rows.units.of
    return Items(
        codes=_table(rows.quasi, order),
        weights=np.ones(rows.count, np.int64),
        tuples=tuples.of[order],
        units=units[order],
        unit_count=rows.units.count,
        sensitive=tuple(_sensitive(each, rows.units, order) for each in rows.sensitive),
        columns=rows.quasi,
    )


def _sensitive(column: Coded, units: Units, order: Numbers) -> Sensitive:
    ids = np.arange(len(order)) if units.of is None else units.of
    owners, of = np.unique(ids * np.int64(column.size) + column.codes, return_inverse=True)
    counts = np.bincount(owners % column.size, minlength=column.size)
    overall = counts / max(1, counts.sum())
    return Sensitive(
        codes=column.codes[order],
        owners=of[order],
        owned=len(owners),
        overall=overall,
        climb=Climb.of(overall),
        is_number=column.is_number,
    )


def _table(columns: tuple[Coded, ...], rows: Numbers) -> Table:
    table = np.empty((len(rows), len(columns)), np.int32)
    for place, column in enumerate(columns):
        table[:, place] = column.codes[rows]
    return table
