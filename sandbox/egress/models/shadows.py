"""Measures how well somebody who has a model can tell who was in its training (LiRA: Carlini et al. 2022, algorithm 1).

Shadows are models of the same form that the gate itself fits, each to a random half of the units. For every unit the
scores of the shadows with it and without it are two normal distributions; their likelihood ratio is the attack, held
against each shadow in turn. Rows that nobody has, with the answer turned round (canaries), are among the units.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from sandbox.egress.mapped import Shadows
from sandbox.egress.models.reach import overreach
from sandbox.egress.models.rows import Floats, Rows, told
from sandbox.egress.models.support import parameters
from sandbox.egress.models.training import as_often, fit
from sandbox.egress.models.words import Model, Network, Trees

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
BETTER = 0.85
"""How far below the declared training's own loss over the same units a model's loss may be: seeds of a network make 0.91."""
REPEATS = 3
"""How often a network's declared training is repeated on all units: its loss depends on where it starts."""
MOST_REACH = {False: 0.12, True: 1.2}
"""How far the answers may reach beyond what they know: standard deviations of an amount, and log odds of a yes.

Of 171 honest models of the loan book, diamonds and wages the furthest reached 0.05 and 0.75; those that tell units by heart
reached 0.16 and 7 at the least (docs/decisions/models.md)."""
HOLDS = 50
"""Learnt numbers without which a model cannot hold anybody by heart, and may be of a part of the units."""
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
    """The model's loss over all units by the least of the declared training's, repeated on the same units."""
    reach: float
    """How far its answers reach beyond what they know of all units; 0 of trees, whose leaves were counted, and of few numbers."""
    most_reach: float

    @property
    def is_told(self) -> bool:
        """Whether members can be recognised, or that was not shown not to be so."""
        measured = {each.rate for each in self.found}
        return (
            max(RATES) not in measured
            or any(each.most > MOST_SURE[each.rate] for each in self.found)
            or not self.excess >= BETTER  # answers that overflow compare with nothing, and stay in
            or not self.reach <= self.most_reach
        )


def score(shadow: Shadow) -> Floats:
    """Fit one shadow, and return how well it tells each row of the pool."""
    fitted = fit(
        shadow.model,
        shadow.pool.at(np.flatnonzero(shadow.inside)),
        leaf=shadow.leaf,
        seed=shadow.seed,
    )
    return _scores(fitted(shadow.pool), shadow.pool, binary=shadow.model.is_binary)


def _scores(answers: Floats, rows: Rows, *, binary: bool) -> Floats:
    """Return log odds of the right answer, or minus the error in standard deviations of the amount."""
    target = rows.target
    if binary:
        return np.asarray(np.where(target > 0, answers, -answers))
    return np.asarray(-np.abs(answers - target) / (target.std() or 1.0))


def membership(
    model: Model, sample: Rows, *, leaf: int, sample_leaf: int, shadows: Shadows
) -> Membership:
    """Run the test over one row of each unit; the leaves are the smallest in the whole view, and so of the sample."""
    dice = np.random.default_rng(20_180_311)
    rows = sample.at(np.arange(min(MOST_UNITS, len(sample))))
    pool = _with_canaries(rows, dice, binary=model.is_binary)
    inside = _halves(len(pool), dice)
    like = as_often(model, members=len(pool) // 2, units=len(sample))
    asked = [Shadow(like, pool, each, leaf, seed) for seed, each in enumerate(inside)]
    scores = np.array(shadows.map(score, asked))
    real = np.arange(len(pool)) < len(rows)
    ratio = _ratios(scores, inside)
    return Membership(
        units=len(rows),
        found=tuple(
            _recognised(ratio[:, real], inside[:, real], rate)
            for rate in RATES
            if len(rows) >= FEWEST[rate]
        ),
        canaries=_recognised(ratio[:, ~real], inside[:, ~real], max(RATES)).share,
        excess=_excess(model, sample, leaf=sample_leaf),
        reach=_reach(model, sample),
        most_reach=MOST_REACH[model.is_binary],
    )


def _excess(model: Model, sample: Rows, *, leaf: int) -> float:
    """Return the model's loss over the sample by the least of the declared training's."""
    seeds = range(SHADOWS, SHADOWS + (REPEATS if isinstance(model.fitted, Network) else 1))
    again = (fit(model, sample, leaf=leaf, seed=seed)(sample) for seed in seeds)
    mine, *theirs = (
        _loss(_scores(each, sample, binary=model.is_binary), binary=model.is_binary)
        for each in (told(model, sample), *again)
    )
    return (mine + _SPREAD) / (min(theirs) + _SPREAD)


def _reach(model: Model, sample: Rows) -> float:
    if isinstance(model.fitted, Trees) or parameters(model) < HOLDS:
        return 0.0
    return overreach(told(model, sample), sample.target, binary=model.is_binary)


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


def _loss(scores: Floats, *, binary: bool) -> float:
    return float((np.logaddexp(0, -scores) if binary else scores**2).mean())
