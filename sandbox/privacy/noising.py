"""Adds the noise: chooses the private keys, then makes every vector and quantile noisy in every answered cell."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sandbox.privacy.events import EXPONENTIAL, DpEvent
from sandbox.privacy.finish import Noised
from sandbox.privacy.measures import Form
from sandbox.privacy.noise import Noise
from sandbox.privacy.plan import Plan
from sandbox.privacy.raw import Found
from sandbox.privacy.trusted import Shape
from sandbox.privacy.vectors import BINS
from sandbox.privacy.words import Cell


def noised(plan: Plan, raw: Sequence[Found], noise: Noise) -> Noised:
    """Return noisy integers for every answered cell: from here on everything is post-processing."""
    cells = _cells(plan, raw, noise)
    values: list[Sequence[int]] = [()] * len(plan.events)
    for one in raw:
        if one.statement.shape is Shape.VOTES:
            continue
        whole = [one.cells.get(cell, one.empty) for cell in cells]
        if one.statement.shape is Shape.BINS:
            [place] = one.statement.events
            values[place] = _choices(plan, place, whole, noise)
            continue
        for i, place in enumerate(one.statement.events):
            values[place] = noise.add([cell[i] for cell in whole], plan.events[place])
    return Noised(cells=cells, values=values)


def _choices(
    plan: Plan, place: int, cells: Sequence[tuple[int, ...]], noise: Noise
) -> Sequence[int]:
    """Choose a quantile in each cell, among the edges of its bins."""
    event = plan.events[place]
    assert event.mechanism == EXPONENTIAL, "bins are chosen among"
    [estimate] = [e for e in plan.estimates if e.events == (place,) and e.form is Form.QUANTILE]
    part, whole = estimate.quantile.numerator, estimate.quantile.denominator
    return noise.choose(_scores(cells, part=part, whole=whole), event)


def _scores(cells: Sequence[tuple[int, ...]], *, part: int, whole: int) -> npt.NDArray[np.int64]:
    """Return for each edge of each cell |whole * weight below - part * weight|.

    A row weighs at most 2^20 steps and `whole` is at most 1,000, so that 2^32 rows fit into 64 bits.
    """
    bins = np.array(cells, dtype=np.int64).reshape(len(cells), BINS)
    below = np.zeros((len(cells), BINS + 1), dtype=np.int64)
    np.cumsum(bins, axis=1, out=below[:, 1:])
    scores: npt.NDArray[np.int64] = np.abs(whole * below - part * below[:, -1:])
    return scores


def _cells(plan: Plan, raw: Sequence[Found], noise: Noise) -> list[Cell]:
    """Return the cells that are answered: every public one, for each private key that noise lets be seen."""
    votes = [one for one in raw if one.statement.shape is Shape.VOTES]
    if not votes:
        return plan.cells
    [vote] = votes
    chosen = _chosen(vote, plan.events[vote.statement.events[0]], noise, most=plan.most_keys)
    return [_woven(plan, key, cell) for key in chosen for cell in plan.cells]


def _chosen(vote: Found, event: DpEvent, noise: Noise, *, most: int) -> list[Cell]:
    """Return the keys whose noisy vote is above the threshold, in the order of their text."""
    keys = sorted(vote.cells)
    noisy = noise.add([vote.cells[key][0] for key in keys], event)
    seen = [
        (-value, key) for key, value in zip(keys, noisy, strict=True) if value > event.threshold
    ]
    return sorted(key for _, key in sorted(seen)[:most])


def _woven(plan: Plan, private: Cell, public: Cell) -> Cell:
    """Return a cell with its private and public categories in the order of the dimensions."""
    rest, open_ones = iter(private), iter(public)
    return tuple(next(open_ones) if d.domain else next(rest) for d in plan.dimensions)
