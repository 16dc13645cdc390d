"""Fits a declared regression over the gate's copy, and says whether it hangs on few units.

Least squares from sums of products that DuckDB makes in one pass; logistic regression by iteratively
reweighted least squares (McCullagh and Nelder 1989, section 2.5) over batches of the view's columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from sandbox.asset import Column
from sandbox.egress.disclosure.evidence import Concern
from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.lane.design import Design, Term, Vector, design
from sandbox.egress.table import Cell
from sandbox.order import Function, OutputColumn

_BATCH = 100_000
_ROUNDS = 40
_STEP = 1e-10
_STEEPEST = 30.0
"""Logits beyond it mean that categories are told apart without error."""
_SINGULAR = 1e-10
_MOST_SHIFT = 1.0
"""In standard errors: how far any coefficient may move when one unit is left out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The rows of a table of coefficients."""

    rows: dict[str, tuple[Cell, ...]]
    """By term; in the declared order of columns."""
    units: int
    """The units with a value in every column."""
    concerns: frozenset[Concern]


@dataclass(frozen=True, slots=True)
class _Solution:
    """Scaled coefficients, and the inverse of the (weighted) sums of products."""

    beta: Vector
    inverse: Vector
    noise: float
    """The variance of what is not explained; 1 for a logistic regression."""

    @property
    def errors(self) -> Vector:
        return np.sqrt(self.noise * np.diag(self.inverse))


def fitted(
    gate: duckdb.DuckDBPyConnection,
    columns: tuple[OutputColumn, ...],
    granted: tuple[Column, ...],
    profile: Profile,
) -> Fitted:
    """Fit the model that `columns` declare; raise `UndeclaredError` where they declare none."""
    form = _standard(gate, design(columns, granted))
    units, least = _sizes(gate, form)
    none: dict[str, tuple[Cell, ...]] = {
        term.name: tuple(term.name if c.function is Function.TERM else None for c in columns)
        for term in form.terms
    }
    few = units - len(form.terms) < profile.residual_df or least < profile.level_units
    solution = None if few or units < profile.min_units else _solved(gate, form)
    if solution is None:
        return Fitted(none, units, frozenset({Concern.FIT}))
    beta, errors = form.back(solution.beta, solution.noise * solution.inverse)
    values = {
        term.name: tuple(_cell(c, term.name, float(b), float(e)) for c in columns)
        for term, b, e in zip(form.terms, beta, errors, strict=True)
    }
    fine = _stands(gate, form, solution, profile)
    return Fitted(values, units, frozenset() if fine else frozenset({Concern.FIT}))


def _cell(column: OutputColumn, name: str, beta: float, error: float) -> Cell:
    if column.function is Function.TERM:
        return name
    return error if column.function is Function.STANDARD_ERROR else beta


def _standard(gate: duckdb.DuckDBPyConnection, form: Design) -> Design:
    """Move and scale each number; one that does not vary stays as it is, and makes the sums singular."""
    figures = ", ".join(f"avg({name}), stddev_pop({name})" for name in _names(form))
    found = gate.execute(f"SELECT {figures} FROM ({_rows(form, None)})").fetchone() or ()  # noqa: S608 - ours
    figures_of = zip(form.terms, found[::2], found[1::2], strict=True)
    return replace(form, terms=tuple(_scaled(*each) for each in figures_of))


def _scaled(term: Term, mean: float | None, deviation: float | None) -> Term:
    if not term.is_number or mean is None or not deviation:
        return term
    return replace(term, centre=mean, scale=deviation)


def _rows(form: Design, without: int | None) -> str:
    """Return the SQL of the complete rows: `_unit`, `_y`, then the design's columns `_x0`, `_x1` and on."""
    names = [f"({term.sql}) AS _x{i}" for i, term in enumerate(form.terms)]
    rows = f"SELECT *, ({form.outcome}) AS _y, {', '.join(names)} FROM source"  # noqa: S608 - typed parts
    known = " AND ".join(
        f"{name} IS NOT NULL AND isfinite({name})" for name in ["_y", *_names(form)]
    )
    left = "" if without is None else f" AND _unit <> {without}"
    return f"SELECT * FROM ({rows}) WHERE {known}{left}"  # noqa: S608 - ours


def _names(form: Design) -> list[str]:
    return [f"_x{i}" for i, _ in enumerate(form.terms)]


def _sizes(gate: duckdb.DuckDBPyConnection, form: Design) -> tuple[int, int]:
    """Return how many units have complete rows, and how many the smallest level has."""
    levels = [f"count(DISTINCT _unit) FILTER ({level})" for level in form.levels]
    counts = ", ".join(["count(DISTINCT _unit)", *levels])
    found = gate.execute(f"SELECT {counts} FROM ({_rows(form, None)})").fetchone() or (0,)  # noqa: S608 - ours
    return int(found[0]), min(map(int, found))


