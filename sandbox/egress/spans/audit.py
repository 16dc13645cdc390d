"""Says whether a new release, added to and subtracted from earlier ones, can single out fewer units than allowed.

Rows that all released cells treat alike form an atom. A release tells sums over cells, thus every combination of the
rows of the matrix A (cells x atoms, 0 or 1). An attacker isolates a set S of atoms of few units where some v != 0 in the row space
R of A is zero outside S. What one release isolates by itself is the business of disclosure control, which takes its
rounding into account (`sandbox.egress.disclosure`); asked here is what old and new cells isolate only together. In three steps,
each exact where it says yes:

1. With P the orthogonal projection on R, a v in R that is zero outside S has |v|^2 = v' P v <= trace(P_SS) |v|^2: nothing
   is isolated where the trace is below 1 for every S of fewer than k units. A unit in m atoms weighs 1/m in each, so that the
   weights of S sum to at most its distinct units, and a knapsack that may be cut bounds all S at once.
2. v is zero on every atom of k units and more. Where only 0 is (`_vanishing`), nothing is isolated.
3. Else, for each atom b that neither old nor new cells alone can isolate with others, a linear programme: the least weight of |v|
   with v_b = 1 the largest entry. It is at most the weight of S; where it is too much, b is in no S. Where it is not, the same
   in whole numbers, in which each entry but 0 weighs as much as 1. What remains are
   combinations inside the atoms that are left to disclosure control: all are sums of old and of new ones where the dimensions say so.

What is neither proven nor found is said to be open, and a person decides. Only A and the numbers of units are read, never a
measured value: the answer may be told (Kenthapadi, Mishra and Nissim, Simulatable auditing, PODS 2005).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, null_space
from scipy.sparse.csgraph import connected_components

from sandbox.egress.spans.algebra import (
    NEAR,
    Figures,
    diagonal,
    eliminated,
    follows,
    least,
    most_within,
    orthonormal,
    rank_of,
)

Numbers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

MOST_CELLS = 4_000
"""The most cells that hang together and are judged: their inner products take 128 MB."""
MOST_PROGRAMMES = 2_000
"""The most linear programmes of one answer, over the most atoms of each."""
MOST_ATOMS = 5_000
_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """No combination of old and new cells is about fewer units than allowed: proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Cells that, added and subtracted, are about too few units."""

    units: int
    """How many at most; for reviewers."""
    cells: tuple[int, ...]
    """Rows of A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolated:
    """Some combinations of cells are about too few units; there may be others."""

    found: tuple[Combination, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Neither proven nor found."""

    atoms: int
    """How many atoms are not settled."""


Answer: TypeAlias = Safe | Isolated | Open


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowds:
    """Who stands in the atoms."""

    units: Numbers
    """How many distinct units each atom has, at least 1."""
    holders: Any
    """Sparse, units x atoms: 1 where a unit is in an atom of few units; columns of other atoms may be empty."""

    def weights(self, small: Numbers) -> Figures:
        """Return the weight of each of these atoms: see the head of this file."""
        held = self.holders[:, small]
        parts = np.asarray(held.sum(axis=1), dtype=np.float64).ravel()
        found: Figures = held.T @ np.divide(1.0, parts, out=np.zeros_like(parts), where=parts > 0)
        return found

    def about(self, atoms: Numbers) -> int:
        """Return how many distinct units stand in these atoms of few units together."""
        return int((np.asarray(self.holders[:, atoms].sum(axis=1)).ravel() > 0).sum())


def audit(members: Any, crowds: Crowds, *, fewest: int, new: Flags) -> Answer:  # noqa: ANN401 - scipy's sparse matrices have no types
    """Judge cells x atoms `members` (sparse, 0 or 1) against `fewest` units; `new` says which cells are about to be released.

    Cells that share no atom, be it by way of others, cannot be subtracted from each other and are judged apart.
    """
    found: list[Combination] = []
    unsettled = 0
    for cells in _linked(members, crowds.units < fewest, new):
        answer = _audited(members[cells], crowds, fewest, new[cells])
        if isinstance(answer, Isolated):
            named = (tuple(cells[list(one.cells)].tolist()) for one in answer.found)
            found += [replace(one, cells=at) for one, at in zip(answer.found, named, strict=True)]
        elif isinstance(answer, Open):
            unsettled += answer.atoms
    if found:
        return Isolated(found=tuple(found))
    return Open(atoms=unsettled) if unsettled else Safe()


def _linked(members: Any, is_small: Flags, new: Flags) -> Iterator[Numbers]:  # noqa: ANN401 - as above
    """Yield the cells that hang together, where old and new ones do and some atom has few units."""
    asked = [members @ is_small.astype(np.float64) > 0, new, ~new]
    for cells in _groups(members):
        if all(each[cells].any() for each in asked):
            yield cells


def _groups(members: Any) -> list[Numbers]:  # noqa: ANN401 - as above
    """Return the cells that hang together, group by group."""
    number, part = connected_components(members @ members.T, directed=False)
    order = np.argsort(part, kind="stable")
    return np.split(order, np.cumsum(np.bincount(part, minlength=number))[:-1])


def _audited(members: Any, crowds: Crowds, fewest: int, new: Flags) -> Answer:  # noqa: ANN401 - as above
    there = np.flatnonzero(np.asarray(members.sum(axis=0)).ravel())
    small = there[crowds.units[there] < fewest]
    if members.shape[0] > MOST_CELLS:
        return Open(atoms=len(small))
    weights, room = crowds.weights(small), float(fewest - 1)
    made = orthonormal((members @ members.T).toarray())
    shares = diagonal(made.T @ made, members[:, small])
    if most_within(shares, weights, room) < 1 - NEAR:
        return Safe()
    if any(_rank(members[each]) == len(made) for each in (~new, new)):
        return Safe()  # all follows from the old cells, or from the new ones
    within = _vanishing(members, small, made)
    if not len(within):
        return Safe()
    touched = np.abs(within).max(axis=0) > NEAR
    if touched.sum() > MOST_ATOMS:
        return Open(atoms=int(touched.sum()))
    case = _Case(
        members=members,
        made=made,
        within=within[:, touched],
        crowds=crowds,
        small=small[touched],
        weights=weights[touched],
        room=room,
        new=new,
    )
    return case.answer()


def independent(members: Any) -> int:  # noqa: ANN401 - as above
    """Return how many rows of `members` are independent; of more than `MOST_CELLS` that hang together, a bound."""
    groups = _groups(members)
    return sum(1 if len(cells) == 1 else _independent(members[cells]) for cells in groups)


def _independent(members: Any) -> int:  # noqa: ANN401 - as above
    if members.shape[0] <= MOST_CELLS:
        return _rank(members)
    return int(min(members.shape[0], np.count_nonzero(members.sum(axis=0))))


def _rank(members: Any) -> int:  # noqa: ANN401 - as above
    return len(orthonormal((members @ members.T).toarray()))


def _vanishing(members: Any, small: Numbers, made: Figures | None = None) -> Figures:  # noqa: ANN401 - as above
    """Return a basis, over the small atoms, of the vectors of the row space that are zero on all others."""
    if made is None:
        made = orthonormal((members @ members.T).toarray())
    part = members[:, small]
    inside = made @ (part @ part.T).toarray() @ made.T
    values, vectors = eigh(inside)
    found: Figures = vectors[:, values > 1 - NEAR].T @ made @ part
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is left to ask, over the small atoms that any vanishing vector touches."""

    members: Any
    made: Figures
    within: Figures
    """A basis of the vectors that vanish on all other atoms."""
    crowds: Crowds
    small: Numbers
    weights: Figures
    room: float
    """The most units that a set may have and still be too few."""
    new: Flags

    def answer(self) -> Answer:
        """Settle each atom, then the combinations inside those that are left to disclosure control."""
        alone = [_vanishing(self.members[each], self.small) for each in (~self.new, self.new)]
        excused = np.zeros(len(self.small), dtype=np.bool_)
        for own in alone:
            for vector in self._light(own, excused=excused & False):
                if self._units(vector) <= self.room:
                    excused |= np.abs(vector) > 0
        open_ones = [*self._light(self.within, excused=excused), *self._mixed(alone, excused)]
        found = (self._isolated(vector, alone) for vector in open_ones)
        combinations = tuple(dict.fromkeys(one for one in found if one is not None))
        if combinations:
            return Isolated(found=combinations)
        return Open(atoms=len(open_ones)) if open_ones else Safe()

    def _light(self, rows: Figures, *, excused: Flags) -> Iterator[Figures]:
        """Yield, for each atom that may be isolated with others by vectors of `rows`, the lightest such vector.

        Entries at `excused` atoms weigh nothing and have no bound.
        """
        asked = np.flatnonzero((np.abs(rows).max(axis=0, initial=0.0) > NEAR) & ~excused)
        if len(asked) > MOST_PROGRAMMES:
            yield from np.zeros((len(asked), len(self.small)))
            return
        weights = np.where(excused, 0.0, self.weights)
        for at in map(int, asked):
            if least(rows, weights, at, ~excused)[0] > self.room + NEAR:
                continue
            weight, vector = least(rows, weights, at, ~excused, whole=True)
            if weight <= self.room + NEAR:
                yield vector

    def _mixed(self, alone: Sequence[Figures], excused: Flags) -> Iterator[Figures]:
        """Yield vectors inside the excused atoms that are no sums of an old and of a new one."""
        inside = _confined(self.within, excused)
        apart = np.concatenate([_confined(own, excused) for own in alone])
        if rank_of(inside) == rank_of(apart):
            return
        order = np.random.default_rng(0)  # the same tries each time, whatever the data
        for _ in range(_TRIES):
            for vector in eliminated(inside, order.permutation(np.flatnonzero(excused))):
                if not follows(vector, apart):
                    yield vector

    def _units(self, vector: Figures) -> int:
        return self.crowds.about(self.small[np.abs(vector) > NEAR])

    def _isolated(self, vector: Figures, alone: Sequence[Figures]) -> Combination | None:
        """Say whether a vector is about too few units and takes old and new cells, by which."""
        if any(follows(vector, own) for own in alone) or self._units(vector) > self.room:
            return None
        totals = self.members[:, self.small] @ vector
        cells = np.flatnonzero(np.abs(self.made.T @ (self.made @ totals)) > NEAR)
        return Combination(units=self._units(vector), cells=tuple(int(cell) for cell in cells))


def _confined(rows: Figures, atoms: Flags) -> Figures:
    """Return a basis of the combinations of rows that are zero outside these atoms."""
    if not len(rows):
        return rows
    found: Figures = null_space(rows[:, ~atoms].T, rcond=NEAR).T @ rows
    return found
