"""Recomputes a declared table of aggregates from the gate's copy of the view."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

import duckdb

from sandbox.asset import Column
from sandbox.egress import declared
from sandbox.egress.declared import COUNTS, LABELS, MODELS, UndeclaredError
from sandbox.egress.disclosure.evidence import CellEvidence, Concern, Labels
from sandbox.egress.disclosure.profile import Profile, profile_of
from sandbox.egress.gate import opened
from sandbox.egress.lane.numbers import category_of, value_of
from sandbox.egress.lane.plan import Made, Plan, divided, parts
from sandbox.egress.lane.quantiles import Asked, Ranked, quantiles
from sandbox.egress.lane.query import Found, Question, cells, has_one_row_each
from sandbox.egress.lane.regression import fitted
from sandbox.egress.lane.shape import demand_table
from sandbox.egress.table import Cell
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import Function, OutputColumn, OutputTerms

__all__ = ["Labels", "Row", "Rows", "UndeclaredError", "dimensions", "limits", "recompute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as the gate computes it."""

    cells: tuple[Cell, ...]
    """Exact; in the declared order of columns."""
    units: int
    """The fewest protected units that any of its numbers stands for."""
    dominance: float
    """The largest share, in percent, that two units hold of the distances from any number's median."""
    evidence: tuple[CellEvidence, ...] = ()
    """About each of its numbers."""
    counts: tuple[float, ...] = ()
    """Of rows and units behind each of its numbers: what could be subtracted."""
    sums: tuple[float, ...] = ()
    """The total behind each of its sums and averages: the same."""
    concerns: frozenset[Concern] = frozenset()
    """What is wrong with the row whatever the profile's cell rules say."""


Rows = Mapping[Labels, Row]


def dimensions(terms: OutputTerms) -> tuple[OutputColumn, ...]:
    """Return the declared columns that say what a row is about."""
    return tuple(c for c in terms.columns if c.function in LABELS)


def limits(terms: OutputTerms, inspection: Inspection) -> Profile:
    """Return the strictest limits for an output; raise `UndeclaredError` where it has no view."""
    view = _view(terms, inspection)
    used = tuple({name for column in terms.columns for name in declared.named(column)})
    return profile_of(view.asset, used, inspection.policy)


def recompute(terms: OutputTerms, inspection: Inspection) -> Rows:
    """Compute every row of the declared table that has any unit; raise `UndeclaredError`.

    Rows of the view that have no category (NULL) in a dimension belong to no row of the table. A
    row with the total over a dimension has "" as its label there.
    """
    view = _view(terms, inspection)
    if not terms.columns:
        raise UndeclaredError("no columns")
    for column in terms.columns:
        _demand(column, view)
    demand_table(terms.columns, view.columns())
    with opened(view) as gate:
        if any(column.function in MODELS for column in terms.columns):
            return _model(terms, inspection, gate)
        return _table(terms, view, gate)


def _view(terms: OutputTerms, inspection: Inspection) -> GateView:
    view = inspection.view_of(terms)
    if view is None:
        raise UndeclaredError("no view")
    return view


def _demand(column: OutputColumn, view: GateView) -> None:
    if column.function is Function.FREE:
        raise UndeclaredError("a column has no function")
    if column.function in {Function.DIMENSION, Function.DIMENSION_TOTAL}:
        form = declared.categories(column)
        declared.demand_categories(form, view.column(form.column))
        return
    for number in declared.numbers(column):
        source = view.column(number.column)
        if column.function not in COUNTS:
            declared.demand_number(number, source)
        elif source is None:
            raise UndeclaredError("a count without a granted column")


def _model(terms: OutputTerms, inspection: Inspection, gate: duckdb.DuckDBPyConnection) -> Rows:
    view = _view(terms, inspection)
    found = fitted(gate, terms.columns, view.columns(), limits(terms, inspection))
    return {
        (term,): Row(cells=cells, units=found.units, dominance=0.0, concerns=found.concerns)
        for term, cells in found.rows.items()
    }


def _table(terms: OutputTerms, view: GateView, gate: duckdb.DuckDBPyConnection) -> Rows:
    columns = terms.columns
    plan = Plan(centres={column.name: _centre(column) for column in view.columns()})
    made = tuple(plan.made(columns))
    question = Question(
        labels=tuple(category_of(declared.categories(c)) for c in dimensions(terms)),
        totals=tuple(
            at for at, c in enumerate(dimensions(terms)) if c.function is Function.DIMENSION_TOTAL
        ),
        counted=tuple(plan.counted),
        numbers=tuple(plan.numbers),
        once=has_one_row_each(gate),
    )
    apart = declared.apart(columns)
    ranked = {
        column.name: quantiles(
            gate, question, Asked(value=value_of(number), which=which, apart=apart[column.name])
        )
        for column in columns
        if column.function in declared.QUANTILES
        for number, which in (declared.quantile(column),)
    }
    # an engine's own order differs from one run to the next, and suppression must not
    found = sorted(cells(gate, question), key=attrgetter("labels"))
    return {each.labels: _row(each, made, ranked, columns) for each in found}


def _centre(column: Column) -> float:
    if not (column.lower and column.upper):
        return 0.0
    return (float(column.lower) + float(column.upper)) / 2


def _row(
    found: Found,
    made: tuple[Made, ...],
    ranked: Mapping[str, Ranked],
    columns: tuple[OutputColumn, ...],
) -> Row:
    values: dict[str, Cell] = {each.column.name: each.make(found) for each in made}
    evidence = [one for each in made for one in each.evidence(found)]
    for name, cells_of in ranked.items():
        values[name], about = cells_of.get(found.labels, (None, CellEvidence(units=0)))
        evidence.append(about)
    row = Row(
        cells=tuple(_cells(columns, values, found.labels)),
        units=min((each.units for each in evidence), default=0),
        dominance=max((each.top2 for each in evidence), default=0.0),
        evidence=tuple(evidence),
        counts=tuple(_counts(found)),
        sums=_sums(found, made),
    )
    return replace(row, cells=tuple(_with_ratios(row.cells, columns)))


def _counts(found: Found) -> Iterator[float]:
    yield from (float(n) for each in found.counted for n in (each.rows, each.evidence.units))
    yield from (float(n) for each in found.summed for n in (each.rows, each.evidence.units))


def _sums(found: Found, made: tuple[Made, ...]) -> tuple[float, ...]:
    places = sorted({each.number for each in made if each.number is not None})
    return tuple(found.summed[at].total or 0.0 for at in places)


def _cells(
    columns: tuple[OutputColumn, ...], values: Mapping[str, Cell], labels: Labels
) -> Iterator[Cell]:
    waiting = iter(labels)
    for column in columns:
        yield (next(waiting) or None) if column.function in LABELS else values.get(column.name)


def _with_ratios(row: tuple[Cell, ...], columns: tuple[OutputColumn, ...]) -> Iterator[Cell]:
    for cell, column in zip(row, columns, strict=True):
        if column.function is not Function.RATIO:
            yield cell
            continue
        top, bottom = parts(column, columns)
        yield divided(row[top], row[bottom])
