"""Answers a plan: runs its trusted SQL on the gate's views, adds noise to every cell, writes canonical CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import duckdb

from sandbox.asset import AssetId
from sandbox.privacy.errors import AnswerError
from sandbox.privacy.events import DpEvent
from sandbox.privacy.finish import csv_bytes, finished
from sandbox.privacy.noise import Noise, Secure
from sandbox.privacy.noising import noised
from sandbox.privacy.plan import Plan
from sandbox.privacy.raw import Found, found
from sandbox.privacy.value import quoted
from sandbox.privacy.words import AnswerColumn
from sandbox.reason import Said

Gates = Mapping[AssetId, Path]
"""The gate's Parquet file of each asset that a plan reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """What may be said about an answer beside the answer: nothing here depends on the data but its noised rows."""

    rows: int
    columns: tuple[AnswerColumn, ...]
    events: tuple[DpEvent, ...]
    epsilon: Fraction
    rho: int
    delta: Fraction
    statement: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What DuckDB may use for one answer."""

    threads: int = 2
    memory_bytes: int = 2 << 30
    """It never spills to disk: past this the answer fails, and the charge stands."""


def answer(
    plan: Plan, gates: Gates, *, noise: Noise | None = None, engine: Engine | None = None
) -> tuple[bytes, AnswerFacts]:
    """Answer a plan from the gate's Parquet files, after its charge.

    Returns UTF-8 CSV with a header and LF line ends: every cell of the dimensions' cross product in catalogue order,
    or as ORDER BY and LIMIT say; private keys in the order of their text. Raises `AnswerError`, the same for every cause.
    """
    rows = _rows_or_none(plan, gates, noise=noise or Secure(), engine=engine or Engine())
    if rows is None:
        raise AnswerError
    facts = AnswerFacts(
        rows=len(rows),
        columns=plan.columns,
        events=plan.events,
        epsilon=plan.epsilon,
        rho=plan.rho,
        delta=plan.delta,
        statement=plan.statement,
    )
    return csv_bytes([column.name for column in plan.columns], rows), facts


def _rows_or_none(
    plan: Plan, gates: Gates, *, noise: Noise, engine: Engine
) -> list[tuple[str, ...]] | None:
    """Return the rows as text; nothing where any step fails, so that no exception carries a value outside."""
    try:
        return finished(plan, noised(plan, raw(plan, gates, engine), noise))
    except Exception:  # noqa: BLE001 - engines quote raw values in their errors: the gate closes on all of them
        return None


def raw(plan: Plan, gates: Gates, engine: Engine) -> list[Found]:
    """Run the trusted SQL: for each statement exact integers by cell. Raw: nothing of it leaves as it is."""
    with _closed_in({asset: gates[asset] for asset in plan.reads}, engine) as connection:
        return [found(connection, statement) for statement in plan.statements]


def _closed_in(gates: Gates, engine: Engine) -> duckdb.DuckDBPyConnection:
    """Return an engine that has nothing but these views: no other file, extension, spill or setting."""
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
    paths = {asset: "'" + str(gate).replace("'", "''") + "'" for asset, gate in gates.items()}
    for asset, path in paths.items():
        connection.execute(f"CREATE VIEW {quoted(asset)} AS SELECT * FROM read_parquet({path})")  # noqa: S608 - the domain's own path, quoted
    connection.execute(f"SET allowed_paths = [{', '.join(paths.values())}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection
