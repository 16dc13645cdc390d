"""What an attacker can bound: linear programmes over everything that is shown of a cube.

The attacker knows the shown cells and margins as rounded, which cells are empty, and that nothing is negative
(Fischetti and Salazar, Management Science 2001; solved by HiGHS). Programmes are limited by number and by steps,
never by time: what is decided must be the same on a busy machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_matrix, hstack, identity, vstack

from sandbox.egress.disclosure.cube import Cube, Quantity, Vector
from sandbox.errors import SandboxError

MOST_PROGRAMMES = 400
"""For one table…"""
MOST_WORK = 1_500_000
"""…and for all its programmes together, in terms of their sums."""
MOST_TERMS = 25_000
"""A cube with more of these is not tried at all."""
_NEAR = 1e-7
_TRIES = 12
_FEWER = 0.9
"""Tries go on while each settles a tenth of what was left."""
_SOLVED = 0
_FAR = 8.0
"""Times the widest interval asked for: how far out hidden cells are looked for."""


class TooHardError(SandboxError):
    """The table takes more work than one decision may: nothing of it leaves."""


@dataclass(slots=True)
class Work:
    """How many programmes are left."""

    left: int

    @classmethod
    def over(cls, cube: Cube) -> Self:
        """Return the work that a table may take."""
        terms = cube.adds.nnz
        return cls(min(MOST_PROGRAMMES, MOST_WORK // max(1, terms)) if terms <= MOST_TERMS else 0)

    def solve(self, cost: Vector, bounds: Vector, rows: Any, sides: Vector) -> Vector | None:  # noqa: ANN401 - scipy's own
        """Return the least-cost point within `bounds` whose sums by `rows` lie within `sides`, or nothing.

        Raise `TooHardError` past the limit.
        """
        if not self.left:
            raise TooHardError("too many programmes")
        self.left -= 1
        found = milp(cost, bounds=Bounds(*bounds.T), constraints=LinearConstraint(rows, *sides.T))
        return found.x if found.status == _SOLVED else None


@dataclass(slots=True, kw_only=True)
class Shown:
    """What is shown of a cube; it only ever becomes less, so that what was uncertain stays so."""

    cells: np.ndarray[Any, np.dtype[np.bool_]]
    margins: np.ndarray[Any, np.dtype[np.bool_]]
    """Whether each margin is known, from the table itself or from elsewhere."""
    ours: np.ndarray[Any, np.dtype[np.bool_]]
    """Whether each margin is a row of the table: only these can be left out of it."""


class Attack:
    """One quantity of a cube under attack. A target is a cell's place, or the number of cells and a margin's."""

    def __init__(self, cube: Cube, of: Quantity, *, share: float, work: Work) -> None:
        """Ask of each interval to be as wide as `of` says, and as this share of the true value."""
        self.cube, self._of, self._work = cube, of, work
        self._made = csr_matrix(vstack([identity(len(cube.cells)), cube.adds]))
        self._true = self._made @ of.values
        self._needed = np.maximum(of.widest, share * np.abs(self._true)) * (1 - _NEAR)
        self._low, self._high = self._true.copy(), self._true.copy()

    def needed(self, target: int) -> float:
        """Return how wide the interval of a target must be."""
        return float(self._needed[target])

    def narrow(self, targets: Iterable[int], shown: Shown) -> list[int]:
        """Return those targets that can be bounded more closely than they may be."""
        left = self._left(targets)
        weights = np.random.default_rng(0)  # the same tries each time, whatever the data
        for _ in range(_TRIES):  # one table often shows of many targets that they are uncertain
            before = len(left)
            if left:
                self._push(self._made[left].sum(axis=0), shown)
                self._lift(left, weights.uniform(0.5, 1.0, len(left)), shown)
                left = self._left(left)
            if len(left) > _FEWER * before:
                break
        return [target for target in left if self._is_narrow(target, shown)]

    def _left(self, targets: Iterable[int]) -> list[int]:
        return [target for target in targets if not self._is_wide(target)]

    def _is_wide(self, target: int) -> bool:
        return bool(self._high[target] - self._low[target] >= self._needed[target])

    def _is_narrow(self, target: int, shown: Shown) -> bool:
        for sign in (1.0, -1.0):
            if not self._is_wide(target):
                self._push(sign * self._made[[target]].toarray(), shown)
        return not self._is_wide(target)

    def _push(self, cost: Vector, shown: Shown) -> None:
        """Look for a table far in one direction."""
        known = self.cube.adds[shown.margins]
        sides = self._sides(shown)
        found = self._work.solve(np.asarray(cost).ravel(), self._bounds(shown), known, sides)
        self._note(found)

    def _lift(self, targets: list[int], weights: Vector, shown: Shown) -> None:
        """Look for a table in which as many targets as can be lie as far above their lowest as is asked."""
        known, size = self.cube.adds[shown.margins], len(targets)
        needed = self._needed[targets]
        found = self._work.solve(
            np.concatenate([np.zeros(known.shape[1]), -weights / (_NEAR + needed)]),
            np.vstack([self._bounds(shown), np.column_stack([np.zeros(size), needed])]),
            block_array([[known, None], [self._made[targets], -identity(size)]]),
            np.vstack(
                [
                    self._sides(shown),
                    np.column_stack([self._low[targets], np.full(size, np.inf)]),
                ]
            ),
        )
        self._note(found)

    def _bounds(self, shown: Shown) -> Vector:
        """Return what is known of each cell; what is hidden is looked for as far out as it could matter."""
        of = self._of
        out = _FAR * self._needed.max(initial=1.0)
        low = np.where(shown.cells, of.values - of.slack, of.values - out)
        high = np.where(shown.cells, of.values + of.slack, of.values + out)
        return np.column_stack([np.maximum(of.low, low), high])

    def _sides(self, shown: Shown) -> Vector:
        """Return what is known of each known margin."""
        slack = self._of.margin_slack[shown.margins]
        middle = self.cube.adds[shown.margins] @ self._of.values
        return np.column_stack([middle - slack, middle + slack])

    def _note(self, table: Vector | None) -> None:
        if table is not None:
            values = self._made @ table[: len(self.cube.cells)]
            self._low = np.minimum(self._low, values)
            self._high = np.maximum(self._high, values)

    def widened(self, target: int, shown: Shown, cost: Vector) -> bool:
        """Leave out more, at the least cost, until a target is wide enough; say whether that was possible.

        Two tables that agree on what stays shown must differ in the target as far as is asked; what they need
        to move is left out (Kelly, Golden and Assad, Networks 1992). `cost` is that of each cell, then margin.
        """
        halves = [self._half(shown, cost) for _ in range(2)]
        sizes = len(halves[0].cost)
        aim = np.zeros((1, 2 * sizes))
        vector = self._made[[target]].toarray()[0]
        for at, sign in ((0, 1.0), (sizes, -1.0)):
            for part, way in ((0, 1.0), (1, 1.0), (2, -1.0)):
                start = at + part * len(cost)
                aim[0, start : start + len(vector)] = sign * way * vector
        sums = halves[0].sums
        empty = csr_matrix(sums.shape)
        found = self._work.solve(
            np.concatenate([half.cost for half in halves]),
            np.vstack([half.bounds for half in halves]),
            vstack([hstack([sums, empty]), hstack([empty, sums]), aim]),
            np.vstack([np.zeros((2 * sums.shape[0], 2)), [[self._needed[target], np.inf]]]),
        )
        if found is None:
            return False
        moved = found.reshape(2, 3, len(cost))[:, 1:].max(axis=(0, 1)) > _NEAR
        cells = len(self.cube.cells)
        shown.cells &= ~moved[:cells]
        shown.margins &= ~moved[cells:]
        for table in found.reshape(2, 3, len(cost)):
            self._note(self._true + table[0] + table[1] - table[2])
        return True

    def _half(self, shown: Shown, cost: Vector) -> "_Half":
        """Return one table's moves: within what is known, and beyond it (up and down) at a cost."""
        of, cells = self._of, len(self.cube.cells)
        values = np.concatenate([of.values, self.cube.adds @ of.values])
        slack = np.concatenate([of.slack, of.margin_slack])
        floor = np.concatenate([of.low, self.cube.adds @ of.low]) - values
        is_shown = np.concatenate([shown.cells, shown.margins])
        down = np.where(is_shown, np.maximum(floor, -slack), floor)
        up = np.where(is_shown, slack, np.inf)
        able = is_shown & np.concatenate([np.full(cells, True), shown.ours])
        beyond = np.column_stack([np.zeros(len(values)), np.where(able, np.inf, 0.0)])
        below = beyond.copy()
        below[able, 1] = np.maximum(0.0, (down - floor)[able])
        margins = csr_matrix(
            (-np.ones(len(self.cube.margins)), (range(len(self.cube.margins)),) * 2)
        )
        moves = hstack([self.cube.adds, margins])
        return _Half(
            cost=np.concatenate([np.zeros(len(values)), cost, cost]),
            bounds=np.vstack([np.column_stack([down, up]), beyond, below]),
            sums=csr_matrix(hstack([moves, moves, -moves])),
        )


@dataclass(frozen=True, slots=True)
class _Half:
    cost: Vector
    bounds: Vector
    sums: Any
    """Every margin's move is the sum of its cells' moves."""
