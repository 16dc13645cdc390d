"""Fits a model of the same form and size as a given one to other rows: what the membership test's shadows are.

Least squares and logistic regression with the declared penalty; trees of the given model's own depth, smallest leaf and
number, grown over the inputs' quantiles; networks of its layers, by the declared steps of Adam, on standardised amounts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sandbox.egress.models.growing import Growth, grown, settled
from sandbox.egress.models.rows import Floats, Rows, features, through
from sandbox.egress.models.words import Between, Linear, Model, Network, Trees

BATCH = 64
"""Rows of one step of a network's training."""
FULL = 5_000
"""Steps of a network up to which a shadow takes all; of more, as many as go through its own rows as often, and not fewer."""
_ROUNDS = 30
_BETAS = (0.9, 0.999)
_TINY = 1e-8

Told = Callable[[Rows], Floats]
"""What a fitted model tells of rows: log odds, or amounts."""


def fit(model: Model, rows: Rows, *, leaf: int, seed: int) -> Told:
    """Return a model like `model` that was fitted to `rows`, a tree's leaves of at least `leaf`; equal seeds, equal models."""
    match model.fitted:
        case Linear():
            weights = _weights(model, model.fitted, rows)
            return lambda asked: np.asarray(_with_ones(model, asked) @ weights)
        case Trees():
            growth = Growth(like=model.fitted, is_binary=model.is_binary, leaf=leaf, seed=seed)
            return partial(grown, settled(rows, growth))
        case Network():
            layers = _network(model, model.fitted, rows, seed)
            between = model.fitted.between
            return lambda asked: through(between, layers, features(model, asked))


def as_often(model: Model, *, members: int, units: int) -> Model:
    """Return the model with as many steps as go through `members` rows as often as the declared ones go through `units`."""
    if not isinstance(model.fitted, Network) or model.fitted.steps <= FULL:
        return model
    steps = max(FULL, model.fitted.steps * members // units)
    return replace(model, fitted=replace(model.fitted, steps=steps))


def fit_linear(model: Model, rows: Rows) -> Linear:
    """Return the weights of a linear model that is fitted to `rows`."""
    assert isinstance(model.fitted, Linear), "a linear model"
    intercept, *weights = _weights(model, model.fitted, rows).tolist()
    return replace(model.fitted, weights=tuple(weights), intercept=intercept)


def _with_ones(model: Model, rows: Rows) -> Floats:
    return np.column_stack([np.ones(len(rows)), features(model, rows)])


def _weights(model: Model, linear: Linear, rows: Rows) -> Floats:
    given = _with_ones(model, rows)
    ridge = np.diag([0.0, *[linear.l2] * (given.shape[1] - 1)]) + _TINY * np.eye(given.shape[1])
    if not model.is_binary:
        return np.asarray(np.linalg.lstsq(given.T @ given + ridge, given.T @ rows.target)[0])
    return logistic(given, rows.target, ridge)


def logistic(given: Floats, target: Floats, ridge: Floats) -> Floats:
    """Return the weights of a logistic regression of yes (1) and no (0) with a quadratic penalty, by Newton's steps."""
    weights = np.zeros(given.shape[1])
    for _ in range(_ROUNDS):
        share = odds(given @ weights)
        slope = np.maximum(share * (1 - share), _TINY)
        inner = (given * slope[:, None]).T @ given + ridge
        step = np.linalg.lstsq(inner, given.T @ (target - share) - ridge @ weights)[0]
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _TINY:
            break
    return np.asarray(weights)


def odds(told: Floats) -> Floats:
    """Return the share of a yes, from its log odds."""
    return np.asarray(0.5 * (1 + np.tanh(told / 2)))


@dataclass(slots=True)
class _Adam:
    """Adam's moments (Kingma and Ba 2015)."""

    rate: float
    parts: list[Floats]
    mean: list[Floats]
    square: list[Floats]
    steps: int = 0

    def step(self, slopes: list[Floats]) -> None:
        self.steps += 1
        for at, slope in enumerate(slopes):
            self.mean[at] = _BETAS[0] * self.mean[at] + (1 - _BETAS[0]) * slope
            self.square[at] = _BETAS[1] * self.square[at] + (1 - _BETAS[1]) * slope**2
            mean = self.mean[at] / (1 - _BETAS[0] ** self.steps)
            square = self.square[at] / (1 - _BETAS[1] ** self.steps)
            self.parts[at] -= self.rate * mean / (np.sqrt(square) + _TINY)


def _network(model: Model, network: Network, rows: Rows, seed: int) -> list[tuple[Floats, Floats]]:
    dice = np.random.default_rng(seed)
    unit = _unit(model, rows)
    given, target = features(model, rows), (rows.target - unit.centre) / unit.spread
    parts: list[Floats] = []
    for layer in network.layers:
        wide = len(layer.weights[0])
        parts.append(dice.normal(0, np.sqrt(2 / wide), (len(layer.bias), wide)))
        parts.append(np.zeros(len(layer.bias)))
    adam = _Adam(network.rate, parts, [np.zeros_like(p) for p in parts], [np.zeros_like(p) for p in parts])  # fmt: skip
    for _ in range(network.steps):
        at = dice.integers(0, len(rows), BATCH)
        adam.step(_slopes(parts, network, given[at], target[at], binary=model.is_binary))
    parts[-2:] = [parts[-2] * unit.spread, parts[-1] * unit.spread + unit.centre]
    return list(zip(parts[::2], parts[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class _Unit:
    """In which unit a network learns its target: an amount's own mean and spread, or a yes and a no as they are."""

    centre: float
    spread: float


def _unit(model: Model, rows: Rows) -> _Unit:
    if model.is_binary:
        return _Unit(0.0, 1.0)
    return _Unit(float(rows.target.mean()), float(rows.target.std()) or 1.0)


def _slopes(
    parts: list[Floats], network: Network, given: Floats, target: Floats, *, binary: bool
) -> list[Floats]:
    """Return the gradient of the mean loss over a batch, for every weight and bias."""
    values = [given]
    for weights, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
        plain = values[-1] @ weights.T + bias
        values.append(np.tanh(plain) if network.between is Between.TANH else np.maximum(plain, 0))
    out = (values[-1] @ parts[-2].T + parts[-1])[:, 0]
    back = ((odds(out) if binary else out) - target)[:, None] / len(target)
    slopes: list[Floats] = []
    for at in range(len(values) - 1, -1, -1):
        weights, value = parts[2 * at], values[at]
        slopes = [back.T @ value + network.l2 * weights / len(target), back.sum(axis=0), *slopes]
        bend = 1 - value**2 if network.between is Between.TANH else value > 0
        back = (back @ weights) * bend
    return slopes
