"""Finds identifiers whose digits are cut apart over neighbouring columns of a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.egress.identifiers.kinds import DISGUISED, Kind

_MOST_COLUMNS = 5
_FEWEST_ROWS = 3
_SHARE = 0.8
"""In so many of the rows the pieces must make one: a count beside a sum now and then makes a phone number."""
_SAMPLE = 50
_NAMES = frozenset({"CN_RESIDENT_ID", "CN_MOBILE", "BANK_CARD", "CN_CREDIT_CODE"})
_CUT = tuple(kind for kind in DISGUISED if kind.entity in _NAMES)
_LENGTHS = frozenset({11, 16, 17, 18, 19})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One kind of identifier over several columns."""

    kind: Kind
    first: int
    """The column that it begins in, from 0."""
    last: int
    rows: int


def cut_apart(columns: Sequence[Sequence[str]]) -> Iterator[Cut]:
    """Yield each kind that neighbouring columns make together in most rows; `columns` hold one text a row.

    A column is a piece of one where its cells have one length; numbers that lost leading zeros are filled up.
    """
    pieces = [_piece(column) for column in columns]
    for first in range(len(pieces)):
        joined: list[str] | None = pieces[first]
        for last in range(first + 1, min(len(pieces), first + _MOST_COLUMNS)):
            following = pieces[last]
            if joined is None or following is None:
                break
            joined = [a + b for a, b in zip(joined, following, strict=True)]
            yield from _made(joined, first, last)


def _piece(column: Sequence[str]) -> list[str] | None:
    """Return the cells of a column filled up to one length, or nothing where they are no pieces."""
    cells = [cell.strip() for cell in column]
    width = max(map(len, cells), default=0)
    short = sum(len(cell) < width for cell in cells)
    if len(cells) < _FEWEST_ROWS or not 2 <= width <= 15 or short > (1 - _SHARE) * len(cells):  # noqa: PLR2004 - of 11 to 19 digits
        return None
    if not all(cell[:-1].isdigit() and cell.isalnum() for cell in cells if len(cell) > 1):
        return None
    return [cell.zfill(width) for cell in cells]


def _made(joined: Sequence[str], first: int, last: int) -> Iterator[Cut]:
    if len(joined[0]) not in _LENGTHS:
        return
    for kind in _CUT:
        if _rows(kind, joined[:_SAMPLE]) < _SHARE * len(joined[:_SAMPLE]):
            continue
        rows = _rows(kind, joined)
        if rows >= _SHARE * len(joined):
            yield Cut(kind=kind, first=first, last=last, rows=rows)


def _rows(kind: Kind, joined: Sequence[str]) -> int:
    matches = (kind.compiled.fullmatch(text) for text in joined)
    return sum(match is not None and kind.accepts(match) for match in matches)
