"""Quantiles of each cell, with the units on each side of them.

The quantile is interpolated between order statistics (type 7 of Hyndman and Fan 1996, as numpy and pandas have it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor

import duckdb

from sandbox.egress.disclosure.evidence import TOTAL, CellEvidence, Labels
from sandbox.egress.lane.numbers import real
from sandbox.egress.lane.query import Question

Ranked = dict[Labels, tuple[float | None, CellEvidence]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One quantile of one number."""

    value: str
    """The SQL of the number."""
    which: float
    apart: float
    """The least share of units between it and what else is told of their order."""


def quantiles(gate: duckdb.DuckDBPyConnection, question: Question, asked: Asked) -> Ranked:
    """Return a quantile in every cell that `question` asks for.

    A side has the units that are on it by value, and no more than their share by rank as far as the next quantile
    that is shown: the share depends on the cell's size alone.
    """
    found: Ranked = {}
    for n in range(len(question.totals) + 1):
        for hidden in combinations(question.totals, n):
            answer = gate.execute(_statement(question, hidden, asked)).fetchall()
            found |= dict(_ranked(record, question, asked) for record in answer)
    return found


def _statement(question: Question, hidden: Sequence[int], asked: Asked) -> str:
    dims = [f"_d{i}" for i, _ in enumerate(question.labels)]
    kept = [dim for i, dim in enumerate(dims) if i not in hidden]
    labels = [f"{sql} AS _d{i}" for i, sql in enumerate(question.labels)]
    known = " AND ".join([f"{dim} IS NOT NULL" for dim in dims] or ["true"])
    rows = f"SELECT {', '.join([*labels, '_unit', f'({asked.value}) AS _v'])} FROM source"  # noqa: S608 - typed parts
    keys = f" GROUP BY {', '.join(kept)}" if kept else ""
    middle = ", ".join(
        [
            *kept,
            f"quantile_cont(CASE WHEN isfinite(_v) THEN _v END, {real(asked.which)}) AS _q",
        ]
    )
    shown = [dim if dim in kept else f"'{TOTAL}' AS {dim}" for dim in dims]
    figures = [
        "any_value(_q)",
        _distinct("true", question),
        _distinct("_v <= _q", question),
        _distinct("_v >= _q", question),
        "count(*) FILTER (NOT isfinite(_v))",
    ]
    beside = f"JOIN middle USING ({', '.join(kept)})" if kept else "CROSS JOIN middle"
    return (
        f"WITH labelled AS ({rows}), known AS (SELECT * FROM labelled WHERE {known}),"  # noqa: S608 - ours
        f" middle AS (SELECT {middle} FROM known{keys})"
        f" SELECT {', '.join([*shown, *figures])} FROM known {beside} WHERE _v IS NOT NULL{keys}"
    )


def _distinct(side: str, question: Question) -> str:
    units = "*" if question.once else "DISTINCT _unit"
    return f"count({units}) FILTER ({side})"


def _ranked(
    record: Sequence[object], question: Question, asked: Asked
) -> tuple[Labels, tuple[float | None, CellEvidence]]:
    depth = len(question.labels)
    value, units, below, above, unfit = record[depth:]
    count = int(str(units))
    least = floor(asked.apart * count)
    evidence = CellEvidence(
        units=count,
        below=min(int(str(below)), least),
        above=min(int(str(above)), least),
        unfit=int(str(unfit)),
    )
    shown = value if isinstance(value, float) else None
    return tuple(map(str, record[:depth])), (shown, evidence)