def _solved(
    gate: duckdb.DuckDBPyConnection, form: Design, without: int | None = None
) -> _Solution | None:
    """Return the fit, or nothing where there is none that stands on more than rounding."""
    return (_logistic if form.is_logistic else _linear)(gate, form, without)


def _linear(gate: duckdb.DuckDBPyConnection, form: Design, without: int | None) -> _Solution | None:
    names = [*_names(form), "_y"]
    pairs = [(i, j) for i, _ in enumerate(names) for j in range(i + 1)]
    sums = ", ".join(f"fsum({names[i]} * {names[j]})" for i, j in pairs)
    found = gate.execute(f"SELECT count(*), {sums} FROM ({_rows(form, without)})").fetchone()  # noqa: S608 - ours
    if found is None or found[1] is None:
        return None
    products = np.zeros((len(names), len(names)))
    for (i, j), value in zip(pairs, found[1:], strict=True):
        products[i, j] = products[j, i] = value
    inverse = _inverse(products[:-1, :-1])
    if inverse is None:
        return None
    beta = inverse @ products[:-1, -1]
    unexplained = max(0.0, float(products[-1, -1] - beta @ products[:-1, -1]))
    return _Solution(beta, inverse, unexplained / max(1, found[0] - len(beta)))


def _inverse(products: Vector) -> Vector | None:
    size = np.sqrt(np.diag(products))
    if not np.all(size > 0):
        return None
    even = products / np.outer(size, size)
    if np.linalg.eigvalsh(even)[0] < _SINGULAR:
        return None
    return np.asarray(np.linalg.inv(even) / np.outer(size, size))


@dataclass(frozen=True, slots=True)
class _Batch:
    x: Vector
    y: Vector
    units: np.ndarray[tuple[int], np.dtype[np.int64]]


def _batches(
    gate: duckdb.DuckDBPyConnection, form: Design, without: int | None
) -> Iterator[_Batch]:
    wanted = ", ".join(["_unit", "_y", *_names(form)])
    answer = gate.cursor().sql(f"SELECT {wanted} FROM ({_rows(form, without)})")  # noqa: S608 - ours
    for batch in answer.to_arrow_reader(_BATCH):
        units, y, *x = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
        yield _Batch(np.column_stack(x), y, units.astype(np.int64))


def _logistic(
    gate: duckdb.DuckDBPyConnection, form: Design, without: int | None
) -> _Solution | None:
    beta = np.zeros(len(form.terms))
    for _ in range(_ROUNDS):
        products, score, steepest = np.zeros((len(beta), len(beta))), np.zeros(len(beta)), 0.0
        for batch in _batches(gate, form, without):
            linear = batch.x @ beta
            steepest = max(steepest, float(np.abs(linear).max()))
            mean = _mean(linear)
            products += batch.x.T @ (batch.x * (mean * (1 - mean))[:, None])
            score += batch.x.T @ (batch.y - mean)
        inverse = _inverse(products)
        if inverse is None or steepest > _STEEPEST:
            return None
        step = inverse @ score
        beta = beta + step
        if np.abs(step).max() < _STEP * (1 + np.abs(beta).max()):
            return _Solution(beta, inverse, 1.0)
    return None


def _mean(linear: Vector) -> Vector:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * linear)))


def _stands(
    gate: duckdb.DuckDBPyConnection, form: Design, solution: _Solution, profile: Profile
) -> bool:
    """Say whether no unit has too much leverage, and leaving out the largest moves no coefficient far."""
    leverage, influence = _weights(gate, form, solution)
    if leverage.max() >= profile.leverage_percent / 100 or not np.all(solution.errors > 0):
        return False
    for unit in dict.fromkeys((int(leverage.argmax()), int(influence.argmax()))):
        left = _solved(gate, form, unit)
        if left is None:
            return False
        if np.abs((left.beta - solution.beta) / solution.errors).max() > _MOST_SHIFT:
            return False
    return True


def _weights(
    gate: duckdb.DuckDBPyConnection, form: Design, solution: _Solution
) -> tuple[Vector, Vector]:
    """Return each unit's leverage, and how hard it pulls: its residuals times the root of their leverage."""
    [last] = gate.execute("SELECT max(_unit) FROM source").fetchone() or (0,)
    leverage, influence = np.zeros(int(last) + 1), np.zeros(int(last) + 1)
    for batch in _batches(gate, form, None):
        linear = batch.x @ solution.beta
        mean = _mean(linear) if form.is_logistic else linear
        spread = mean * (1 - mean) if form.is_logistic else np.ones_like(mean)
        own = np.einsum("ij,jk,ik->i", batch.x, solution.inverse, batch.x) * spread
        leverage += np.bincount(batch.units, own, len(leverage))
        pull = np.abs(batch.y - mean) * np.sqrt(own)
        influence += np.bincount(batch.units, pull, len(influence))
    return leverage, influence
