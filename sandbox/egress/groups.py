"""Cuts an output into groups of tokens that may each hold one row of the source.

Whatever the layout, a leaked row ends up in some group: a table's row, a table's column (where it
was turned on its side), a line of text, or a window over neighbouring tokens of text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from sandbox.egress.table import Cell, Table
from sandbox.errors import SandboxError

WINDOWS = (8, 32)
"""Lengths, in tokens, of the windows over text; they overlap by half."""
MAX_TOKENS = 4_000_000
"""Tokens over all groups; an output of more is too large to judge."""
LONGEST = 200
"""Characters of a text token."""

_LINE = re.compile(r"[\n{}\[\]]+")
_FIELD = re.compile(r"[,;|\t\"':=<>()*`]+")
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z.])[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?(?![0-9A-Za-z])"
)
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")

Token = float | str


class TooMuchTextError(SandboxError):
    """An output has more tokens than can be held against the source."""


def from_table(table: Table) -> Iterator[list[Token]]:
    """Yield the rows of `table`, then its columns' cells by position, as groups."""
    rows = [[token for cell in row for token in _cell(cell)] for row in table.rows]
    yield from rows
    if len(table.columns) > 1:
        yield from (
            [t for cell in table.cells(i) for t in _cell(cell)] for i in range(len(table.columns))
        )


def lines(text: str) -> Iterator[list[Token]]:
    """Yield the lines of `text`, and the innermost brackets of JSON, as groups."""
    yield from (list(_tokens(line)) for line in _LINE.split(text))


def windows(groups: Sequence[list[Token]]) -> Iterator[list[Token]]:
    """Yield windows over the tokens of neighbouring groups, as groups."""
    stream = [token for group in groups for token in group]
    for length in WINDOWS:
        yield from _windows(stream, length)


def _windows(stream: Sequence[Token], length: int) -> Iterator[list[Token]]:
    for start in range(0, len(stream), length // 2):
        yield list(stream[start : start + length])


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
    for number in _NUMBER.findall(line):
        yield float(number)
    for number in _NUMBER.findall(_GROUPED.sub("", line)) if _GROUPED.search(line) else ():
        yield float(number)
    for field in _FIELD.split(line):
        words = field.casefold().split()
        yield from _phrases(words)


def _phrases(words: Sequence[str]) -> Iterator[Token]:
    for start in range(len(words)):
        for length in range(1, min(4, len(words) - start) + 1):
            phrase = " ".join(words[start : start + length])
            if not _PLAIN_NUMBER.fullmatch(phrase):
                yield phrase.strip(".!?。,;")[:LONGEST]


def arrow(groups: Iterable[list[Token]]) -> pa.Table:
    """Lay groups out as rows of (group, number or text), each token once a group."""
    ids: list[int] = []
    numbers: list[float | None] = []
    words: list[str | None] = []
    for group, tokens in enumerate(groups):
        for token in dict.fromkeys(tokens):
            ids.append(group)
            numbers.append(token if isinstance(token, float) else None)
            words.append(token if isinstance(token, str) else None)
        if len(ids) > MAX_TOKENS:
            raise TooMuchTextError("more tokens than can be traced")
    return pa.table(
        {
            "g": pa.array(ids, pa.int64()),
            "number": pa.array(numbers, pa.float64()),
            "word": pa.array(words, pa.string()),
        }
    )
