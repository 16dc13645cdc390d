"""Classes of rows that agree, and how many protected units stand in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.anonymity.coding import Coded

Numbers = NDArray[np.int64]
_ROOM = 2**62
_SPARSE = 4
"""A table of all keys is used where it has at most so many entries for each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A number for each row: equal where the rows are of one group, from 0 on, in the order of their codes."""

    of: Numbers
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Which protected unit each row is about."""

    of: Numbers | None
    """A number for each row, below `count`; none where each row is about a unit of its own."""
    count: int
    """A bound of their numbers; not each of them need occur."""

    @classmethod
    def of_numbers(cls, of: Numbers, *, count: int) -> "Units":
        """Take numbers below `count` as they are, and leave them out where none stands twice."""
        twice = len(of) > count or (len(of) and np.bincount(of).max() > 1)
        return cls(of=of, count=count) if twice else cls(of=None, count=len(of))

    def seen(self) -> int:
        """Return how many different units there are."""
        return self.count if self.of is None else int(np.count_nonzero(np.bincount(self.of)))

    def slice(self, first: int, stop: int) -> "Units":
        """Return the units of some of the rows; `count` stays the bound of their numbers."""
        if self.of is None:
            return Units(of=None, count=stop - first)
        return Units(of=self.of[first:stop], count=self.count)


def grouped(columns: Sequence[Coded], rows: int) -> Groups:
    """Group rows by all of these columns: no column makes one group of all rows."""
    key, room = np.zeros(rows, np.int64), 1
    for column in columns:
        if room * column.size > _ROOM:
            key, room = _dense(key, room)
        key = key * column.size + column.codes
        room *= max(1, column.size)
    of, count = _dense(key, room)
    return Groups(of=of, count=count)


def pairs(groups: Groups, units: Units) -> tuple[Numbers, Numbers]:
    """Return each pair of a group and a unit in it once."""
    if units.of is None:
        return groups.of, np.arange(len(groups.of))
    found = np.unique(groups.of * np.int64(units.count) + units.of)
    return found // units.count, found % units.count


def units_in(groups: Groups, units: Units) -> Numbers:
    """Return how many different units each group has."""
    return np.bincount(pairs(groups, units)[0], minlength=groups.count)


def _dense(key: Numbers, room: int) -> tuple[Numbers, int]:
    """Return a number for each key, in the order of those that occur; all are below `room`."""
    if room > _SPARSE * len(key):
        occurring, of = np.unique(key, return_inverse=True)
        return of, len(occurring)
    occurs = np.zeros(room, bool)
    occurs[key] = True
    number = np.cumsum(occurs) - 1
    return number[key], int(occurs.sum())
