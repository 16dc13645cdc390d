"""The linear algebra of the audit."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, lapack, solve_triangular
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_matrix, eye, hstack, vstack

Figures: TypeAlias = NDArray[np.float64]

NEAR = 1e-7
"""A bound this near to its limit counts as reached: rounding must never let anything pass."""
_NO_PART = 1e-9
_NODES = 200
"""The most branches that one search for a support may take: steps, not seconds, so that a busy machine answers alike."""
_INFEASIBLE = 2
_AT_ONCE = 4_000_000


def orthonormal(products: Figures) -> Figures:
    """Return what makes an orthonormal basis of rows with these inner products: rank x rows.

    By Cholesky's factors with pivots; where they are not exact enough, by eigenvalues.
    """
    factor, pivots, rank, _ = lapack.dpstrf(
        products, lower=1, tol=_NO_PART * products.max(initial=1.0)
    )
    made = np.zeros((rank, len(products)))
    inverse = solve_triangular(factor[:rank, :rank], np.eye(rank), lower=True)
    made[:, pivots[:rank] - 1] = inverse
    if np.abs(made @ products @ made.T - np.eye(rank)).max(initial=0.0) < NEAR:
        return made
    values, vectors = eigh(products)
    kept = values > _NO_PART * max(1.0, float(values[-1]))
    found: Figures = (vectors[:, kept] / np.sqrt(values[kept])).T
    return found


def diagonal(inverse: Figures, members: Any) -> Figures:  # noqa: ANN401 - scipy's sparse matrices have no types
    """Return m' G m of each column m of `members` (0 or 1), by columns of as many cells at once."""
    columns = members.tocsc()
    degrees = np.diff(columns.indptr)
    found = np.zeros(len(degrees))
    for degree in np.unique(degrees):
        these = np.flatnonzero(degrees == degree)
        for some in np.array_split(these, 1 + len(these) * int(degree) ** 2 // _AT_ONCE):
            cells = columns.indices[columns.indptr[some][:, None] + np.arange(degree)]
            found[some] = inverse[cells[:, :, None], cells[:, None, :]].sum(axis=(1, 2))
    return found


def most_within(values: Figures, weights: Figures, room: float) -> float:
    """Bound the sum of values over any set of at most this weight from above, as a knapsack that may be cut."""
    order = np.argsort(-values / weights, kind="stable")
    left = room - np.concatenate([[0.0], np.cumsum(weights[order])[:-1]])
    part = np.clip(left / weights[order], 0.0, 1.0) if len(order) else np.zeros(0)
    return float((values[order] * part).sum())


def least(
    rows: Figures, weights: Figures, at: int, bounded: NDArray[np.bool_], *, whole: bool = False
) -> tuple[float, Figures]:
    """Return the least weight of |v| over combinations v of rows with v = 1 at `at` and |v| <= 1 where bounded, and that v.

    Infinite where there is none. A combination with support S, scaled so that its largest bounded entry is 1 and at `at`,
    weighs at most as much as S. With `whole`, each entry but 0 weighs as much as 1: the least weight is that of S.
    """
    rank, size = rows.shape
    steps, parts = csc_matrix(rows.T), eye(size, format="csc")
    above = vstack([hstack([steps, -parts]), hstack([-steps, -parts])])
    fixed = hstack([csc_matrix(rows[:, at]), csc_matrix((1, size))])
    most = np.concatenate([np.full(rank, np.inf), np.where(bounded, 1.0, np.inf)])
    answer = milp(
        np.concatenate([np.zeros(rank), weights]),
        constraints=[LinearConstraint(above, ub=0.0), LinearConstraint(fixed, lb=1.0, ub=1.0)],
        bounds=Bounds(np.concatenate([np.full(rank, -np.inf), np.zeros(size)]), most),
        integrality=np.concatenate([np.zeros(rank), bounded if whole else np.zeros(size)]),
        options={"node_limit": _NODES},
    )
    if answer.status == _INFEASIBLE:
        return np.inf, np.zeros(size)
    if answer.status != 0:
        return 0.0, np.zeros(size)  # not solved: nothing is proven
    vector = answer.x[:rank] @ rows
    return float(answer.fun), np.where(np.abs(vector) > NEAR, vector, 0.0)


def rank_of(rows: Figures) -> int:
    """Return how many of the rows are independent."""
    return int(np.linalg.matrix_rank(rows, tol=NEAR)) if len(rows) else 0


def follows(vector: Figures, rows: Figures) -> bool:
    """Say whether a vector is a combination of rows; nothing always is."""
    if not len(rows):
        return not np.abs(vector).any()
    weights = np.linalg.lstsq(rows.T, vector, rcond=None)[0]
    return bool(
        np.abs(vector - weights @ rows).max(initial=0.0) < NEAR * max(1.0, np.abs(vector).max())
    )


def eliminated(rows: Figures, columns: NDArray[np.int64]) -> Iterator[Figures]:
    """Yield the reduced echelon form of rows by columns in this order (Prange, Information sets, 1962)."""
    reduced, rank = rows.copy(), 0
    for column in columns:
        if rank == len(reduced):
            break
        pivot = rank + int(np.argmax(np.abs(reduced[rank:, column])))
        if abs(reduced[pivot, column]) < NEAR:
            continue
        reduced[[rank, pivot]] = reduced[[pivot, rank]]
        reduced[rank] /= reduced[rank, column]
        factors = reduced[:, column].copy()
        factors[rank] = 0.0
        reduced -= np.outer(factors, reduced[rank])
        rank += 1
    yield from reduced[:rank]
