"""Items laid out for compiled code: one row of numbers each, and what the code needs beside them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.coding import Coded, Figures
from sandbox.anonymity.items import Items, Table
from sandbox.order import Generalise

WEIGHT, UNIT, SENSITIVE = 1, 2, 3
"""What stands in an item's row behind its codes and its tuple; of each sensitive column its code and its owner."""


class Ground(NamedTuple):
    """What stays the same throughout a partition."""

    quasi: int
    positions: Figures
    begins: Numbers
    """Where the codes of each quasi-identifier begin, when all are laid one after the other; the last is how many there are."""
    is_wide: NDArray[np.bool_]
    """Which quasi-identifiers are numbers: they reach from the lowest to the highest; sets only over what they hold."""
    sensitive: int
    shares: Figures
    steps: Figures
    summed: Figures
    starts: Numbers
    """Where the shares of each sensitive column begin."""
    is_number: NDArray[np.bool_]
    k: int
    l: int  # noqa: E741 - its name everywhere
    t: float
    relaxed: bool


class Marks(NamedTuple):
    """Room to count in: a code, owner or unit was counted already where it has the tick's number."""

    tick: Numbers
    units: Numbers
    owners: Numbers
    """Of all sensitive columns, one after the other."""
    owner_starts: Numbers
    counts: Numbers
    """By code; all zero between counts."""
    seen: Numbers
    """The codes of all quasi-identifiers, one column after the other."""
    least: Numbers
    most: Numbers
    """The codes that a part reaches from and to, by column."""
    widths: Figures


def laid_out(items: Items) -> Table:
    """Return each item as one row of 32-bit numbers, so that moving it moves one piece of memory."""
    columns: list[NDArray[Any]] = [items.tuples, items.weights]
    if items.units is not None:
        columns.append(items.units)
        columns.extend(part for each in items.sensitive for part in (each.codes, each.owners))
    quasi = items.codes.shape[1]
    laid = np.empty((items.count, quasi + len(columns)), np.int32)
    laid[:, :quasi] = items.codes
    for place, column in enumerate(columns):
        laid[:, quasi + place] = column
    return laid


def ground_of(items: Items, aim: Generalise) -> Ground:
    """Gather what stays the same."""
    columns, none = items.sensitive, np.zeros(0)
    return Ground(
        quasi=items.codes.shape[1],
        positions=np.concatenate([none, *(_placed(column) for column in items.columns)]),
        begins=_starts([column.size for column in items.columns]),
        is_wide=np.array([column.is_number for column in items.columns], np.bool_),
        sensitive=len(columns),
        shares=np.concatenate([none, *(each.overall for each in columns)]),
        steps=np.concatenate([none, *(each.climb.steps for each in columns)]),
        summed=np.concatenate([none, *(each.climb.summed for each in columns)]),
        starts=_starts([len(each.overall) for each in columns]),
        is_number=np.array([each.is_number for each in columns], np.bool_),
        k=aim.k,
        l=aim.l,
        t=float(aim.t),
        relaxed=aim.relaxed,
    )


def marks_of(items: Items) -> Marks:
    """Make room to count in."""
    quasi, codes = items.codes.shape[1], [column.size for column in items.columns]
    sizes = [*codes, *(len(each.overall) for each in items.sensitive)]
    return Marks(
        tick=np.zeros(1, np.int64),
        units=np.zeros(items.unit_count if items.units is not None else 0, np.int64),
        owners=np.zeros(sum(each.owned for each in items.sensitive), np.int64),
        owner_starts=_starts([each.owned for each in items.sensitive]),
        counts=np.zeros(max(sizes, default=0), np.int64),
        seen=np.zeros(sum(codes), np.int64),
        least=np.zeros(quasi, np.int64),
        most=np.zeros(quasi, np.int64),
        widths=np.zeros(quasi),
    )


def _placed(column: Coded) -> Figures:
    return column.positions if column.is_number else np.zeros(column.size)


def _starts(sizes: list[int]) -> Numbers:
    return np.cumsum(np.array([0, *sizes], np.int64))
