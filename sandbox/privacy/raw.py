"""Takes what a trusted statement finds: exact integers by cell, before any noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from sandbox.privacy.trusted import Shape, Statement
from sandbox.privacy.vectors import BINS
from sandbox.privacy.words import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The raw result of one statement. Nothing of it leaves without noise."""

    statement: Statement
    cells: Mapping[Cell, tuple[int, ...]]
    """By cell one integer for each vector; of bins one for each bin. A cell that is missing has zeros."""

    @property
    def empty(self) -> tuple[int, ...]:
        """Return the integers of a cell without rows."""
        return (0,) * (BINS if self.statement.shape is Shape.BINS else len(self.statement.events))


def found(connection: duckdb.DuckDBPyConnection, statement: Statement) -> Found:
    """Run a statement and take its result."""
    rows = connection.execute(statement.sql).fetchall()
    keys = statement.keys
    if statement.shape is Shape.BINS:
        return Found(statement=statement, cells=_binned(rows, keys))
    return Found(
        statement=statement,
        cells={_cell(row, keys): tuple(_whole(value) for value in row[keys:]) for row in rows},
    )


def _cell(row: tuple[object, ...], keys: int) -> Cell:
    return tuple(str(key) for key in row[:keys])


def _whole(value: object) -> int:
    """Return an integer of the engine; a sum over nothing is NULL, which is 0."""
    return int(str(value or 0))


def _binned(rows: list[tuple[Any, ...]], keys: int) -> Mapping[Cell, tuple[int, ...]]:
    """Return the weights of all bins of each cell; a row has the places of those that are not empty, and their weights."""
    cells: dict[Cell, tuple[int, ...]] = {}
    for row in rows:
        bins = [0] * BINS  # without keys and rows, the engine's lists are NULL
        for place, weight in zip(row[keys] or (), row[keys + 1] or (), strict=True):
            bins[place] = weight
        cells[_cell(row, keys)] = tuple(bins)
    return cells
