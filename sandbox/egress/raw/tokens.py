"""Cuts an output into groups of tokens that may each hold one row of the source.

A leaked row ends up in some group: a table's row, a table's column (where it was turned on its side), a line of text;
or else in a window over tokens that follow one another.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from sandbox.data.codes import WORDS
from sandbox.egress.table import Cell, Table
from sandbox.errors import SandboxError

MAX_TOKENS = 4_000_000
"""Tokens over all groups; an output of more is too large to judge."""
LONGEST_ROW = 256
"""Tokens of a group that may be one row."""
LONGEST = 200
"""Characters of a text token."""

LINE = re.compile(r"[\n{}\[\]]+")
"""Between lines, and the innermost brackets of JSON."""
_FIELD = re.compile(r"[,;|\t\"':=<>()*`]+")
NUMBER = re.compile(
    r"(?<![0-9A-Za-z.])[-+]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?(?![0-9A-Za-z])"
)
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")

Token = float | str


class TooMuchTextError(SandboxError):
    """An output has more tokens than can be held against the source."""


def of_rows(table: Table) -> Iterator[list[Token]]:
    """Yield the rows of `table` as groups."""
    yield from ([token for cell in row for token in _cell(cell)] for row in table.rows)


def of_columns(table: Table) -> Iterator[list[Token]]:
    """Yield the columns of `table` as groups, where they are short enough to be rows."""
    for index in range(len(table.columns) if len(table.rows) <= LONGEST_ROW else 0):
        yield [token for cell in table.cells(index) for token in _cell(cell)]


def side_by_side(tables: Sequence[Table]) -> Iterator[list[Token]]:
    """Yield the rows of tables of equal length as if they were one table's."""
    for rows in zip(*(table.rows for table in tables), strict=True):
        yield [token for row in rows for cell in row for token in _cell(cell)]


def lines(text: str) -> Iterator[list[Token]]:
    """Yield the lines of `text`, and the innermost brackets of JSON, as groups."""
    yield from (list(_tokens(line)) for line in LINE.split(text))


def bounded(groups: Iterable[list[Token]]) -> list[list[Token]]:
    """Return the groups; raise `TooMuchTextError` past `MAX_TOKENS`."""
    found, tokens = [], 0
    for group in groups:
        found.append(group)
        tokens += len(group)
        if tokens > MAX_TOKENS:
            raise TooMuchTextError("more tokens than can be traced")
    return found


def _cell(cell: Cell) -> Iterator[Token]:
    match cell:
        case bool() | None:
            return
        case str():
            yield from _tokens(cell)
        case _:
            yield float(cell)


def _tokens(line: str) -> Iterator[Token]:
    """Yield the numbers of a line, its fields, and the runs of up to four words in them."""
    found = NUMBER.findall(line)
    found += NUMBER.findall(_GROUPED.sub("", line)) if _GROUPED.search(line) else []
    yield from filter(math.isfinite, map(float, found))
    for field in _FIELD.split(line):
        yield from _phrases(unicodedata.normalize("NFKC", field).lower().split())


def _phrases(words: Sequence[str]) -> Iterator[Token]:
    for start in range(len(words)):
        for length in range(1, min(WORDS, len(words) - start) + 1):
            phrase = " ".join(words[start : start + length])
            if len(phrase) > 1 and not _PLAIN_NUMBER.fullmatch(phrase):
                yield phrase.strip(".!?。,;")[:LONGEST]
