"""Makes a table of what the reader told, with the declared types, or a document; raises for what may be neither."""

import math
from collections.abc import Iterator, Sequence

from sandbox.egress import malformed as bad
from sandbox.egress.cells import INT64, MisfitError, kind_of, typed
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.table import Cell, Document, Json, Table, place
from sandbox.order import OutputTerms

MAX_COLUMNS = 1_000
"""Columns of a table: each is studied by itself, which takes time, and nobody reads so many."""
MAX_KEYS = 10_000
"""Different keys of a document: what stands under one key is studied as a column, and takes some kilobytes."""


def typed_table(header: Sequence[str], rows: Sequence[Sequence[Json]], terms: OutputTerms) -> Table:
    """Return a table of plain cells of the declared types, or of the narrowest that hold them; raise `UnreadableError`."""
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(bad.TOO_MANY_COLUMNS.at())
    if len(set(header)) != len(header) or not all(name.strip() for name in header):
        raise UnreadableError(bad.NOT_CSV.at())
    if len(rows) > terms.max_rows:
        raise UnreadableError(bad.TOO_MANY_ROWS.at())
    declared = {column.name: column.type for column in terms.columns}
    columns: list[list[Cell]] = []
    for index, name in enumerate(header):
        cells = [row[index] for row in rows]
        kind = declared.get(name) or kind_of(cells)
        columns.append([])
        for number, cell in enumerate(cells, start=1):
            try:
                columns[-1].append(typed(cell, kind))
            except MisfitError as misfit:
                at = place(terms, name, index=index, row=number)
                raise UnreadableError(misfit.rule.at(at)) from None
    return Table(tuple(header), tuple(zip(*columns, strict=True)))


def document(value: Json, terms: OutputTerms) -> Document:
    """Return JSON that is no table; raise `UnreadableError` where a table was declared, and for what is empty or endless."""
    if value in (None, [], {}, ""):
        raise UnreadableError(bad.EMPTY.at())
    if terms.columns:
        raise UnreadableError(bad.NOT_A_TABLE.at())
    if len(set(_keys(value))) > MAX_KEYS:
        raise UnreadableError(bad.TOO_LONG.at())
    for number in _numbers(value):
        if isinstance(number, int) and abs(number) >= INT64:  # first, for no float may hold it
            raise UnreadableError(bad.NOT_JSON.at())
        if not math.isfinite(number):
            raise UnreadableError(bad.NOT_FINITE.at())
    return Document(value)


def _keys(value: Json) -> Iterator[str]:
    match value:
        case list():
            for item in value:
                yield from _keys(item)
        case dict():
            yield from value
            for item in value.values():
                yield from _keys(item)
        case _:
            return


def _numbers(value: Json) -> Iterator[int | float]:
    match value:
        case bool() | str() | None:
            return
        case int() | float():
            yield value
        case list():
            for item in value:
                yield from _numbers(item)
        case dict():
            for item in value.values():
                yield from _numbers(item)
