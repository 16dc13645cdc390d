"""Measures how well somebody who has a model can tell who was in its training (LiRA: Carlini et al. 2022, algorithm 1).

Shadows are models of the same form that the gate itself fits, each to a random half of the units. For every unit the
scores of the shadows with it and without it are two normal distributions; their likelihood ratio is the attack, held
against each shadow in turn. Rows that nobody has, with the answer turned round (canaries), are among the units.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from sandbox.egress.mapped import Shadows
from sandbox.egress.models.rows import Floats, Rows, told
from sandbox.egress.models.training import fit
from sandbox.egress.models.words import Model

SHADOWS = 32
MOST_UNITS = 2_000
"""Units that the shadows are fitted to and asked about: as many again would make them remember less."""
SAMPLE = 100_000
"""Units that the declared training is repeated on as a whole, to compare its loss with the model's."""
CANARIES = 40
RATES = (0.01, 0.001)
"""Shares of wrong alarms at which the attack is measured."""
MOST_SURE = {0.01: 0.05, 0.001: 0.01}
"""The largest share of members that may be recognised, with 95 % confidence: chance is the rate itself."""
FEWEST = {0.01: 100, 0.001: 1000}
"""Units without which a rate cannot be measured."""
BETTER = 0.9
"""How far below the declared training's own loss over its members a model's loss may be."""
_SIDE = 0.025
_SPREAD = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """One model to be fitted: to which of the pool's rows."""

    model: Model
    pool: Rows
    inside: NDArray[np.bool_]
    leaf: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """How many members the attack finds at one rate of wrong alarms."""

    rate: float
    share: float
    most: float
    """With 95 % confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What the test measured."""

    units: int
    found: tuple[Recognised, ...]
    canaries: float
    """The share of canaries that are found at a rate of 1 %."""
    excess: float
    """The model's loss over the units, by the least loss that the declared training has over its own members."""

    @property
    def is_told(self) -> bool:
        """Whether members can be recognised, or that was not shown not to be so."""
        measured = {each.rate for each in self.found}
        return (
            max(RATES) not in measured
            or any(each.most > MOST_SURE[each.rate] for each in self.found)
            or self.excess < BETTER
        )


def score(shadow: Shadow) -> Floats:
    """Fit one shadow, and return how well it tells each row of the pool."""
    fitted = fit(
        shadow.model,
        shadow.pool.at(np.flatnonzero(shadow.inside)),
        leaf=shadow.leaf,
        seed=shadow.seed,
    )
    return _scores(fitted(shadow.pool), shadow)


def _scores(answers: Floats, shadow: Shadow) -> Floats:
    """Return log odds of the right answer, or minus the error."""
    target = shadow.pool.target
    if shadow.model.is_binary:
        return np.asarray(np.where(target > 0, answers, -answers))
    return np.asarray(-np.abs(answers - target))


def membership(
    model: Model, sample: Rows, *, leaf: int, sample_leaf: int, shadows: Shadows
) -> Membership:
    """Run the test over one row of each unit; the leaves are the smallest in the whole view, and so of the sample."""
    dice = np.random.default_rng(20_180_311)
    rows = sample.at(np.arange(min(MOST_UNITS, len(sample))))
    pool = _with_canaries(rows, dice, binary=model.is_binary)
    inside = _halves(len(pool), dice)
    asked = [Shadow(model, pool, each, leaf, seed) for seed, each in enumerate(inside)]
    scores = np.array(shadows.map(score, asked))
    real = np.arange(len(pool)) < len(rows)
    ratio = _ratios(scores, inside)
    own = _scores(told(model, pool), asked[0])
    again = fit(model, sample, leaf=sample_leaf, seed=SHADOWS)
    whole = _scores(again(pool), asked[0])
    loss = partial(_loss, binary=model.is_binary)
    best = min(
        float(loss(whole)[real].mean()),
        *(float(loss(s)[at & real].mean()) for s, at in zip(scores, inside, strict=True)),
    )
    return Membership(
        units=len(rows),
        found=tuple(
            _recognised(ratio[:, real], inside[:, real], rate)
            for rate in RATES
            if len(rows) >= FEWEST[rate]
        ),
        canaries=_recognised(ratio[:, ~real], inside[:, ~real], max(RATES)).share,
        excess=float(loss(own)[real].mean()) / max(best, _SPREAD),
    )


def _with_canaries(rows: Rows, dice: np.random.Generator, *, binary: bool) -> Rows:
    """Add rows of inputs that belong to different units, with an answer that theirs is not."""
    many = min(CANARIES, max(2, len(rows) // 20))
    drawn = [each[dice.integers(0, len(rows), many)] for each in rows.inputs]
    donors = rows.target[dice.integers(0, len(rows), many)]
    answers = 1 - donors if binary else 2 * rows.target.mean() - donors
    inputs = tuple(np.append(a, b) for a, b in zip(rows.inputs, drawn, strict=True))
    return Rows(inputs, np.append(rows.target, answers), np.arange(len(rows) + many))


def _halves(units: int, dice: np.random.Generator) -> NDArray[np.bool_]:
    """Return (shadows, units): each unit is in exactly half of the shadows."""
    order = np.argsort(dice.random((SHADOWS, units)), axis=0)
    return np.asarray(order < SHADOWS // 2)


def _ratios(scores: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Return the log likelihood ratios, each shadow held against all others; the spreads are shared by all units."""
    logs = []
    for which in (inside, ~inside):
        many = which.sum(axis=0) - which
        mean = ((scores * which).sum(axis=0) - scores * which) / np.maximum(many, 1)
        centred = (scores - (scores * which).sum(axis=0) / which.sum(axis=0)) * which
        spread = np.sqrt((centred**2).sum() / which.sum()) + _SPREAD
        logs.append(-(((scores - mean) / spread) ** 2) / 2 - np.log(spread))
    return np.asarray(logs[0] - logs[1])


def _recognised(ratio: Floats, inside: NDArray[np.bool_], rate: float) -> Recognised:
    bound = np.quantile(ratio[~inside], 1 - rate)
    share = float((ratio[inside] > bound).mean())
    units = ratio.shape[1]
    hits = share * units
    most = float(beta.ppf(1 - _SIDE, hits + 1, max(units - hits, _SPREAD)))
    return Recognised(rate=rate, share=share, most=most)


def _loss(scores: Floats, *, binary: bool) -> Floats:
    return np.asarray(np.logaddexp(0, -scores) if binary else scores**2)
