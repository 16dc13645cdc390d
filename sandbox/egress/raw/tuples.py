"""Asks whether the lines of an output, taken together, are rows of the source, though none says much by itself.

Columns of the output are matched with those of the source that have all their values, most nearly as often. Then lines
are looked up whole in the gate's file, and beside them made-up lines, in which each column's cells have changed places:
groups of a table exist in the source, too, but not in fewer rows than a group may be small.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.data.codes import number_codes, text_codes
from sandbox.data.sealed import SealedColumn, Store
from sandbox.egress.gate import opened, quoted
from sandbox.egress.raw.columns import ENOUGH_BITS, surprise, there
from sandbox.egress.raw.streams import LEAST
from sandbox.egress.table import Cell
from sandbox.egress.terms import GateView

FEWEST_COLUMNS = 3
"""Columns of lines that are looked up."""
SUPPORTED = 0.95
"""The share of a column's distinct cells that the source's column must have."""
MOST_LINES = 5_000
"""Lines that are looked up, evenly spaced."""

Frame = Sequence[Sequence[Cell]]
"""Columns of equal length."""


@dataclass(frozen=True, slots=True)
class Lines:
    """How many lines of one frame are rows of the source."""

    of: int
    rare: int
    """Of them, those that fewer rows of the source have than a group may be small."""
    columns: int
    bits: float
    """How surprising that is."""


def rare_lines(frame: Frame, view: GateView, store: Store, *, fewest: int) -> Lines | None:
    """Return how many lines of `frame` are rare rows of the view; nothing where too few columns are its."""
    matched = list(_matched(frame, store))
    if len(matched) < FEWEST_COLUMNS or len(frame[0]) < LEAST:
        return None
    columns = [_spaced(frame[index]) for index, _ in matched]
    lines = sorted(set(zip(*columns, strict=True)), key=repr)
    made_up = _made_up(lines)
    found = _rows_of([*lines, *made_up], [column for _, column in matched], view)
    is_rare = (found > 0) & (found < fewest)
    rare, by_chance = int(is_rare[: len(lines)].sum()), int(is_rare[len(lines) :].sum())
    bits = surprise(rare, len(lines), (by_chance + 1) / (len(made_up) + 2))
    return Lines(len(lines), rare, len(matched), bits)


def is_enough(lines: Lines) -> bool:
    """Whether so many rare rows are no chance."""
    return lines.rare >= LEAST and lines.bits >= ENOUGH_BITS


def _matched(frame: Frame, store: Store) -> Iterator[tuple[int, SealedColumn]]:
    """Yield columns of the frame with the source's column that is nearest in how often its cells stand there."""
    taken: set[str] = set()
    for index, cells in enumerate(frame):
        numbers = np.array([c for c in cells if isinstance(c, int | float)], float)
        texts = [cell for cell in cells if isinstance(cell, str)]
        is_number = len(numbers) >= len(texts)
        codes = (
            number_codes(numbers, store.key)
            if is_number
            else text_codes(pa.array(texts, pa.string()), store.key)
        )
        near = [
            (_difference(codes, column, store.rows), column.name, column)
            for column in store.columns
            if column.is_number == is_number and column.name not in taken
        ]
        best = min(near, key=lambda each: each[:2], default=None)
        if best is not None and best[0] <= 1:
            taken.add(best[1])
            yield index, best[2]


def _difference(codes: np.ndarray, column: SealedColumn, rows: int) -> float:
    """Return the total variation of how often cells stand in the two columns; 2 where the source lacks them."""
    distinct, times = np.unique(codes[codes > 0], return_counts=True)
    if not len(distinct):
        return 2
    known = there(distinct, column)
    if known.mean() < SUPPORTED:
        return 2
    place = np.searchsorted(column.codes, distinct[known])
    share = (column.starts[place + 1] - column.starts[place].astype(np.int64)) / rows
    return float(np.abs(times[known] / times.sum() - share).sum() / 2)


def _spaced(cells: Sequence[Cell]) -> list[Cell]:
    if len(cells) <= MOST_LINES:
        return list(cells)
    return [cells[place] for place in np.linspace(0, len(cells) - 1, MOST_LINES).astype(int)]


def _made_up(lines: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Return lines in which the cells of each column have changed places, without those that there are."""
    dice = np.random.default_rng(len(lines))
    columns = [
        [column[i] for i in dice.permutation(len(lines))] for column in zip(*lines, strict=True)
    ]
    real = set(lines)
    return [line for line in zip(*columns, strict=True) if line not in real]


def _rows_of(
    lines: Sequence[tuple[Cell, ...]], columns: Sequence[SealedColumn], view: GateView
) -> np.ndarray:
    """Return in how many rows of the view each line stands."""
    found = np.zeros(len(lines), np.int64)
    asked = {"i": pa.array(range(len(lines)), pa.int64())}
    for place, column in enumerate(columns):
        cells = [line[place] for line in lines]
        asked[f"c{place}"] = _floats(cells) if column.is_number else _texts(cells)
    same = " AND ".join(
        f"asked.c{place} IS NOT DISTINCT FROM {_cell(column)}"
        for place, column in enumerate(columns)
    )
    with opened(view) as gate:
        gate.register("asked", pa.table(asked))
        query = f"SELECT i, count(*) FROM asked JOIN source ON {same} GROUP BY i"  # noqa: S608 - quoted names only
        for line, rows in gate.execute(query).fetchall():
            found[line] = rows
    return found


def _cell(column: SealedColumn) -> str:
    name = quoted(column.name)
    return (
        f"abs(source.{name}::DOUBLE)"
        if column.is_number
        else f"lower(trim(source.{name}::VARCHAR))"
    )


def _floats(cells: Sequence[Cell]) -> pa.Array:
    return pa.array(
        [abs(float(c)) if isinstance(c, int | float) else None for c in cells], pa.float64()
    )


def _texts(cells: Sequence[Cell]) -> pa.Array:
    return pa.array([c.strip().lower() if isinstance(c, str) else None for c in cells], pa.string())
