"""Cuts an output into streams: what may be one column of the source, wherever it stands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.raw.guises import guises
from sandbox.egress.raw.tokens import LINE, NUMBER
from sandbox.egress.table import Cell, Table, functions, place
from sandbox.order import Function

LEAST = 20
"""Cells of a stream that is worth a look."""
LONGEST = 5_000
"""Cells of a stream that are looked at, evenly spaced, where it has more."""

_COUNTED = frozenset({Function.COUNT, Function.COUNT_UNITS})


@dataclass(frozen=True, slots=True)
class Stream:
    """Cells that may come from one column."""

    place: str
    numbers: np.ndarray
    """Finite, in their order."""
    texts: tuple[str, ...]


def streams(exhibit: Exhibit) -> Iterator[Stream]:
    """Yield the columns and long rows of a table, and the n-th numbers of equal lines of all text."""
    texts: Sequence[str] = exhibit.texts()
    if isinstance(exhibit.body, Table):
        yield from _of_table(exhibit.body, exhibit)
        texts = texts[1:]
    for text in texts:
        yield from _of_text(text)
        for guise in guises(text):
            yield from _of_text(guise)


def frames(exhibit: Exhibit) -> Iterator[list[Sequence[Cell]]]:
    """Yield the columns of a table but its counts, and those of the numbers in equal lines of all text, as lines to look up."""
    texts: Sequence[str] = exhibit.texts()
    if isinstance(exhibit.body, Table):
        named = functions(exhibit.body, exhibit.terms)
        yield [exhibit.body.cells(i) for i, each in enumerate(named) if each not in _COUNTED]
        texts = texts[1:]
    for text in texts:
        for plain in (text, *guises(text)):
            for rows in _equal(plain):
                yield list(zip(*rows, strict=True))


def _equal(text: str) -> Iterator[list[list[float]]]:
    """Yield the numbers of all lines that have as many."""
    rows = _numbers(text)
    for length, times in Counter(map(len, rows)).items():
        if length and times >= LEAST:
            yield [row for row in rows if len(row) == length]


def _numbers(text: str) -> list[list[float]]:
    return [list(map(float, NUMBER.findall(line))) for line in LINE.split(text)]


def _of_table(table: Table, exhibit: Exhibit) -> Iterator[Stream]:
    for index, name in enumerate(table.columns):
        if len(table.rows) >= LEAST:
            yield _stream(table.cells(index), place(exhibit.terms, name, index=index))
    for number, row in enumerate(table.rows, start=1):
        if len(row) >= LEAST:
            yield _stream(row, f"row {number}")


def _stream(cells: Sequence[Cell], at: str) -> Stream:
    numbers = [c for c in cells if isinstance(c, int | float) and not isinstance(c, bool)]
    return _kept(at, numbers, [cell for cell in cells if isinstance(cell, str)])


def _of_text(text: str) -> Iterator[Stream]:
    for equal in _equal(text):
        yield from (_kept("the text", column, ()) for column in zip(*equal, strict=True))
    yield from (_kept("the text", row, ()) for row in _numbers(text) if len(row) >= LEAST)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) >= LEAST:
        yield _kept("the text", (), lines)


def _kept(at: str, numbers: Sequence[float], texts: Sequence[str]) -> Stream:
    found = np.array(numbers, float)
    return Stream(at, _spaced(found[np.isfinite(found)]), tuple(texts[: LONGEST * 4]))


def _spaced(numbers: np.ndarray) -> np.ndarray:
    if len(numbers) <= LONGEST:
        return numbers
    found: np.ndarray = numbers[np.linspace(0, len(numbers) - 1, LONGEST).astype(int)]
    return found
