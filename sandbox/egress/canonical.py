"""The one form in which an output may leave: what people sign is the SHA-256 of these bytes.

Numbers keep few digits, rows and columns have one order, text has one spelling, and nothing is
left of the file's own layout. The canonical form of canonical bytes is those bytes.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sandbox.asset import Digest
from sandbox.egress.cells import label
from sandbox.egress.identifiers.plain import without_invisible
from sandbox.egress.numbers import rounded_count, significant, written
from sandbox.egress.table import Body, Cell, Document, Json, Sealed, Table, Text, functions
from sandbox.order import Function, OutputTerms, ReleaseClass

_COUNTED = frozenset({Function.COUNT, Function.COUNT_UNITS})
_CATEGORIES = frozenset({Function.DIMENSION, Function.DIMENSION_TOTAL})
_SEALED = {"json": "application/json", "svg": "image/svg+xml", "png": "image/png"}
_TRAILING = re.compile(r"[^\S\n]+(?=\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How an output is written."""

    terms: OutputTerms
    digits: int
    """Significant digits of every number that is not a count."""
    domains: Mapping[str, Sequence[str]]
    """The catalogue's order of the categories, by the name of the output's column."""

    @property
    def is_exact(self) -> bool:
        """Whether numbers leave as they are: those of the planner have their noise already."""
        return self.terms.release is ReleaseClass.DP

    def order(self, columns: Sequence[str]) -> Sequence[str]:
        """Return the order of columns that were not declared: the planner's own, or by name."""
        return columns if self.is_exact else sorted(columns)


def digest_of(content: bytes) -> Digest:
    """Return the digest of `content`, as the record writes it."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def canonical(body: Body, suffix: str, form: Form) -> tuple[str, str, bytes]:
    """Return the ending, the media type and the bytes in which `body` leaves."""
    return encoded(canonical_body(body, form), suffix)


def canonical_body(body: Body, form: Form) -> Body:
    """Return `body` with the digits, the order and the spelling in which it leaves."""
    match body:
        case Table():
            return canonical_table(body, form)
        case Document(value=value):
            return Document(_rounded(value, form.digits))
        case Text(text=text):
            return Text(canonical_text(text))
        case Sealed():
            return body


def encoded(body: Body, suffix: str) -> tuple[str, str, bytes]:
    """Return the ending, the media type and the bytes of a canonical body."""
    match body:
        case Table() if suffix == "json":
            return "json", "application/json", _json_table(body)
        case Table():
            return "csv", "text/csv; charset=utf-8", text_from_table(body).encode("utf-8")
        case Document(value=value):
            return "json", "application/json", _json(value)
        case Sealed(suffix=ending, content=content):
            return ending, _SEALED.get(ending, "application/octet-stream"), content
        case Text(text=text):
            return suffix, "text/plain; charset=utf-8", text.encode("utf-8")


def canonical_text(text: str) -> str:
    """Return `text` in NFC, with LF, without trailing blanks and without invisible characters."""
    text = unicodedata.normalize("NFC", without_invisible(text.replace("\r\n", "\n")))
    text = _TRAILING.sub("", text.replace("\r", "\n")).strip("\n")
    return f"{text}\n" if text else ""


def canonical_table(table: Table, form: Form) -> Table:
    """Round the numbers, put the columns in the declared order and sort the rows."""
    names = [column.name for column in form.terms.columns] or form.order(table.columns)
    found = functions(table, form.terms)
    columns = [
        [_shown(cell, found[index], form) for cell in table.cells(index)]
        for index in map(table.columns.index, names)
    ]
    orders = [_order(form.domains.get(name, ())) for name in names]
    rows = zip(*columns, strict=True)
    ranked = sorted(rows, key=lambda row: [o(c) for o, c in zip(orders, row, strict=True)])
    return Table(tuple(map(_label, names)), tuple(ranked))


def text_from_table(table: Table) -> str:
    """Write `table` as CSV of RFC 4180 with LF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([table.columns, *([_word(cell) for cell in row] for row in table.rows)])
    return out.getvalue()


def _json_table(table: Table) -> bytes:
    return _json([dict(zip(table.columns, row, strict=True)) for row in table.rows])


def _json(value: Json | Iterable[Mapping[str, Cell]]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"{text}\n".encode()


def _word(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case int() | float():
            return written(cell)
        case str():
            return cell


def _label(text: str) -> str:
    return unicodedata.normalize("NFC", without_invisible(text)).strip()


def _shown(cell: Cell, function: Function, form: Form) -> Cell:
    match cell:
        case str():
            return _label(cell) or None
        case bool() | None:
            return cell
        case _ if form.is_exact or function in _CATEGORIES:
            return cell
        case _ if function in _COUNTED:
            return rounded_count(cell)
        case _:
            return significant(cell, form.digits)


Rank = tuple[int, float, str]


def _order(domain: Sequence[str]) -> Callable[[Cell], Rank]:
    """Return the key that sorts cells: catalogue order, then numbers, words, truths and blanks."""
    places = {name: place for place, name in enumerate(domain)}

    def rank(cell: Cell) -> Rank:
        if label(cell) in places:
            return (0, places[label(cell)], "")
        match cell:
            case None:
                return (4, 0, "")
            case bool():
                return (3, cell, "")
            case str():
                return (2, 0, cell)
            case _:
                return (1, cell, "")

    return rank


def _rounded(value: Json, digits: int) -> Json:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return significant(value, digits)
        case str():
            return canonical_text(value).strip()
        case list():
            return [_rounded(item, digits) for item in value]
        case dict():
            named = {_label(key): _rounded(value[key], digits) for key in sorted(value)}
            return dict(sorted(named.items(), key=itemgetter(0)))
