"""Holds a new release against all that left before it: together they must tell nothing about too few units.

Each quantity is judged by itself: a count cannot be subtracted from a sum. Rounding is not counted on, so that a sum told to
four digits is judged as if it were exact. What a new table tells by itself is
the business of disclosure control.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.span import Ledger, Span
from sandbox.egress.spans.atoms import Laid, lay, within_rank
from sandbox.egress.spans.audit import Combination, Isolated, Open, Safe, audit, independent
from sandbox.egress.spans.lines import Part, TooManyError
from sandbox.errors import UnknownAssetError

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """What a new release and earlier ones tell together about too few units."""

    releases: tuple[str, ...]
    """The earlier ones that are needed for it, as developers know them."""
    cells: tuple[Labels, ...]
    """The categories of the new release's own cells that are needed for it."""
    units: int
    """For reviewers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """Too much is told of too few: so many totals that what is measured of many units could be solved for.

    With as many independent totals as units, each unit's value follows; with noise as small as rounding, fewer do (Dinur
    and Nissim, Revealing information while preserving privacy, PODS 2003).
    """

    rank: int
    """How many independent totals there would be, at most; for reviewers, as the next."""
    units: int


Judged = Clash | Exhausted | Open | Safe
_WORST = (Clash, Exhausted, Open, Safe)


@dataclass(frozen=True, slots=True)
class _Case:
    """All totals of the same measures, laid over the rows."""

    laid: Laid
    owners: Sequence[str]
    """The release of each cell, empty for the new one."""
    cells: Sequence[Labels]

    def judged(self, limits: Profile) -> Judged:
        """Audit these totals, each cell once."""
        kept = _first_of_each(self.laid.members)
        new = np.array([not self.owners[at] for at in kept], dtype=np.bool_)
        members, crowds = self.laid.members[kept], self.laid.crowds
        answer = audit(members, crowds, fewest=limits.min_units, new=new)
        if not isinstance(answer, Isolated):
            return self.exhausted(members, limits) or answer
        one = min(answer.found, key=lambda each: (len(each.cells), each.cells))
        return self.clash(replace(one, cells=tuple(kept[list(one.cells)].tolist())))

    def exhausted(self, members: Any, limits: Profile) -> Exhausted | None:  # noqa: ANN401 - as below
        """Say whether too many of these totals are independent."""
        units = self.laid.states
        if within_rank(members.shape[0], units, limits):
            return None
        rank = independent(members)
        return None if within_rank(rank, units, limits) else Exhausted(rank=rank, units=units)

    def clash(self, one: Combination) -> Clash:
        """Say in words what cells these are."""
        named = [(self.owners[at], self.cells[at]) for at in one.cells]
        return Clash(
            releases=tuple(dict.fromkeys(owner for owner, _ in named if owner)),
            cells=tuple(dict.fromkeys(labels for owner, labels in named if not owner)),
            units=one.units,
        )


def held_against(new: Span, ledger: Ledger, *, limits: Profile, crowd: int = 0) -> Judged:
    """Say whether `new`, with all that left before of its asset, tells about too few units, or too much of all.

    `crowd` is how many units one of its cells stands for, or nothing where that is not known. `Open` where neither is proven nor
    refuted: a snapshot is gone, a view was generalised, or the tables are too fine.
    """
    before = [each for each in ledger.before if each.span.asset == new.asset]
    if not before and within_rank(len(new.cells), crowd, limits):
        return Safe()
    if new.is_coarse or any(each.span.is_coarse for each in before):
        return Open(
            atoms=0
        )  # how the classes of a generalised view cut others' categories is not known
    told = [*((each.span, each.release) for each in before), (new, "")]
    try:
        answers = [
            _case(measures, told, ledger, limits).judged(limits) for measures in _measures(new)
        ]
    except (TooManyError, UnknownAssetError):
        return Open(atoms=0)
    return min(answers, key=lambda each: _WORST.index(type(each)), default=Safe())


def _measures(new: Span) -> Iterator[tuple[str, ...]]:
    yield from dict.fromkeys(quantity.measures for quantity in new.quantities)


def _case(
    measures: tuple[str, ...], told: Sequence[tuple[Span, str]], ledger: Ledger, limits: Profile
) -> _Case:
    found = [
        (Part(span=span, quantity=quantity), release)
        for span, release in told
        for quantity in span.quantities
        if quantity.measures == measures
    ]
    parts = [part for part, _ in found]
    with TemporaryDirectory() as work:
        laid = lay(parts, data=ledger.data, work=Path(work), limits=limits)
    owners = chain.from_iterable([release] * len(part.span.cells) for part, release in found)
    return _Case(laid, list(owners), list(chain.from_iterable(p.span.cells for p in parts)))


def _first_of_each(members: Any) -> Any:  # noqa: ANN401 - scipy's sparse matrices have no types
    """Return the first of cells that are the same."""
    seen: dict[bytes, int] = {}
    for at in range(members.shape[0]):
        seen.setdefault(members.indices[members.indptr[at] : members.indptr[at + 1]].tobytes(), at)
    return np.fromiter(seen.values(), dtype=np.int64)
