"""One statement of DuckDB for all cells of a table with the evidence about each: totals of units first, then cells.

Where every unit has one row, which the Parquet footer tells, the totals of units are the rows themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb

from sandbox.egress.disclosure.evidence import TOTAL, CellEvidence

_FIGURES = 12
"""Of each number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of one view, as SQL."""

    labels: tuple[str, ...]
    totals: tuple[int, ...] = ()
    """The places of those dimensions whose total is shown too."""
    counted: tuple[str, ...] = ()
    """What is counted where it is not NULL."""
    numbers: tuple[str, ...] = ()
    """What is summed, as DOUBLE."""
    once: bool = False
    """Whether each unit has one row at most."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One count in one cell."""

    rows: int
    evidence: CellEvidence


@dataclass(frozen=True, slots=True)
class Summed:
    """One number in one cell."""

    rows: int
    total: float | None
    evidence: CellEvidence


@dataclass(frozen=True, slots=True)
class Found:
    """One cell of the answer."""

    labels: tuple[str, ...]
    counted: tuple[Counted, ...]
    summed: tuple[Summed, ...]


def has_one_row_each(gate: duckdb.DuckDBPyConnection) -> bool:
    """Say whether no unit of the view has two rows."""
    [many] = gate.execute("SELECT max(_unit_rows) > 1 FROM source").fetchone() or (True,)
    if many:
        return False
    alone = "SELECT count(*) = count(DISTINCT _unit) FROM source"  # of a unit's rows, ingest stored no fewer
    return bool((gate.execute(alone).fetchone() or (False,))[0])


def cells(gate: duckdb.DuckDBPyConnection, question: Question) -> Iterator[Found]:
    """Yield every cell with a unit; of the dimensions with totals, every margin too.

    Each level of margins is a statement of its own: a unit in several of its cells counts once there.
    """
    for n in range(len(question.totals) + 1):
        for hidden in combinations(question.totals, n):
            for record in gate.execute(statement(question, hidden)).fetchall():
                yield _found(record, question)


def statement(question: Question, hidden: Sequence[int] = ()) -> str:
    """Write the statement for the cells of all dimensions but the `hidden` ones, which show the total."""
    dims = [f"_d{i}" for i, _ in enumerate(question.labels)]
    kept = [dim for i, dim in enumerate(dims) if i not in hidden]
    labels = [f"{sql} AS _d{i}" for i, sql in enumerate(question.labels)]
    counts = [f"({sql}) AS _c{i}" for i, sql in enumerate(question.counted)]
    values = [f"({sql}) AS _v{i}" for i, sql in enumerate(question.numbers)]
    rows = f"SELECT {', '.join(['_unit', *labels, *counts, *values])} FROM source"  # noqa: S608 - typed parts
    known = " AND ".join([f"{dim} IS NOT NULL" for dim in dims] or ["true"])
    parts = [f"labelled AS ({rows})", f"units AS ({_units(kept, question)} WHERE {known}"]
    parts[1] += f"{'' if question.once else _grouped([*kept, '_unit'])})"
    if question.numbers:
        medians = [f"median(_s{i}) AS _m{i}" for i, _ in enumerate(question.numbers)]
        middle = f"SELECT {', '.join([*kept, *medians])} FROM units{_grouped(kept)}"  # noqa: S608 - ours
        parts.append(f"middle AS ({middle})")
    return f"WITH {', '.join(parts)} {_cells(dims, kept, question)}"


def _grouped(names: Sequence[str]) -> str:
    return f" GROUP BY {', '.join(names)}" if names else ""


def _units(kept: Sequence[str], question: Question) -> str:
    """Total each unit in each cell; a value that is not finite is counted as unfit and summed as none."""
    one = question.once
    counts = [
        (f"(_c{i} IS NOT NULL)::BIGINT" if one else f"count(_c{i})") + f" AS _n{i}"
        for i, _ in enumerate(question.counted)
    ]
    numbers = [part for i, _ in enumerate(question.numbers) for part in _number(i, one=one)]
    return f"SELECT {', '.join([*kept, '_unit', *counts, *numbers])} FROM labelled"  # noqa: S608 - ours


def _number(i: int, *, one: bool) -> tuple[str, str, str]:
    fit = f"CASE WHEN isfinite(_v{i}) THEN _v{i} END"
    if one:
        unfit = f"coalesce(NOT isfinite(_v{i}), false)::BIGINT"
        return f"(_v{i} IS NOT NULL)::BIGINT AS _r{i}", f"{fit} AS _s{i}", f"{unfit} AS _b{i}"
    unfit = f"count(*) FILTER (NOT isfinite(_v{i}))"
    return f"count(_v{i}) AS _r{i}", f"fsum({fit}) AS _s{i}", f"{unfit} AS _b{i}"


def _cells(dims: Sequence[str], kept: Sequence[str], question: Question) -> str:
    shown = [dim if dim in kept else f"'{TOTAL}' AS {dim}" for dim in dims]
    counts = [
        f"sum(_n{i})::BIGINT, count(*) FILTER (_n{i} > 0)" for i, _ in enumerate(question.counted)
    ]
    numbers = [_evidence(i) for i, _ in enumerate(question.numbers)]
    beside = f" JOIN middle USING ({', '.join(kept)})" if kept else " CROSS JOIN middle"
    source = f"units{beside if question.numbers else ''}"
    grouped = _grouped(kept) or " HAVING count(*) > 0"
    return f"SELECT {', '.join([*shown, *counts, *numbers])} FROM {source}{grouped}"  # noqa: S608 - ours


def _evidence(i: int) -> str:
    s, off = f"_s{i}", f"abs(_s{i} - _m{i})"
    return ", ".join(
        [
            f"sum(_r{i})::BIGINT",
            f"fsum({s})",
            f"count(*) FILTER (_r{i} > 0)",
            f"sum({off})",
            f"abs(any_value(_m{i}))",
            f"max({off}, 2)",
            f"sum(abs({s}))",
            f"max(abs({s}), 2)",
            f"count(*) FILTER ({s} <> _m{i})",
            f"count(*) FILTER ({s} <> 0)",
            f"count(*) FILTER ({s} < 0)",
            f"sum(_b{i})::BIGINT",
        ]
    )


def _found(record: tuple[Any, ...], question: Question) -> Found:
    values = iter(record)
    labels = tuple(str(next(values)) for _ in question.labels)
    counted = tuple(_counted(next(values), next(values)) for _ in question.counted)
    summed = tuple(_summed([next(values) for _ in range(_FIGURES)]) for _ in question.numbers)
    return Found(labels, counted, summed)


def _counted(rows: int, units: int) -> Counted:
    return Counted(rows or 0, CellEvidence(units=units))


def _summed(given: Sequence[Any]) -> Summed:
    rows, total, units, spread, middle, far, *others = given
    absolute, large, moving, contributing, negative, unfit = others
    shares = [100 * value / spread for value in far or ()] if spread else []
    evidence = CellEvidence(
        units=units,
        top1=sum(shares[:1]),
        top2=sum(shares[:2]),
        reach=100 * far[0] / middle if far and middle else float("inf"),
        p=_p(absolute or 0.0, large or ()),
        moving=moving,
        contributing=contributing,
        negative=negative,
        unfit=unfit or 0,
    )
    return Summed(rows or 0, total, evidence)


def _p(absolute: float, large: Sequence[float]) -> float:
    """Return what is left beside the two largest, in percent of the largest."""
    if not large or not large[0]:
        return float("inf")
    return max(0.0, 100 * (absolute - sum(large[:2])) / large[0])
