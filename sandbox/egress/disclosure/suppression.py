"""Leaves out the rows of a table that say too much about few units, and what would betray them.

A row that is left out looks like one that has no units at all. Which rows are left out follows from population
sizes only, but for three things that look at values: dominance with p%, constant or unfit contributions, and how
exactly the sum of a row that was left out could be computed from the sums that are shown.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sandbox.egress.disclosure.attack import Attack, Shown, TooHardError, Work
from sandbox.egress.disclosure.cube import Cube, Quantity, Vector, count, cube, total
from sandbox.egress.disclosure.evidence import CellEvidence, Concern, Labels
from sandbox.egress.disclosure.lines import beside_others, lines
from sandbox.egress.disclosure.profile import Profile

Places = np.ndarray[Any, np.dtype[np.int64]]


class Judged(Protocol):
    """What is asked of a row of the table."""

    @property
    def units(self) -> int:
        """The fewest protected units that any of its numbers stands for."""

    @property
    def evidence(self) -> tuple[CellEvidence, ...]:
        """About each number."""

    @property
    def counts(self) -> tuple[float, ...]:
        """Every count that could be subtracted."""

    @property
    def sums(self) -> tuple[float, ...]:
        """Every sum that could be subtracted."""

    @property
    def concerns(self) -> frozenset[Concern]:
        """What is wrong with it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Which rows stay, and why others do not."""

    kept: tuple[Labels, ...]
    small: int
    """Rows of too few units."""
    dominated: int
    """Rows with any other concern of their own, dominance above all."""
    secondary: int
    """Rows that would betray one of the others."""
    concerns: Mapping[Labels, frozenset[Concern]]
    """Of each row that has any."""
    withheld: tuple[Labels, ...] = ()
    """Totals that are no rows of this table, and must not become known from elsewhere."""
    too_hard: bool = False
    """Whether all was left out because it could not be decided within bounds."""


def suppress(rows: Mapping[Labels, Judged], profile: Profile, *, base: int = 1) -> Suppressed:
    """Say which of `rows` may leave under `profile`.

    `base` says how counts can be known of the rows that stay: as its multiples, 1 for exactly.
    """
    concerns = _concerns(rows, profile)
    table = cube(rows)
    work = _Suppression(rows=rows, profile=profile, cube=table, work=Work.over(table), base=base)
    try:
        kept, withheld = work.settled(concerns)
        too_hard = False
    except TooHardError:
        kept, withheld, too_hard = (), (), True
    small = sum(Concern.SMALL in found for found in concerns.values())
    return Suppressed(
        kept=kept,
        small=small,
        dominated=len(concerns) - small,
        secondary=len(rows) - len(concerns) - len(kept),
        concerns=concerns,
        withheld=withheld,
        too_hard=too_hard,
    )


def _concerns(rows: Mapping[Labels, Judged], profile: Profile) -> dict[Labels, frozenset[Concern]]:
    found = {labels: row.concerns | _own(row, profile) for labels, row in rows.items()}
    units = {labels: row.units for labels, row in rows.items()}
    for labels, concern in beside_others(units, profile):
        found[labels] |= {concern}
    return {labels: each for labels, each in found.items() if each}


def _own(row: Judged, profile: Profile) -> frozenset[Concern]:
    each = (evidence.concerns(profile) for evidence in row.evidence)
    found = frozenset[Concern]().union(*each)
    if row.units < profile.min_units:
        found |= {Concern.SMALL}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suppression:
    """One table on its way."""

    rows: Mapping[Labels, Judged]
    profile: Profile
    cube: Cube
    work: Work
    base: int

    def settled(
        self, concerns: Collection[Labels]
    ) -> tuple[tuple[Labels, ...], tuple[Labels, ...]]:
        """Return the rows that stay, and the margins that must not be known."""
        shown = self._first(concerns)
        targets = [
            at
            for at, labels in enumerate((*self.cube.cells, *self.cube.margins))
            if labels in concerns
        ]
        withheld: list[int] = []
        for quantity in self._quantities():
            share = self.profile.interval_percent / 100
            attack = Attack(self.cube, quantity, share=share, work=self.work)
            while narrow := attack.narrow(targets, shown):
                for target in sorted(narrow, key=lambda each: (-attack.needed(each), each)):
                    withheld += self._protected(target, attack, shown)
        return self._kept(shown), tuple(self.cube.margins[at] for at in withheld)

    def _first(self, concerns: Collection[Labels]) -> Shown:
        units = self._units()
        sizes = self.cube.adds @ units
        margins = [
            labels not in concerns and sizes[at] >= self.profile.min_units
            for at, labels in enumerate(self.cube.margins)
        ]
        return Shown(
            cells=np.array([labels not in concerns for labels in self.cube.cells], dtype=bool),
            margins=np.array(margins, dtype=bool),
            ours=np.array([labels in self.rows for labels in self.cube.margins], dtype=bool),
        )

    def _units(self) -> Vector:
        return np.array([self.rows[labels].units for labels in self.cube.cells], dtype=float)

    def _quantities(self) -> Iterator[Quantity]:
        """Yield what adds up: units, other counts where they differ, and sums."""
        adds, widest = self.cube.adds, float(self.profile.interval_units)
        every = [self.rows[labels] for labels in self.cube.cells]
        counts = [
            self._units(),
            *(np.array(c) for c in zip(*(r.counts for r in every), strict=True)),
        ]
        for at, values in enumerate(counts):
            if not any(np.array_equal(values, other) for other in counts[:at]):
                yield count(values, adds, base=self.base, widest=widest)
        for column in zip(*(row.sums for row in every), strict=True):
            yield total(np.array(column, dtype=float), adds, digits=self.profile.digits)

    def _costs(self) -> Vector:
        units = self._units()
        return np.asarray(np.log2(2 + np.concatenate([units, self.cube.adds @ units])))

    def _protected(self, target: int, attack: Attack, shown: Shown) -> Iterable[int]:
        """Leave out more for a target where it still is narrow; return the margins that must not be known."""
        if not attack.narrow([target], shown) or attack.widened(target, shown, self._costs()):
            return ()
        return self._apart(target, shown)

    def _apart(self, target: int, shown: Shown) -> Iterable[int]:
        """Protect a target that its margins give away: take these as unknown, and close the lines."""
        cells = len(self.cube.cells)
        inside = np.arange(cells) == target
        if target >= cells:
            inside = self.cube.adds[[target - cells]].toarray().ravel() > 0
        gone = shown.margins & (self.cube.adds[:, inside].getnnz(axis=1) > 0)
        shown.margins &= ~gone
        self._close(shown)
        return [int(at) for at in np.flatnonzero(gone & ~shown.ours)]

    def _close(self, shown: Shown) -> None:
        """Leave out the next smallest cell of every line, until what is left out of it stands for enough units."""
        units, places = self._units(), {labels: at for at, labels in enumerate(self.cube.cells)}
        every = [np.array([places[labels] for labels in line]) for line in lines(places).values()]
        while True:
            more = {at for line in every for at in self._betrayed(line, units, shown)}
            if not more:
                return
            shown.cells[list(more)] = False

    def _betrayed(self, line: Places, units: Vector, shown: Shown) -> Iterator[int]:
        out, stay = line[~shown.cells[line]], line[shown.cells[line]]
        few = len(out) == 1 or units[out].sum() < self.profile.min_units
        if len(out) and len(stay) and few:
            yield min(stay.tolist(), key=lambda at: (units[at], self.cube.cells[at]))

    def _kept(self, shown: Shown) -> tuple[Labels, ...]:
        stays = dict(zip(self.cube.cells, shown.cells, strict=True))
        stays |= dict(zip(self.cube.margins, shown.margins, strict=True))
        return tuple(labels for labels in self.rows if stays[labels])
