"""Reads and fills the slots of a report: `{{O1.row[grade=C].n}}` is one cell of the table O1, `{{O1.table}}` all of it.

A row is named by enough of its cells, or by its place from 1 (`row[2]`). A row that the gate left out is shown as a dash.
The prose is the job's own words for people to read; every number in it that is data comes out of a cleared table.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sandbox.egress.cells import label
from sandbox.egress.finding import Rule
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.numbers import written
from sandbox.egress.table import Cell, Table
from sandbox.errors import SandboxError
from sandbox.order import OutputName
from sandbox.reason import Said

MOST = 500
"""Slots of one report."""
WITHHELD = "—"
"""Stands for a cell of a row that was left out."""

BAD_REPORT = Rule(
    id="egress.report",
    stage=1,
    why=Said(
        zh="报告的占位符写法有误,或含有图片、链接、HTML、字符实体或代码块。",
        en="A slot of the report is not well written, or there are pictures, links, HTML, entities or fenced code in it.",
    ),
    fix=Said(
        zh="占位符写作 {{O1.row[列=取值].列}} 或 {{O1.table}},至多 500 个,前后不紧接数字;正文只用标题、段落、列表、表格与强调。",
        en="Write slots as {{O1.row[column=value].column}} or {{O1.table}}, at most 500, with no digit next to them; use"
        " headings, paragraphs, lists, tables and emphasis only.",
    ),
)

_SLOT = re.compile(
    r"\{\{[ ]*(?P<table>[A-Za-z][A-Za-z0-9_-]{0,63})\."
    r"(?:(?P<whole>table)|row\[(?P<row>[^\]\n{}]{1,400})\]\.(?P<column>[^\s{}]{1,100}))[ ]*\}\}"
)
_KEY = re.compile(r'\s*([^\s=,"]{1,100})\s*=\s*(?:"([^"\n]*)"|([^,"\n]*?))\s*(?:,|$)')
_TOUCHED = re.compile(r"[0-9][.,]?\{\{|\}\}[.,]?[0-9]")
_MARKUP = re.compile(
    r"<[A-Za-z/!?]|!\[|\]\s*[(\[:]|[a-z]{2,12}://|\bwww\.|\bmailto:|^\s*(?:```|~~~)|&#?\w{1,32};",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#!|~&])")


class NoCellError(SandboxError):
    """A slot names no column of its table, or several rows of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place that is filled."""

    table: OutputName
    column: str
    """Empty for the whole table."""
    keys: Mapping[str, str]
    """Cells of its row by the names of their columns."""
    place: int = 0
    """The row's place, from 1; 0 where it is named by `keys`."""
    line: int


@dataclass(frozen=True, slots=True)
class Template:
    """A report with slots, as the job wrote it."""

    text: str

    def slots(self) -> tuple[Slot, ...]:
        """Return the slots in their order; those of a parsed report are sound."""
        return tuple(_slot(found, self.text) for found in _SLOT.finditer(self.text))

    def prose(self) -> str:
        """Return the text without its slots."""
        return _SLOT.sub(" ", self.text)


def parse_report(text: str) -> Template:
    """Parse a report with slots; raise `UnreadableError` where a slot or the prose is not of the closed form."""
    template = Template(text)
    prose = template.prose()
    if "{{" in prose or "}}" in prose or _TOUCHED.search(text) or _MARKUP.search(prose):
        raise UnreadableError(BAD_REPORT.at())
    if not 0 < len(template.slots()) <= MOST:
        raise UnreadableError(BAD_REPORT.at())
    return template


def filled(template: Template, tables: Mapping[OutputName, Table]) -> str:
    """Return the text with every slot filled; raise `NoCellError` or `KeyError` where one cannot be."""

    def fill(found: re.Match[str]) -> str:
        slot = _slot(found, template.text)
        return written_slot(slot, tables[slot.table])

    return _SLOT.sub(fill, template.text)


def written_slot(slot: Slot, table: Table) -> str:
    """Return what is shown in a slot; raise `NoCellError`."""
    if not slot.column:
        return "\n".join(_lines(table))
    if not {slot.column, *slot.keys} <= set(table.columns):
        raise NoCellError("a column that the table does not have")
    rows = table.rows[slot.place - 1 : slot.place] if slot.place else tuple(_rows(slot, table))
    if len(rows) > 1:
        raise NoCellError("more than one row")
    return _shown(rows[0][table.columns.index(slot.column)]) if rows else WITHHELD


def _rows(slot: Slot, table: Table) -> Iterator[tuple[Cell, ...]]:
    wanted = [(table.columns.index(name), value) for name, value in slot.keys.items()]
    return (row for row in table.rows if all(label(row[at]) == value for at, value in wanted))


def _lines(table: Table) -> Iterator[str]:
    def line(cells: Callable[[], Iterator[str]]) -> str:
        return f"| {' | '.join(cells())} |"

    yield line(lambda: map(_escaped, table.columns))
    yield line(lambda: iter(["---"] * len(table.columns)))
    for row in table.rows:
        yield line(lambda row=row: map(_shown, row))  # type: ignore[misc]


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return WITHHELD
        case bool() | str():
            return _escaped(label(cell))
        case _:
            return written(cell)


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\1", text)


def _slot(found: re.Match[str], text: str) -> Slot:
    row = found["row"] or ""
    is_place = row.strip().isascii() and row.strip().isdecimal()
    return Slot(
        table=OutputName(found["table"]),
        column=found["column"] or "",
        keys={} if is_place or not row else _keys(row),
        place=_place(row) if is_place else 0,
        line=text.count("\n", 0, found.start()) + 1,
    )


def _place(row: str) -> int:
    place = int(row.strip()[:9])
    if place < 1:
        raise UnreadableError(BAD_REPORT.at())
    return place


def _keys(row: str) -> Mapping[str, str]:
    """Read `column=value, column="value"`; raise `UnreadableError` where it is not of that form."""
    keys: dict[str, str] = {}
    at = 0
    while at < len(row):
        found = _KEY.match(row, at)
        if found is None or found[1] in keys:
            raise UnreadableError(BAD_REPORT.at())
        keys[found[1]] = found[2] if found[2] is not None else found[3]
        at = found.end()
    return keys
