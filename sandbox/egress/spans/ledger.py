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

from sandbox.egress.span import Ledger, Span
from sandbox.egress.spans.atoms import Laid, lay
from sandbox.egress.spans.audit import Combination, Isolated, Open, Safe, audit
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


Judged = Clash | Open | Safe
_WORST = (Clash, Open, Safe)


@dataclass(frozen=True, slots=True)
class _Case:
    """All totals of the same measures, laid over the rows."""

    laid: Laid
    owners: Sequence[str]
    """The release of each cell, empty for the new one."""
    cells: Sequence[Labels]

    def judged(self, fewest: int) -> Judged:
        """Audit these totals, each cell once."""
        kept = _first_of_each(self.laid.members)
        new = np.array([not self.owners[at] for at in kept], dtype=np.bool_)
        answer = audit(self.laid.members[kept], self.laid.crowds, fewest=fewest, new=new)
        if not isinstance(answer, Isolated):
            return answer
        one = min(answer.found, key=lambda each: (len(each.cells), each.cells))
        return self.clash(replace(one, cells=tuple(kept[list(one.cells)].tolist())))

    def clash(self, one: Combination) -> Clash:
        """Say in words what cells these are."""
        named = [(self.owners[at], self.cells[at]) for at in one.cells]
        return Clash(
            releases=tuple(dict.fromkeys(owner for owner, _ in named if owner)),
            cells=tuple(dict.fromkeys(labels for owner, labels in named if not owner)),
            units=one.units,
        )


def held_against(new: Span, ledger: Ledger, *, fewest: int) -> Judged:
    """Say whether `new`, with all that left before of its asset, tells about fewer than `fewest` units.

    `Open` where that is neither proven nor refuted: a snapshot is gone, a view was generalised, or the tables are too fine.
    """
    before = [each for each in ledger.before if each.span.asset == new.asset]
    if not before:
        return Safe()
    if new.is_coarse or any(each.span.is_coarse for each in before):
        return Open(
            atoms=0
        )  # how the classes of a generalised view cut others' categories is not known
    told = [*((each.span, each.release) for each in before), (new, "")]
    try:
        answers = [
            _case(measures, told, ledger, fewest).judged(fewest) for measures in _measures(new)
        ]
    except (TooManyError, UnknownAssetError):
        return Open(atoms=0)
    return min(answers, key=lambda each: _WORST.index(type(each)), default=Safe())


def _measures(new: Span) -> Iterator[tuple[str, ...]]:
    yield from dict.fromkeys(quantity.measures for quantity in new.quantities)


def _case(
    measures: tuple[str, ...], told: Sequence[tuple[Span, str]], ledger: Ledger, fewest: int
) -> _Case:
    found = [
        (Part(span=span, quantity=quantity), release)
        for span, release in told
        for quantity in span.quantities
        if quantity.measures == measures
    ]
    parts = [part for part, _ in found]
    with TemporaryDirectory() as work:
        laid = lay(parts, data=ledger.data, work=Path(work), fewest=fewest)
    owners = chain.from_iterable([release] * len(part.span.cells) for part, release in found)
    return _Case(laid, list(owners), list(chain.from_iterable(p.span.cells for p in parts)))


def _first_of_each(members: Any) -> Any:  # noqa: ANN401 - scipy's sparse matrices have no types
    """Return the first of cells that are the same."""
    seen: dict[bytes, int] = {}
    for at in range(members.shape[0]):
        seen.setdefault(members.indices[members.indptr[at] : members.indptr[at + 1]].tobytes(), at)
    return np.fromiter(seen.values(), dtype=np.int64)
