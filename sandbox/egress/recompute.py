"""Recomputes a declared table of aggregates from the gate's copy of the view."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.asset import Role
from sandbox.egress.gate import opened, quoted
from sandbox.egress.table import Cell
from sandbox.egress.terms import GateView, Inspection
from sandbox.errors import SandboxError
from sandbox.order import Function, OutputColumn, OutputTerms

Labels = tuple[str, ...]
"""A category of each dimension, in the declared order: one row of the table."""


class UndeclaredError(SandboxError):
    """The output's terms do not say how to compute it: a column is free, or of no granted source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as the gate computes it."""

    cells: tuple[Cell, ...]
    """Exact; in the declared order of columns."""
    units: int
    """The fewest protected units that any of its numbers stands for."""
    dominance: float
    """The largest share, in percent, that two units hold of any sum or average in it."""


Rows = Mapping[Labels, Row]


def dimensions(terms: OutputTerms) -> tuple[OutputColumn, ...]:
    """Return the declared columns that say what a row is about."""
    return tuple(c for c in terms.columns if c.function is Function.DIMENSION)


def recompute(terms: OutputTerms, inspection: Inspection) -> Rows:
    """Compute every row of the declared table that has any unit; raise `UndeclaredError`.

    Rows of the view that have no category (NULL) in a dimension belong to no row of the table.
    """
    view = inspection.view_of(terms)
    if view is None or not terms.columns:
        raise UndeclaredError("no view, or no columns")
    for column in terms.columns:
        _demand_source(column, view)
    with opened(view) as gate:
        answer = gate.execute(_sql(terms)).fetchall()
    return dict(_row(record, terms) for record in answer)


def _demand_source(column: OutputColumn, view: GateView) -> None:
    source = view.column(_source(column))
    counts_rows = column.function in {Function.COUNT, Function.COUNT_UNITS} and not column.source
    known = counts_rows or source is not None
    is_category = source is not None and source.role is Role.DIMENSION and bool(source.domain)
    if not known or column.function is Function.FREE:
        raise UndeclaredError("a column has no granted source")
    if column.function is Function.DIMENSION and not is_category:
        raise UndeclaredError("a dimension is not one in the catalogue")


def _source(column: OutputColumn) -> str:
    if column.function in {Function.COUNT, Function.COUNT_UNITS}:
        return column.source
    return column.source or column.name


def _sql(terms: OutputTerms) -> str:
    """Write the query: totals of each unit in each cell first, then the cells from these."""
    dims = [f"_d{i}" for i, _ in enumerate(dimensions(terms))]
    labels = [f"{_label(c)} AS _d{i}" for i, c in enumerate(dimensions(terms))]
    measures = list(_measures(terms))
    known = " AND ".join([f"{dim} IS NOT NULL" for dim in dims] or ["true"])
    keys = ", ".join([*dims, "_unit"])
    totals = [
        f"count({m.value}) AS _n{m.index}, fsum({m.number}) AS _s{m.index}, "
        f"sum(abs({m.number})) AS _a{m.index}"
        for m in measures
    ]
    cells = [
        f"sum(_n{m.index})::BIGINT, fsum(_s{m.index}), count(*) FILTER (_n{m.index} > 0), "
        f"list_sum(max(_a{m.index}, 2)) / nullif(sum(_a{m.index}), 0)"
        for m in measures
    ]
    labelled = f"SELECT {', '.join([*labels, '*'])} FROM source"  # noqa: S608 - quoted names only
    by_unit = f"SELECT {', '.join([keys, *totals])} FROM labelled WHERE {known} GROUP BY {keys}"  # noqa: S608 - ours
    grouped = f"GROUP BY {', '.join(dims)}" if dims else ""
    by_cell = f"SELECT {', '.join([*dims, *cells])} FROM units {grouped}"  # noqa: S608 - ours
    return f"WITH labelled AS ({labelled}), units AS ({by_unit}) {by_cell}"


@dataclass(frozen=True, slots=True)
class _Measure:
    index: int
    column: OutputColumn

    @property
    def value(self) -> str:
        source = _source(self.column)
        return quoted(source) if source else "1"

    @property
    def number(self) -> str:
        if self.column.function in {Function.SUM, Function.AVG}:
            return f"{self.value}::DOUBLE"
        return "1::DOUBLE"


def _measures(terms: OutputTerms) -> Iterator[_Measure]:
    counted = (c for c in terms.columns if c.function is not Function.DIMENSION)
    return (_Measure(index, column) for index, column in enumerate(counted))


def _label(column: OutputColumn) -> str:
    return f"CAST({quoted(_source(column))} AS VARCHAR)"


def _row(record: tuple[Any, ...], terms: OutputTerms) -> tuple[Labels, Row]:
    depth = len(dimensions(terms))
    labels = tuple(str(label) for label in record[:depth])
    waiting = iter(labels)
    figures = iter(_Figures(*record[i : i + 4]) for i in range(depth, len(record), 4))
    cells: list[Cell] = []
    seen: list[_Figures] = []
    for column in terms.columns:
        if column.function is Function.DIMENSION:
            cells.append(next(waiting))
            continue
        seen.append(next(figures))
        cells.append(seen[-1].cell(column.function))
    summed = [
        figure.share or 0.0
        for figure, column in zip(seen, (m.column for m in _measures(terms)), strict=True)
        if column.function in {Function.SUM, Function.AVG}
    ]
    units = min((figure.units for figure in seen), default=0)
    return labels, Row(cells=tuple(cells), units=units, dominance=100 * max(summed, default=0.0))


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the query says of one measure in one cell."""

    rows: int
    total: float | None
    units: int
    share: float | None

    def cell(self, function: Function) -> Cell:
        match function:
            case Function.COUNT:
                return self.rows
            case Function.COUNT_UNITS:
                return self.units
            case Function.SUM:
                return self.total
            case _:
                return None if self.total is None else self.total / self.rows
