"""Parses untrusted CSV and JSON with the standard library only: strict, or not at all."""

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

from sandbox.egress import malformed as bad
from sandbox.egress.cells import INT64, MisfitError, kind_of, typed
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.table import Cell, Document, Json, Table, place
from sandbox.egress.unwrap import MAX_BYTES
from sandbox.order import OutputTerms

MAX_DEPTH = 32
"""How deeply JSON may be nested."""
MAX_COLUMNS = 1_000
"""Columns of a table: each is studied by itself, which takes time, and nobody reads so many."""
MAX_KEYS = 10_000
"""Different keys of a document: what stands under one key is studied as a column, and takes some kilobytes."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
"""Never gives back what it took: a long string would cost a hundred bytes of memory a character."""


def text_of(content: bytes) -> str:
    """Decode strict UTF-8 without byte order marks or control characters, with LF line ends.

    Raise `UnreadableError` for anything else, and for more than `MAX_BYTES`: the checks take up to some hundred times as much.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableError(bad.TOO_LONG.at())
    try:
        text = content.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise UnreadableError(bad.NOT_UTF8.at()) from None
    text = text.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        if any(_is_control(character) for character in line):
            raise UnreadableError(bad.NOT_UTF8.at(f"line {number}"))
    return text


def _is_control(character: str) -> bool:
    if character.isascii():
        return character != "\t" and not character.isprintable()
    return character == "\ufeff" or unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}


def parse_csv(text: str, terms: OutputTerms) -> Table:
    """Parse RFC 4180 text of at most `terms.max_rows` rows; raise `UnreadableError`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(next(lines, ()))
        rows = tuple(_ragged(lines, width=len(header), terms=terms))
    except csv.Error:
        raise UnreadableError(bad.NOT_CSV.at(f"line {lines.line_num}")) from None
    if not header:
        raise UnreadableError(bad.EMPTY.at())
    _unique(header)
    return _typed(header, rows, terms=terms)


def _ragged(lines: Iterator[list[str]], *, width: int, terms: OutputTerms) -> Iterator[list[Cell]]:
    for number, row in enumerate(lines, start=1):
        if len(row) != width:
            raise UnreadableError(bad.NOT_CSV.at(f"row {number}"))
        if number > terms.max_rows:
            raise UnreadableError(bad.TOO_MANY_ROWS.at())
        yield [word or None for word in row]


def parse_json(text: str, terms: OutputTerms) -> Table | Document:
    """Parse strict JSON: a table of records, columns or the reader's form, or else a document."""
    value = strict_json(text)
    return table_of(value, terms) or _document(value, terms)


def strict_json(text: str) -> Json:
    """Parse JSON without repeated keys and not nested too deeply; NaN is found later."""
    if _depth(text) > MAX_DEPTH:
        raise UnreadableError(bad.NOT_JSON.at())
    try:
        value: Json = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise UnreadableError(bad.NOT_JSON.at()) from None
    if "\\" in text and any(_is_hidden(string) for string in _strings(value)):
        raise UnreadableError(bad.NOT_UTF8.at())
    return value


def table_of(value: Json, terms: OutputTerms) -> Table | None:
    """Make a table of parsed JSON, or nothing where it is not one."""
    form = _records(value) or _reader(value) or _columns(value)
    if form is None or not all(_is_plain(cell) for row in form[1] for cell in row):
        return None
    header, rows = form
    if len(rows) > terms.max_rows:
        raise UnreadableError(bad.TOO_MANY_ROWS.at())
    _unique(header)
    return _typed(header, rows, terms=terms)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError(bad.NOT_JSON.at())
    return found


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _document(value: Json, terms: OutputTerms) -> Document:
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


def _strings(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings(item)
        case dict():
            yield from value
            for item in value.values():
                yield from _strings(item)
        case _:
            return


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


def _is_hidden(string: str) -> bool:
    """Whether escapes brought in what no text may have: control characters, halves of pairs."""
    return any(_is_control(character) for character in string if character not in "\r\n")


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


Form = tuple[tuple[str, ...], list[list[Json]]]


def _records(value: Json) -> Form | None:
    if not isinstance(value, list) or not value:
        return None
    records = [item for item in value if isinstance(item, dict)]
    if len(records) != len(value):
        return None
    header = tuple(records[0])
    if not header or any(record.keys() != records[0].keys() for record in records):
        return None
    return header, [[record[name] for name in header] for record in records]


def _columns(value: Json) -> Form | None:
    if not isinstance(value, dict) or not value:
        return None
    columns = [item for item in value.values() if isinstance(item, list)]
    if len(columns) != len(value) or len({len(column) for column in columns}) != 1:
        return None
    return tuple(value), [list(row) for row in zip(*columns, strict=True)]


def _reader(value: Json) -> Form | None:
    if not isinstance(value, dict) or value.keys() != {"columns", "rows"}:
        return None
    header = [_name(column) for column in _listed(value["columns"])]
    names = tuple(name for name in header if name is not None)
    rows = [_listed(row) for row in _listed(value["rows"])]
    whole = len(names) == len(header) > 0 and all(len(row) == len(header) for row in rows)
    return (names, rows) if whole else None


def _name(column: Json) -> str | None:
    name = column.get("name") if isinstance(column, dict) else column
    return name if isinstance(name, str) else None


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _is_plain(cell: Json) -> bool:
    return not isinstance(cell, list | dict)


def _unique(header: Sequence[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(bad.TOO_MANY_COLUMNS.at())
    if len(set(header)) != len(header) or not all(name.strip() for name in header):
        raise UnreadableError(bad.NOT_CSV.at())


def _typed(header: tuple[str, ...], rows: Sequence[Sequence[Json]], *, terms: OutputTerms) -> Table:
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
    return Table(header, tuple(zip(*columns, strict=True)))
