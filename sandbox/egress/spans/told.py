"""Reads off a released table what it tells totals about."""

from collections.abc import Iterator

from sandbox.egress import declared
from sandbox.egress.cells import label
from sandbox.egress.declared import COUNTS, LABELS, MODELS
from sandbox.egress.span import Quantity, Span
from sandbox.egress.table import Table
from sandbox.egress.terms import GateView
from sandbox.order import Function, OutputColumn, OutputTerms


def span_of(terms: OutputTerms, table: Table, view: GateView) -> Span:
    """Return what a table tells that the gate computed for `terms`."""
    dims = _dimensions(terms)
    places = [terms.columns.index(column) for column in dims]
    cells = tuple(tuple(label(row[at]) for at in places) for row in table.rows)
    return Span(
        asset=view.asset.id,
        snapshot=view.terms.snapshot,
        condition=view.terms.predicate,
        dimensions=tuple(declared.categories(column).written() for column in dims),
        quantities=tuple(sorted(set(_quantities(terms.columns)), key=repr)),
        cells=tuple(dict.fromkeys(cells)),  # of a model: all rows, once
        is_coarse=view.terms.generalise is not None or view.terms.consented,
    )


def _dimensions(terms: OutputTerms) -> tuple[OutputColumn, ...]:
    """Return the columns that say which of the view's rows a row is about: of a model's, all."""
    if any(column.function in MODELS for column in terms.columns):
        return ()
    return tuple(column for column in terms.columns if column.function in LABELS)


def _quantities(columns: tuple[OutputColumn, ...]) -> Iterator[Quantity]:
    for column in columns:
        named = tuple(sorted({number.column for number in declared.numbers(column)}))
        if column.function in COUNTS:
            yield Quantity(known=named)
        elif column.function not in LABELS | {Function.RATIO}:  # a ratio's parts are columns too
            yield Quantity(measures=named, known=named)
