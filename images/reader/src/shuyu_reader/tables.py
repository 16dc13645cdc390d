"""Tables as plain cells: of CSV, and of the JSON that is a list of records, or columns beside each other."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shuyu_reader.flaws import Flaw, UnreadableError
from shuyu_reader.strict import Json

Cell = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Table:
    """A rectangular table as a file has it; the gate gives the cells their declared types."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def of_csv(text: str, most: int) -> Table:
    """Parse RFC 4180 text of at most `most` rows; an empty cell is none. Raise `UnreadableError`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        rows = tuple(_even(lines, width=len(header), most=most))
    except csv.Error:
        raise UnreadableError(Flaw.CSV, line=lines.line_num) from None
    if not header:
        raise UnreadableError(Flaw.EMPTY)
    return Table(header, rows)


def of_json(value: Json, most: int) -> Table | None:
    """Return parsed JSON as a table, or nothing where it is none; raise `UnreadableError` for more than `most` rows."""
    table = _records(value) or _headed(value) or _columns(value)
    if table is None or any(isinstance(c, list | dict) for row in table.rows for c in row):
        return None
    if len(table.rows) > most:
        raise UnreadableError(Flaw.ROWS)
    return table


def written(table: Table, hidden: frozenset[str]) -> str:
    """Write `table` as CSV, with blanks in the columns that are `hidden`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    blank = [name in hidden for name in table.columns]
    if any(blank):
        writer.writerows(
            ["" if hides else cell for hides, cell in zip(blank, row, strict=True)]
            for row in table.rows
        )
    else:
        writer.writerows(table.rows)
    return out.getvalue()


def _even(lines: Iterator[list[str]], *, width: int, most: int) -> Iterator[list[Cell]]:
    for number, row in enumerate(lines, start=1):
        if len(row) != width:
            raise UnreadableError(Flaw.CSV, row=number)
        if number > most:
            raise UnreadableError(Flaw.ROWS)
        yield [word or None for word in row]


def _records(value: Json) -> Table | None:
    if not isinstance(value, list) or not value:
        return None
    records = [item for item in value if isinstance(item, dict)]
    if len(records) != len(value):
        return None
    header = tuple(records[0])
    if not header or any(record.keys() != records[0].keys() for record in records):
        return None
    return _table(header, [[record[name] for name in header] for record in records])


def _columns(value: Json) -> Table | None:
    if not isinstance(value, dict) or not value:
        return None
    columns = [item for item in value.values() if isinstance(item, list)]
    if len(columns) != len(value) or len({len(column) for column in columns}) != 1:
        return None
    return _table(tuple(value), list(zip(*columns, strict=True)))


def _headed(value: Json) -> Table | None:
    """Read `{"columns": […], "rows": [[…]]}`, with a column's name alone or in an object."""
    if not isinstance(value, dict) or value.keys() != {"columns", "rows"}:
        return None
    header = [_name(column) for column in _listed(value["columns"])]
    names = tuple(name for name in header if name is not None)
    rows = [_listed(row) for row in _listed(value["rows"])]
    whole = len(names) == len(header) > 0 and all(len(row) == len(header) for row in rows)
    return _table(names, rows) if whole else None


def _table(header: Sequence[str], rows: Sequence[Sequence[Json]]) -> Table:
    return Table(header, rows)  # type: ignore[arg-type]


def _name(column: Json) -> str | None:
    name = column.get("name") if isinstance(column, dict) else column
    return name if isinstance(name, str) else None


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
