"""Leaves out the rows of a table that say too much about few units, and what would betray them.

A row that is left out looks like one that has no units at all. Sums over a line of the table (all
dimensions but one fixed) may be known from elsewhere, so what is left out of a line must together
stand for at least the fewest units, and be at least two rows: the next smallest rows go as well.
Decided from population sizes only, except dominance.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.egress.recompute import Labels, Rows
from sandbox.order import EgressPolicy


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Which rows stay, and why others do not."""

    kept: tuple[Labels, ...]
    small: int
    """Rows of too few units."""
    dominated: int
    """Rows whose sums two units hold too much of."""
    secondary: int
    """Rows that would betray one of the others."""


def suppress(rows: Rows, policy: EgressPolicy) -> Suppressed:
    """Say which of `rows` may leave under `policy`."""
    small = {labels for labels, row in rows.items() if row.units < policy.min_units}
    dominated = {
        labels
        for labels, row in rows.items()
        if labels not in small and row.dominance > policy.dominance_percent
    }
    gone = _closed(small | dominated, rows, policy.min_units)
    return Suppressed(
        kept=tuple(labels for labels in rows if labels not in gone),
        small=len(small),
        dominated=len(dominated),
        secondary=len(gone) - len(small) - len(dominated),
    )


def _closed(gone: set[Labels], rows: Rows, fewest: int) -> set[Labels]:
    """Add rows until no line betrays what was left out of it."""
    while True:
        more = {
            next_out for line in _lines(rows) for next_out in _betrayed(line, gone, rows, fewest)
        }
        if not more:
            return gone
        gone = gone | more


def _lines(rows: Rows) -> Iterable[list[Labels]]:
    lines: defaultdict[tuple[int, Labels], list[Labels]] = defaultdict(list)
    for labels in rows:
        for axis in range(len(labels)):
            lines[axis, labels[:axis] + labels[axis + 1 :]].append(labels)
    return lines.values()


def _betrayed(line: list[Labels], gone: set[Labels], rows: Rows, fewest: int) -> Iterator[Labels]:
    out = [labels for labels in line if labels in gone]
    stay = [labels for labels in line if labels not in gone]
    together = sum(rows[labels].units for labels in out)
    if out and stay and (len(out) == 1 or together < fewest):
        yield min(stay, key=lambda labels: (rows[labels].units, labels))
