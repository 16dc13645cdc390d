"""Weighs what agrees with rows of one view, over one output or several."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from sandbox.data.sealed import Store
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.raw.agreement import Agreement, agreement
from sandbox.egress.raw.guises import guises
from sandbox.egress.raw.tokens import Token, bounded, lines, of_columns, of_rows, side_by_side
from sandbox.egress.table import Table
from sandbox.reason import Said

STRONG_BITS = 15
"""Above log2 of the source's rows: enough on several rows."""
CERTAIN_BITS = 20
"""Above log2 of the source's rows: enough on three rows to block, on one for a person to look."""
FEWEST_ROWS = 3
SHARE = 0.02
"""Of the output's rows or lines."""

Groups = list[list[Token]]


@dataclass(frozen=True, slots=True)
class Match:
    """What was found against one source, in numbers."""

    strong: int
    certain: int
    best: float
    threshold: float
    of: int

    @property
    def is_leak(self) -> bool:
        """Whether enough rows match."""
        share = self.strong >= max(FEWEST_ROWS, SHARE * self.of)
        return share or self.certain >= FEWEST_ROWS

    def told(self) -> Said:
        """Return the exact figures, for reviewers."""
        return Said(
            zh=f"最高 {self.best:.1f} 比特(阈值 {self.threshold:.1f});达到阈值的源记录 {self.strong} 条,"
            f"再高 5 比特的 {self.certain} 条;输出共 {self.of} 行。",
            en=f"Best match {self.best:.1f} bits (threshold {self.threshold:.1f}); {self.strong} source"
            f" rows reach it, {self.certain} with 5 bits more; the output has {self.of} lines.",
        )


def row_match(exhibits: Sequence[Exhibit], store: Store) -> Match:
    """Return the best match of all passes over these outputs, stopping at the first leak; raises `TooMuchTextError`."""
    matches = []
    least = math.log2(max(2, store.rows)) + STRONG_BITS
    for groups, of in _passes(exhibits):
        for found in agreement(groups, store, least=least):
            matches.append(_match(found, store, of))
            if matches[-1].is_leak:
                return matches[-1]
    return max(matches, key=lambda match: match.best)


def _passes(exhibits: Sequence[Exhibit]) -> Iterator[tuple[Groups, int]]:
    """Yield rows and lines; then columns, and rows side by side; then lines of text under its guises."""
    tables = [each.body for each in exhibits if isinstance(each.body, Table)]
    texts = [text for each in exhibits for text in _texts(each)]
    rows = (group for table in tables for group in of_rows(table))
    read = bounded(chain(rows, (group for text in texts for group in lines(text))))
    of = sum(map(bool, read))
    yield read, of
    turned = (group for table in tables for group in of_columns(table))
    yield bounded(chain(turned, _joined(tables))), of
    labels = [
        "\n".join(c for row in table.rows for c in row if isinstance(c, str)) for table in tables
    ]
    disguised = (guise for text in texts + labels for guise in guises(text))
    yield bounded(group for guise in disguised for group in lines(guise)), of


def _joined(tables: Sequence[Table]) -> Iterator[list[Token]]:
    """Yield the rows of all tables of equal length, side by side."""
    for rows in sorted({len(table.rows) for table in tables}):
        alike = [table for table in tables if len(table.rows) == rows]
        if len(alike) > 1:
            yield from side_by_side(alike)


def _texts(exhibit: Exhibit) -> tuple[str, ...]:
    texts = exhibit.texts()
    return texts[1:] if isinstance(exhibit.body, Table) else texts


def _match(found: Agreement, store: Store, of: int) -> Match:
    base = math.log2(max(2, store.rows))

    def rows(bits: float) -> int:
        return len(set(found.row[found.bits >= base + bits].tolist()))

    best = float(found.bits.max(initial=0))
    return Match(rows(STRONG_BITS), rows(CERTAIN_BITS), best, base + STRONG_BITS, of)
