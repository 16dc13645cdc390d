"""Whom the rows of a consented output are about: the view's own pseudonyms, and the marks behind them."""

from collections.abc import Mapping

import pyarrow.parquet as pq

from sandbox.data.view_files import MARK
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.table import Body, Table
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import SERVED, Function, OutputColumn, OutputTerms, ReleaseClass

_WIDTH = 6
"""The digits of a subject's place: as words they sort as numbers do, and none is rounded."""


def subject_column(terms: OutputTerms) -> OutputColumn | None:
    """Return the one column that says whom a row is about, or nothing where none or several do."""
    found = [column for column in terms.columns if column.function is Function.SUBJECT]
    return found[0] if len(found) == 1 else None


def sources(column: OutputColumn) -> tuple[str, ...]:
    """Return the view's columns that a value is declared to be made from."""
    return tuple(filter(None, (name.strip() for name in column.source.split(","))))


def marks_of(view: GateView) -> Mapping[str, str]:
    """Return the mark of each unit of a consented view, by the pseudonym that the job sees."""
    unit = view.asset.unit_column
    table = pq.read_table(view.gate, columns=[unit, MARK], memory_map=True)
    return dict(zip(table.column(unit).to_pylist(), table.column(MARK).to_pylist(), strict=True))


def subjects(exhibit: Exhibit, inspection: Inspection) -> tuple[str, ...]:
    """Return the marks of those whom a consented table is about, sorted; of any other output none.

    The check `consents` has found all that would make this fail; raises `KeyError` for a subject who is not in the view.
    """
    if exhibit.terms.release is not ReleaseClass.CONSENTED:
        return ()
    view, column = inspection.view_of(exhibit.terms), subject_column(exhibit.terms)
    assert view is not None, "the view is known"
    assert column is not None, "its subject is declared"
    assert isinstance(exhibit.body, Table), "it is a table"
    known, table = marks_of(view), exhibit.body
    return tuple(
        sorted({known[str(cell)] for cell in table.cells(table.columns.index(column.name))})
    )


def waits(terms: OutputTerms, inspection: Inspection) -> bool:
    """Say whether people sign an output whatever is found in it."""
    if terms.release is ReleaseClass.CONSENTED:
        return not _is_answer(terms, inspection)
    return terms.release is ReleaseClass.REVIEWED


def answered(body: Body, terms: OutputTerms, inspection: Inspection) -> Body:
    """Return an answer with the place of each subject among those that were asked for, instead of its pseudonym.

    Its developer knows whom it asked for and in which order; so no pseudonym leaves, by which answers could be put together.
    """
    view, column = inspection.view_of(terms), subject_column(terms)
    if not (_is_answer(terms, inspection) and view and column and isinstance(body, Table)):
        return body
    places = {mark: f"{place:0{_WIDTH}}" for place, mark in enumerate(inspection.asked, start=1)}
    known = marks_of(view)
    at = body.columns.index(column.name)
    rows = ((*row[:at], places[known[str(row[at])]], *row[at + 1 :]) for row in body.rows)
    return Table(body.columns, tuple(rows))


def _is_answer(terms: OutputTerms, inspection: Inspection) -> bool:
    return (
        terms.release is ReleaseClass.CONSENTED and terms.form in SERVED and bool(inspection.asked)
    )
