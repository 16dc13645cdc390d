"""Asks each row of the snapshots what several releases ask of it.

The rows of one snapshot are told apart by categories, row conditions, and which values are there. Over several snapshots a
row is the same where its unit and all that is asked of it are, so that a row that was changed between two releases is two rows,
one in each: what changed for one unit is found by subtracting them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from sandbox.asset import Asset, Digest
from sandbox.data.engine import literal, name
from sandbox.data.predicate import bound_predicate
from sandbox.data.snapshot import asset, snapshot_path
from sandbox.egress.declared import Categories, categories
from sandbox.egress.lane.numbers import category_of
from sandbox.egress.span import Quantity, Span
from sandbox.egress.spans.audit import Crowds
from sandbox.errors import SandboxError
from sandbox.order import Function, OutputColumn

MOST_KINDS = 200_000
"""The most kinds of rows that are told apart."""
MOST_SNAPSHOTS = 60
"""The most snapshots: each is a bit of a number."""


class TooManyError(SandboxError):
    """The releases tell more kinds of rows apart, or are of more snapshots, than can be held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The cells of one span, as totals of one quantity."""

    span: Span
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Asked:
    """All that the parts ask of a row, each once."""

    dimensions: tuple[str, ...]
    conditions: tuple[str, ...]
    known: tuple[str, ...]
    measures: tuple[str, ...]
    snapshots: tuple[Digest, ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Asked":
        """Gather it."""
        return cls(
            dimensions=_once(d for p in parts for d in p.span.dimensions),
            conditions=_once(p.span.condition for p in parts if p.span.condition),
            known=_once(k for p in parts for k in p.quantity.known),
            measures=_once(m for p in parts for m in p.quantity.measures),
            snapshots=_once(p.span.snapshot for p in parts),
        )

    @property
    def names(self) -> list[str]:
        """Return the columns by which kinds of rows are told apart."""
        return [
            *(f"d{i}" for i, _ in enumerate(self.dimensions)),
            *(f"c{i}" for i, _ in enumerate(self.conditions)),
            *(f"k{i}" for i, _ in enumerate(self.known)),
            "held",
        ]


def _once(found: Iterator[str]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(found))


def look(connection: duckdb.DuckDBPyConnection, asked: Asked, data: Path) -> None:
    """Make `lines`: each row with its unit as a hash, what is asked of it, and the snapshots that hold it as bits.

    Raise `TooManyError` where there are more than `MOST_SNAPSHOTS`.
    """
    if len(asked.snapshots) > MOST_SNAPSHOTS:
        raise TooManyError("The releases are of too many snapshots")
    selects = [
        _select(asked, asset(digest, data=data), snapshot_path(digest, data=data))
        for digest in asked.snapshots
    ]
    if len(selects) == 1:
        only = f"SELECT * EXCLUDE (same), 1::BIGINT AS held FROM ({selects[0]})"  # noqa: S608 - quoted parts
        connection.execute(f"CREATE VIEW lines AS {only}")
        return
    keys = ", ".join(["unit", *asked.names[:-1], "same"])
    each = " UNION ALL ".join(
        f"SELECT *, {at} AS whence FROM ({select})"  # noqa: S608 - quoted parts
        for at, select in enumerate(selects)
    )
    times = [f"count(*) FILTER (whence = {at}) AS n{at}" for at, _ in enumerate(selects)]
    levels = ", ".join(f"n{at}" for at, _ in enumerate(selects))
    bits = " + ".join(f"(n{at} >= level)::BIGINT * {1 << at}" for at, _ in enumerate(selects))
    connection.execute(f"""
        CREATE TEMP TABLE lines AS
        SELECT * EXCLUDE (same, level, {levels}), {bits} AS held
        FROM (SELECT *, unnest(list_filter(list_distinct([{levels}]), lambda n: n > 0)) AS level
              FROM (SELECT {keys}, {", ".join(times)} FROM ({each}) GROUP BY ALL))
    """)  # noqa: S608 - quoted parts


def _select(asked: Asked, source: Asset, path: Path) -> str:
    has = {column.name for column in source.columns}
    parts = [f"hash(CAST({name(source.unit_column)} AS VARCHAR)) AS unit"]
    for i, written in enumerate(asked.dimensions):
        form = _form(written)
        parts.append(f"{category_of(form) if form.column in has else 'NULL::VARCHAR'} AS d{i}")
    parts += [f"{_condition(text, source)} AS c{i}" for i, text in enumerate(asked.conditions)]
    parts += [
        f"{f'{name(column)} IS NOT NULL' if column in has else 'false'} AS k{i}"
        for i, column in enumerate(asked.known)
    ]
    measured = ", ".join(
        f"CAST({name(column)} AS VARCHAR)" for column in asked.measures if column in has
    )
    parts.append(f"{f'hash({measured})' if measured else '0::UBIGINT'} AS same")
    return f"SELECT {', '.join(parts)} FROM read_parquet({literal(str(path))})"  # noqa: S608 - quoted parts


def _form(written: str) -> Categories:
    return categories(
        OutputColumn(name=written, type="string", function=Function.DIMENSION, source=written)
    )


def _condition(text: str, source: Asset) -> str:
    return f"coalesce(({bound_predicate(text, source)}), false)"


def kinds_of(connection: duckdb.DuckDBPyConnection, asked: Asked) -> pa.Table:
    """Return each kind of rows once; raise `TooManyError` where there are more than `MOST_KINDS`."""
    names = ", ".join(asked.names)
    found = connection.sql(
        f"SELECT DISTINCT {names} FROM lines LIMIT {MOST_KINDS + 1}"  # noqa: S608 - ours
    ).to_arrow_table()
    if found.num_rows > MOST_KINDS:
        raise TooManyError("The releases tell too many kinds of rows apart")
    return found


def crowds_of(
    connection: duckdb.DuckDBPyConnection,
    asked: Asked,
    kinds: pa.Table,
    members: Any,  # noqa: ANN401 - as above
    fewest: int,
) -> Crowds:
    """Count the units of each atom; `kinds` has a column `atom`, -1 for none."""
    connection.register("kinds", kinds)
    connection.execute(f"CREATE TEMP TABLE crowd AS {_told_apart(asked, 'kinds.atom, lines.unit')}")
    counted = connection.sql("SELECT atom, count(*) AS units FROM crowd GROUP BY atom").fetchnumpy()
    units = np.zeros(members.shape[1], dtype=np.int64)
    units[counted["atom"]] = counted["units"]
    few = connection.execute(
        "SELECT atom, unit FROM crowd WHERE atom IN (SELECT atom FROM crowd GROUP BY atom HAVING count(*) < ?)",
        [fewest],
    ).fetchnumpy()
    found, holder = np.unique(few["unit"], return_inverse=True)
    shape = (len(found), members.shape[1])
    holders = csr_matrix((np.ones(len(holder)), (holder.ravel(), few["atom"])), shape=shape)
    return Crowds(units=units, holders=holders)


def states_of(connection: duckdb.DuckDBPyConnection, asked: Asked) -> int:
    """Count the units in all atoms, each once for every state of its rows; `kinds` is registered."""
    counted = _told_apart(asked, "lines.unit, lines.held")
    [(found,)] = connection.sql(f"SELECT count(*) FROM ({counted})").fetchall()  # noqa: S608 - ours
    return int(found)


def _told_apart(asked: Asked, what: str) -> str:
    same = " AND ".join(f"lines.{each} IS NOT DISTINCT FROM kinds.{each}" for each in asked.names)
    return f"SELECT DISTINCT {what} FROM lines JOIN kinds ON {same} WHERE kinds.atom >= 0"  # noqa: S608 - ours
