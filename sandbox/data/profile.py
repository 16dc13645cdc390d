"""What ingest found in each column: counts and shares, never a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from sandbox.asset import Column, Kind, Role
from sandbox.data.engine import name

Progress = Callable[[str, float], None]
"""Hears the stage (`read`, `profile`, `write`) and the fraction of it that is done, 0 to 1."""


class Scan(Protocol):
    """Counts, for each kind of identifier, the cells of a column that look like one."""

    def __call__(self, values: pa.ChunkedArray, /, *, header: str) -> Mapping[str, int]:
        """Return the count of each kind that is there; `header` says what the column is called."""
        ...


_MAY_IDENTIFY = frozenset({Role.UNIT, Role.IDENTIFIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column in figures."""

    name: str
    kind: Kind
    nulls: int
    distinct: int
    """Approximate (HyperLogLog in DuckDB), at most the number of values that are there."""
    unique_ratio: float
    """`distinct` over the values that are there; 0 where there are none."""
    outside_bounds: float
    """For a measure: the share of its values that a clamp to the declared bounds changes."""
    identifiers: Mapping[str, int]
    """How many values look like an identifier, by its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredIdentifier:
    """A column that was not declared as an identifier, and holds what looks like some."""

    column: str
    entity: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A snapshot in figures, for the institution's own people."""

    rows: int
    units: int
    """How many protected units there are."""
    columns: tuple[ColumnProfile, ...]
    undeclared_identifiers: tuple[UndeclaredIdentifier, ...]


def profile(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    columns: tuple[Column, ...],
    *,
    scan: Scan,
    progress: Progress,
) -> Profile:
    """Profile the table that the connection knows as `typed`, and that holds these columns."""
    found = []
    for place, column in enumerate(columns):
        progress("profile", place / len(columns))
        found.append(_column(connection, table, column, scan))
    progress("profile", 1.0)
    return Profile(
        rows=table.num_rows,
        units=_units(connection, columns),
        columns=tuple(found),
        undeclared_identifiers=tuple(
            UndeclaredIdentifier(column=column.name, entity=entity, count=count)
            for column, figures in zip(columns, found, strict=True)
            if column.role not in _MAY_IDENTIFY
            for entity, count in figures.identifiers.items()
        ),
    )


def _column(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, column: Column, scan: Scan
) -> ColumnProfile:
    quoted = name(column.name)
    outside = "0"
    if column.role is Role.MEASURE:
        outside = f"count_if({quoted} NOT BETWEEN {column.lower} AND {column.upper})"
    there, distinct, out = _row(
        connection,
        f"SELECT count({quoted}), approx_count_distinct({quoted}), {outside} FROM typed",  # noqa: S608 - quoted names and decimal numbers
    )
    distinct = min(there, distinct)
    return ColumnProfile(
        name=column.name,
        kind=column.kind,
        nulls=table.num_rows - there,
        distinct=distinct,
        unique_ratio=distinct / there if there else 0.0,
        outside_bounds=out / there if there else 0.0,
        identifiers=_identifiers(table.column(column.name), column, scan),
    )


def _identifiers(values: pa.ChunkedArray, column: Column, scan: Scan) -> Mapping[str, int]:
    counts = scan(values, header=f"{column.name} {column.title.zh} {column.title.en}")
    return {entity: count for entity, count in counts.items() if count}


def _units(connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...]) -> int:
    unit = next((column.name for column in columns if column.role is Role.UNIT), None)
    if unit is None:
        return 0  # it protects nobody
    [units] = _row(connection, f"SELECT count(DISTINCT {name(unit)}) FROM typed")  # noqa: S608 - quoted
    return units


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    rows: list[tuple[int, ...]] = connection.execute(query).fetchall()
    return rows[0]
