"""Rounds counts so that what is shown adds up: totals are made from rounded cells.

Where a cell of a total was left out, it gets a stand-in, a multiple of the base, by which the total comes nearest to
the true one: the difference between a total and its shown cells then tells no more than rounding leaves.
"""

from collections.abc import Collection, Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack, identity

from sandbox.egress.disclosure.cube import Cube, Vector, cube
from sandbox.egress.disclosure.evidence import Labels

_MOST_NODES = 200
"""Of the branch-and-bound tree: work is limited by steps, never by time."""
_SOLVED = 0


def nearest(value: float, base: int) -> int:
    """Round to the nearest multiple of `base`, halves to even."""
    return round(value / base) * base


def consistent(
    counts: Mapping[Labels, int], kept: Collection[Labels], base: int
) -> dict[Labels, int]:
    """Return the counts of the `kept` rows as they are shown.

    A count that does not add up by itself, since a unit may be in several cells, is rounded alone.
    """
    alone = {labels: nearest(counts[labels], base) for labels in kept}
    table = cube(counts)
    places = [at for at, labels in enumerate(table.margins) if labels in alone]
    values = np.array([counts[labels] for labels in table.cells], dtype=float)
    totals = np.array([counts[table.margins[at]] for at in places], dtype=float)
    adds = table.adds[places]
    if not places or not np.array_equal(adds @ values, totals):
        return alone
    cells = _with_stand_ins(table, alone, adds, totals, base)
    if cells is None:
        return alone
    made = adds @ cells
    return alone | {table.margins[at]: int(total) for at, total in zip(places, made, strict=True)}


def _with_stand_ins(
    table: Cube, alone: Mapping[Labels, int], adds: csr_matrix, totals: Vector, base: int
) -> Vector | None:
    shown = np.array([alone.get(labels, 0) for labels in table.cells], dtype=float)
    hidden = [at for at, labels in enumerate(table.cells) if labels not in alone]
    open_to = adds[:, hidden]
    some = open_to.getnnz(axis=1) > 0
    if not some.any():
        return shown
    open_to, rest = open_to[some], (totals - adds @ shown)[some]
    size, misses = len(hidden), int(some.sum())
    found = milp(
        np.concatenate([np.full(size, 1e-6), np.ones(2 * misses)]),
        integrality=np.concatenate([np.ones(size), np.zeros(2 * misses)]),
        bounds=Bounds(np.zeros(size + 2 * misses), np.full(size + 2 * misses, np.inf)),
        constraints=LinearConstraint(
            hstack([base * open_to, identity(misses), -identity(misses)]), rest, rest
        ),
        options={"node_limit": _MOST_NODES},
    )
    if found.status != _SOLVED:
        return None
    shown[hidden] = base * np.round(found.x[:size])
    return shown
