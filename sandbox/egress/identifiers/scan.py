"""Scans prose and files line by line: the columns' own pass over lines, with the words before each line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sandbox.egress.identifiers.kind import WINDOW, Kind
from sandbox.egress.identifiers.people import NAME, people_in
from sandbox.egress.identifiers.recognise import announced_by, recognise

PIECE = 4000
"""Characters of a line that are read at once."""
_OVERLAP = 120


@dataclass(frozen=True, slots=True)
class Hit:
    """One kind of identifier in a line of a text; where, but never which."""

    kind: Kind
    line: int
    """Counted from 1."""
    how: str = ""
    """The reading that shows it; empty where it stands there plainly."""
    sure: bool = True
    """Whether it may block: a name that only the model found goes to a person."""


def scan_text(text: str, *, disguised: bool = True) -> Iterator[Hit]:
    """Find every kind of identifier in each line of `text`, whatever its disguise."""
    lines = text.split("\n")
    pieces, numbers = _pieces(lines)
    shapes = recognise(pa.array(pieces, pa.large_string()), disguised=disguised)
    for seen in sorted(shapes.seen, key=lambda one: (one.place, one.kind.entity)):
        yield Hit(seen.kind, numbers[seen.place], seen.how)


def scan_names(text: str) -> Iterator[Hit]:
    """Find Chinese names in `text`; loads a model the first time that a line may hold one."""
    for line, sure in people_in(text.split("\n")):
        yield Hit(NAME, line + 1, "", sure)


def _pieces(lines: Sequence[str]) -> tuple[list[str], list[int]]:
    """Cut lines into pieces that overlap, each with the number of its line; words that announce go before the next line."""
    pieces: list[str] = []
    numbers: list[int] = []
    before = ""
    told = announced_by(lines)
    for number, line in enumerate(lines, start=1):
        whole = f"{before} {line}" if before else line
        before = _tail(line) if number - 1 in told else ""
        for start in range(0, max(1, len(whole)), PIECE):
            pieces.append(whole[max(0, start - _OVERLAP) : start + PIECE])
            numbers.append(number)
    return pieces, numbers


def _tail(line: str) -> str:
    """Return the last words of a line without any that could be an identifier themselves."""
    words = line[-WINDOW:].split()
    return " ".join(word for word in words if not any(c.isdigit() or c == "@" for c in word))
