"""Writes the rows that stay as they leave: rounded counts that add up, ratios from rounded parts, few digits."""

from collections.abc import Collection, Iterator, Mapping
from math import fsum

from sandbox.egress.cells import typed
from sandbox.egress.declared import COUNTS, LABELS, QUANTILES
from sandbox.egress.disclosure.cube import cube
from sandbox.egress.disclosure.evidence import Labels
from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.disclosure.rounding import consistent
from sandbox.egress.lane.plan import divided, parts
from sandbox.egress.numbers import significant
from sandbox.egress.recompute import Rows
from sandbox.egress.table import Cell, Table
from sandbox.order import Function, OutputColumn, OutputTerms


def released(rows: Rows, kept: Collection[Labels], terms: OutputTerms, profile: Profile) -> Table:
    """Return the table of the `kept` rows as it leaves."""
    columns = [_column(at, column, rows, kept, profile) for at, column in enumerate(terms.columns)]
    table = [[cells[labels] for cells in columns] for labels in kept]
    names = tuple(column.name for column in terms.columns)
    return Table(names, tuple(tuple(_with_ratios(row, terms, profile)) for row in table))


def _column(
    at: int, column: OutputColumn, rows: Rows, kept: Collection[Labels], profile: Profile
) -> Mapping[Labels, Cell]:
    exact = {labels: row.cells[at] for labels, row in rows.items()}
    if column.function in LABELS:
        return {labels: _label(exact[labels], column) for labels in kept}
    if column.function in COUNTS:
        counts = {labels: int(cell or 0) for labels, cell in exact.items()}
        return dict(consistent(counts, kept, profile.count_base))
    digits = profile.order_digits if column.function in QUANTILES else profile.digits
    short = {labels: _short(exact[labels], digits) for labels in kept}
    return _added(short, exact) if column.function is Function.SUM else short


def _label(cell: Cell, column: OutputColumn) -> Cell:
    """Give a category its declared type; the gate computes it as text."""
    return cell if cell is None else typed(cell, column.type)


def _short(cell: Cell, digits: int) -> Cell:
    return significant(cell, digits) if isinstance(cell, int | float) else None


def _added(short: Mapping[Labels, Cell], exact: Mapping[Labels, Cell]) -> Mapping[Labels, Cell]:
    """Make those totals from rounded cells of which every cell is shown."""
    table = cube(exact)
    made = dict(short)
    for at, labels in enumerate(table.margins):
        members = [short.get(table.cells[i]) for i in table.adds[[at]].indices]
        numbers = [cell for cell in members if isinstance(cell, int | float)]
        if labels in short and len(numbers) == len(members):
            made[labels] = fsum(numbers)
    return made


def _with_ratios(row: list[Cell], terms: OutputTerms, profile: Profile) -> Iterator[Cell]:
    for cell, column in zip(row, terms.columns, strict=True):
        if column.function is not Function.RATIO:
            yield cell
            continue
        top, bottom = parts(column, terms.columns)
        yield _short(divided(row[top], row[bottom]), profile.digits)
