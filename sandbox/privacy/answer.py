"""Answers a plan: runs its trusted SQL on the gate's view, adds noise to every cell, writes canonical CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import duckdb

from sandbox.privacy.errors import AnswerError
from sandbox.privacy.events import DpEvent
from sandbox.privacy.finish import csv_bytes, finished
from sandbox.privacy.noise import Noise, secure
from sandbox.privacy.plan import AnswerColumn, Cell, Plan
from sandbox.reason import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """What may be said about an answer beside the answer: nothing here depends on the data."""

    rows: int
    columns: tuple[AnswerColumn, ...]
    events: tuple[DpEvent, ...]
    epsilon: Fraction
    rho: int
    statement: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What DuckDB may use for one answer."""

    threads: int = 2
    memory_bytes: int = 2 << 30
    """It never spills to disk: past this the answer fails, and the charge stands."""


def answer(
    plan: Plan, gate: Path, *, noise: Noise = secure, engine: Engine | None = None
) -> tuple[bytes, AnswerFacts]:
    """Answer a plan from the gate's Parquet file, after its charge.

    Returns UTF-8 CSV with a header and LF line ends: every cell of the dimensions' cross product in catalogue order,
    or as ORDER BY and LIMIT say. Raises `AnswerError`, the same for every cause.
    """
    rows = _rows_or_none(plan, gate, noise=noise, engine=engine or Engine())
    if rows is None:
        raise AnswerError
    facts = AnswerFacts(
        rows=len(rows),
        columns=plan.columns,
        events=plan.events,
        epsilon=plan.epsilon,
        rho=plan.rho,
        statement=plan.statement,
    )
    return csv_bytes([column.name for column in plan.columns], rows), facts


def _rows_or_none(
    plan: Plan, gate: Path, *, noise: Noise, engine: Engine
) -> list[tuple[str, ...]] | None:
    """Return the rows as text; nothing where any step fails, so that no exception carries a value outside."""
    try:
        noisy = _noisy(plan, raw_vectors(plan, gate, engine), noise)
        return finished(plan, noisy)
    except Exception:  # noqa: BLE001 - engines quote raw values in their errors: the gate closes on all of them
        return None


def raw_vectors(plan: Plan, gate: Path, engine: Engine) -> list[list[int]]:
    """Run the trusted SQL: for each event one exact integer for each cell. Raw: nothing of it leaves as it is."""
    cells = plan.cells
    vectors: list[list[int]] = []
    with _closed_in(gate, engine) as connection:
        for sql in plan.sql:
            found = _by_cell(connection.execute(sql).fetchall(), keys=len(plan.dimensions))
            width = len(connection.description or ()) - len(plan.dimensions)
            empty = (0,) * width
            vectors.extend([found.get(cell, empty)[i] for cell in cells] for i in range(width))
    return vectors


def _closed_in(gate: Path, engine: Engine) -> duckdb.DuckDBPyConnection:
    """Return an engine that has nothing but the one view: no other file, extension, spill or setting."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": engine.threads,
            "memory_limit": f"{engine.memory_bytes} B",
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        },
    )
    path = str(gate).replace("'", "''")
    connection.execute(f"CREATE VIEW \"view\" AS SELECT * FROM read_parquet('{path}')")  # noqa: S608 - the domain's own path, quoted
    connection.execute(f"SET allowed_paths = ['{path}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _by_cell(rows: Sequence[tuple[object, ...]], *, keys: int) -> Mapping[Cell, tuple[int, ...]]:
    """Return the integers of each cell that has rows; a sum over nothing is NULL, which is 0."""
    return {
        tuple(str(key) for key in row[:keys]): tuple(int(str(value or 0)) for value in row[keys:])
        for row in rows
    }


def _noisy(plan: Plan, vectors: list[list[int]], noise: Noise) -> list[Sequence[int]]:
    """Add noise to every cell of every vector: from here on everything is post-processing."""
    return [
        noise(vector, scale=event.scale) for event, vector in zip(plan.events, vectors, strict=True)
    ]
