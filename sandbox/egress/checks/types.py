"""Asks whether a file is of its declared type, with the declared columns and nothing executable."""

import re
from collections.abc import Iterator

from sandbox.egress import malformed as bad
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding
from sandbox.egress.table import Table, place
from sandbox.egress.terms import Inspection

_FORMULA = re.compile(r"\s*[=@\t\r]|\s*[+-].")


def types(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find what the parser refused, columns that were not declared, and spreadsheet formulas."""
    if exhibit.unreadable is not None:
        yield exhibit.unreadable
    declared = {column.name for column in exhibit.terms.columns}
    table = exhibit.body
    if isinstance(table, Table):
        if declared and declared != set(table.columns):
            yield bad.COLUMNS_DIFFER.at(_difference(declared, table.columns))
        yield from _formulas(exhibit, table, inspection)
    elif table is not None and declared:
        yield bad.NOT_A_TABLE.at()


def _difference(declared: set[str], columns: tuple[str, ...]) -> str:
    missing = sorted(declared - set(columns))
    unknown = [index for index, name in enumerate(columns, start=1) if name not in declared]
    if missing:
        return f"column {missing[0]}"
    return f"column number {unknown[0]}"


def _formulas(exhibit: Exhibit, table: Table, inspection: Inspection) -> Iterator[Finding]:
    """Find the first cell that a spreadsheet would run; catalogue categories are taken as they are."""
    for index, name in enumerate(table.columns):
        if _FORMULA.match(name):
            yield bad.FORMULA.at(f"column number {index + 1}")
            return
        known = _catalogue(exhibit, name, inspection)
        for row, cell in enumerate(table.cells(index), start=1):
            if isinstance(cell, str) and cell not in known and _FORMULA.match(cell):
                yield bad.FORMULA.at(place(exhibit.terms, name, index=index, row=row))
                return


def _catalogue(exhibit: Exhibit, name: str, inspection: Inspection) -> frozenset[str]:
    for column in exhibit.terms.columns:
        source = inspection.source(exhibit.terms, column) if column.name == name else None
        if source is not None:
            return frozenset(source.domain)
    return frozenset()
