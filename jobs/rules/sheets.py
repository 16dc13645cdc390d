"""Lays canonical text out for people: a table where it is one, lines where not, and the evidence at its place."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobs.rules.lookalikes import plain_to_see

MAX_ROWS = 200
"""The most rows of a table, or lines of a text, that are shown."""
MAX_COLUMNS = 40
MAX_CHARACTERS = 400
"""The most characters of a cell or line that are shown."""
_CUT = "\n… 其余未显示 / the rest is not shown\n"
"""How a preview ends whose file goes on (`sandbox.egress.preview`)."""
_COLUMN = re.compile(r"column (?!number \d)([A-Za-z]\w{0,63})", re.ASCII)
_LINE = re.compile(r"^line (\d{1,9})$", re.ASCII)
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it stands, every cell a text; unbounded, for comparing."""

    columns: Row
    rows: tuple[Row, ...]
    is_cut: bool = False
    """Whether the file goes on after the last row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table for people: bounded, each text plain to see."""

    columns: Row
    marks: tuple[Row, ...]
    """For each column that is shown, the rules that found something there."""
    rows: tuple[Row, ...]
    more_rows: int
    more_columns: int
    is_cut: bool
    """Whether there are rows beyond those counted: the preview itself is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a text."""

    number: int
    """Counts from 1."""
    text: str
    marks: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A text for people: bounded, every line plain to see."""

    lines: tuple[Line, ...]
    more_lines: int


View = Sheet | Pages


def view(text: str, media_type: str, found: Iterable[tuple[str, str]] = ()) -> View:
    """Lay `text` out; `found` are the places of the findings with their rules.

    Marked are columns that a place calls by their name, and lines of prose. A row that a place counts
    is one of the job's own file: what leaves is sorted, so no row of it is marked.
    """
    table = table_of(text, media_type)
    if table is None:
        return _pages(text, _marked(found, _LINE))
    marks = _marked(found, _COLUMN)
    wide, long = len(table.columns), len(table.rows)
    return Sheet(
        columns=_row(table.columns),
        marks=tuple(marks.get(name, ()) for name in table.columns[:MAX_COLUMNS]),
        rows=tuple(_row(row) for row in table.rows[:MAX_ROWS]),
        more_rows=max(0, long - MAX_ROWS),
        more_columns=max(0, wide - MAX_COLUMNS),
        is_cut=table.is_cut,
    )


def table_of(text: str, media_type: str) -> Table | None:
    """Return the table that canonical text holds, or nothing where it holds none."""
    kind = media_type.partition(";")[0].strip()
    if kind == "text/csv":
        return _from_csv(text)
    return _from_json(text) if kind == "application/json" else None


def bounded(text: str) -> str:
    """Return the beginning of a text, plain to see, and how much more of it there is."""
    more = len(text) - MAX_CHARACTERS
    return plain_to_see(text[:MAX_CHARACTERS]) + (f"… (+{more})" if more > 0 else "")


def _from_csv(text: str) -> Table | None:
    is_cut = text.endswith(_CUT)
    body = text.removesuffix(_CUT)
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(body, newline=""), strict=not is_cut)]
    except csv.Error:
        return None
    width = len(rows[0]) if rows else 0
    if is_cut and len(rows) > 1:  # the last row may have lost cells, and never has more
        rows[-1] += ("",) * (width - len(rows[-1]))
    if not rows or any(len(row) != width for row in rows):
        return None
    return Table(columns=rows[0], rows=tuple(rows[1:]), is_cut=is_cut)


def _from_json(text: str) -> Table | None:
    try:
        rows = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    columns = tuple(rows[0])
    if not columns or any(tuple(row) != columns or not _is_flat(row) for row in rows):
        return None
    return Table(columns=columns, rows=tuple(tuple(map(_word, row.values())) for row in rows))


def _is_flat(row: Mapping[str, object]) -> bool:
    return not any(isinstance(value, dict | list) for value in row.values())


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value) if value is not None else ""


def _pages(text: str, marks: Mapping[str, Row]) -> Pages:
    lines = text.removesuffix("\n").split("\n")
    shown = tuple(
        Line(number=number, text=bounded(line), marks=marks.get(str(number), ()))
        for number, line in enumerate(lines[:MAX_ROWS], start=1)
    )
    return Pages(lines=shown, more_lines=max(0, len(lines) - MAX_ROWS))


def _row(cells: Sequence[str]) -> Row:
    return tuple(bounded(cell) for cell in cells[:MAX_COLUMNS])


def _marked(found: Iterable[tuple[str, str]], pattern: re.Pattern[str]) -> Mapping[str, Row]:
    marks: dict[str, dict[str, None]] = defaultdict(dict)
    for place, rule in found:
        for name in pattern.findall(place):
            marks[name][rule] = None
    return {name: tuple(rules) for name, rules in marks.items()}
