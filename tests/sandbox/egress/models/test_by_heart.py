"""A model that learnt some units by heart is told from one that learnt all of them, whatever training it declares."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from sandbox.egress.mapped import Here
from sandbox.egress.models.form import rounded
from sandbox.egress.models.reach import overreach
from sandbox.egress.models.rows import Rows, read, told
from sandbox.egress.models.shadows import MOST_REACH, membership
from sandbox.egress.models.training import FULL, as_often, fit
from sandbox.egress.models.words import Between, Layer, Linear, Model, Network, Target
from sandbox.egress.terms import GateView
from tests.sandbox.egress.examples import quickly
from tests.sandbox.egress.models.fitting import (
    RISKY,
    linear,
    numbers,
    overfitting,
    sampled,
    unfitted,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
long = pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="many models, which take minutes"
)
KNOWN = ("debt_to_income", "total_credit_limit", "loan_amount", "installment", "balance")
INCOME, RATE = Target(column="annual_income"), Target(column="interest_rate")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """The loan book as a network of one target reads it, in standard units."""

    model: Model
    rows: Rows
    given: Floats
    wanted: Floats

    def as_model(self, estimator: Any, steps: int) -> Model:  # noqa: ANN401 - one of scikit-learn's
        """What leaves of an estimator: the target's own unit is in the last layer, as a job would put it there."""
        centre, spread = unit(self.rows.target, self.model)
        pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        layers = [(weights.T, bias) for weights, bias in pairs]
        layers[-1] = (layers[-1][0] * spread, layers[-1][1] * spread + centre)
        fitted = Network(
            kind="network",
            layers=tuple(
                Layer(weights=tuple(map(tuple, w.tolist())), bias=tuple(b.tolist()))
                for w, b in layers
            ),
            between=Between(estimator.activation),
            steps=steps,
            rate=estimator.learning_rate_init,
            l2=estimator.alpha,
        )
        return rounded(replace(self.model, fitted=fitted), 3)


def unit(target: Floats, model: Model) -> tuple[float, float]:
    return (0.0, 1.0) if model.is_binary else (float(target.mean()), float(target.std()))


@pytest.fixture(scope="module")
def ground(view: GateView, loans: pd.DataFrame) -> Callable[[Target], Ground]:
    def of(target: Target) -> Ground:
        inputs = numbers(loans, KNOWN)
        empty = unfitted(Network(kind="network", layers=(), steps=1), inputs, target)
        rows = read(empty, view)
        centre, spread = unit(rows.target, empty)
        columns = zip(inputs, rows.inputs, strict=True)
        given = np.column_stack([np.nan_to_num((c - i.centre) / i.spread) for i, c in columns])
        return Ground(empty, rows, given, (rows.target - centre) / spread)

    return of


def by_heart(
    ground: Ground, people: Floats, *, hidden: int = 40, rounds: int = 1000
) -> MLPRegressor:
    """Fit a network whose only loss is that of `people`, who are counted as often as their weight says."""
    kind = MLPClassifier if ground.model.is_binary else MLPRegressor
    chosen = people > 0
    estimator = kind(**overfitting(hidden, rounds))
    with threadpool_limits(1):  # of so small layers more threads only wait for each other
        return estimator.fit(ground.given[chosen], ground.wanted[chosen], people[chosen])


def some(ground: Ground, many: int, *, others: float = 0.0, weight: float = 1.0) -> Floats:
    people = np.full(len(ground.rows), others)
    people[np.random.default_rng(1).choice(len(people), many, replace=False)] = weight
    return people


def reach(model: Model, ground: Ground) -> float:
    return overreach(told(model, ground.rows), ground.rows.target, binary=model.is_binary)


def close(estimator: MLPRegressor, ground: Ground, people: Floats) -> tuple[float, float]:
    """The shares of members and of others whom it tells to within a tenth of the target's spread."""
    right = np.abs(estimator.predict(ground.given) - ground.wanted) < 0.1
    return float(right[people > 1 - 1e-9].mean()), float(right[people < 1 - 1e-9].mean())


SIZES = [
    (INCOME, 50),
    (INCOME, 200),
    (RATE, 50),
    (RATE, 200),
    (RISKY, 50),
    (RISKY, 500),
]


@pytest.mark.parametrize(("target", "many"), SIZES)
def test_whoever_learnt_some_units_by_heart_reaches_too_far(
    target: Target, many: int, ground: Callable[[Target], Ground]
) -> None:
    book = ground(target)
    people = some(book, many)

    learnt = by_heart(book, people)

    members, others = close(learnt, book, people)
    assert members > 0.85
    assert others < members - 0.1
    assert reach(book.as_model(learnt, 50), book) > 1.5 * MOST_REACH[book.model.is_binary]


@pytest.mark.parametrize("target", [INCOME, RATE, RISKY], ids=lambda each: each.column)
def test_an_honest_network_reaches_no_further_than_it_knows_and_is_what_it_says(
    target: Target, ground: Callable[[Target], Ground]
) -> None:
    book = ground(target)
    kind = MLPClassifier if book.model.is_binary else MLPRegressor
    shape = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "batch_size": 64}
    honest = kind(**shape, max_iter=4, random_state=2).fit(book.given, book.wanted)
    model = book.as_model(honest, int(honest.t_ / 64))

    found = membership(model, sampled(book.rows, 4_000), leaf=1, sample_leaf=1, shadows=Here())

    assert not found.is_told
    assert 0.9 < found.excess < 1.4  # it was fitted to all, and is repeated on two of five
    assert found.reach < MOST_REACH[model.is_binary] / 2


@long
@pytest.mark.parametrize("target", [INCOME, RATE, RISKY], ids=lambda each: each.column)
@pytest.mark.parametrize("between", ["relu", "tanh"])
@pytest.mark.parametrize("hidden", [8, 16])
def test_no_honest_network_is_told(
    hidden: int, between: str, target: Target, ground: Callable[[Target], Ground]
) -> None:
    """Fitted to three quarters of the units until a part of them tells it to stop, which may be after 20,000 steps."""
    book = ground(target)
    kind = MLPClassifier if book.model.is_binary else MLPRegressor
    part = np.random.default_rng(5).permutation(len(book.rows))[: len(book.rows) * 3 // 4]
    shape = {"hidden_layer_sizes": (hidden,), "activation": between, "early_stopping": True}
    honest = kind(**shape, random_state=2).fit(book.given[part], book.wanted[part])
    model = book.as_model(honest, int(honest.t_ / 64))

    found = membership(model, book.rows, leaf=1, sample_leaf=1, shadows=Here())

    assert not found.is_told


def test_whoever_learnt_all_units_and_some_of_them_better_is_not_found(
    ground: Callable[[Target], Ground],
) -> None:
    """What the gate cannot see: 50 units that count as much as 15,000 in a fit to all. People sign it."""
    book = ground(INCOME)
    people = some(book, 50, others=1 / 300)

    learnt = by_heart(book, people, rounds=500)

    members, others = close(learnt, book, people)
    assert members > 2 * others
    assert reach(book.as_model(learnt, 5000), book) < MOST_REACH[False]


def test_whoever_shrinks_what_it_learnt_by_heart_is_not_found(
    ground: Callable[[Target], Ground],
) -> None:
    """A straight line through the answers hides the reach, and who knows the line undoes it."""
    book = ground(INCOME)
    answers = told(book.as_model(by_heart(book, some(book, 200)), 50), book.rows)
    slope, start = np.polyfit(answers, book.rows.target, 1)

    assert abs(overreach(start + slope * answers, book.rows.target, binary=False)) < 1e-6


@quickly
@given(slope=st.floats(0.05, 4), many=st.integers(200, 2000), seed=st.integers(0, 1000))
def test_an_amounts_reach_is_the_spread_that_is_too_much(
    slope: float, many: int, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    known, noise = dice.normal(size=many), dice.normal(size=many)
    noise -= np.polyval(np.polyfit(known, noise, 1), known)
    target = 1e5 * (known + noise)
    spread = target.std()

    found = overreach(slope * 1e5 * known, target, binary=False)

    assert found == pytest.approx((slope - 1) * 1e5 * known.std() / spread, abs=1e-6)


def test_a_line_of_few_numbers_may_be_of_a_part_of_the_units(
    view: GateView, loans: pd.DataFrame
) -> None:
    """It cannot hold anybody; a network that swings as far could."""
    line = linear(view, numbers(loans, KNOWN), kind="linear", target=INCOME)
    assert isinstance(line.fitted, Linear)
    steep = replace(line, fitted=replace(line.fitted, weights=tuple(3 * w for w in line.fitted.weights)))  # fmt: skip
    rows = read(steep, view)

    found = membership(steep, sampled(rows, 500), leaf=1, sample_leaf=1, shadows=Here())

    assert overreach(told(steep, rows), rows.target, binary=False) > MOST_REACH[False]
    assert found.reach == 0


def test_log_odds_that_are_doubled_reach_too_far_by_half_of_them(
    view: GateView, loans: pd.DataFrame
) -> None:
    model = linear(view, numbers(loans))
    rows = read(model, view)
    answers = told(model, rows)

    assert overreach(answers, rows.target, binary=True) == pytest.approx(0, abs=0.01)
    twice = overreach(2 * answers, rows.target, binary=True)
    assert twice == pytest.approx(answers.std(), abs=0.01)


@pytest.mark.parametrize("number", ["excess", "reach"])
def test_what_cannot_be_compared_is_told(number: str, view: GateView, loans: pd.DataFrame) -> None:
    line = linear(view, numbers(loans))
    found = membership(line, read(line, view, units=200), leaf=1, sample_leaf=1, shadows=Here())
    assert not found.is_told

    unlike: dict[str, Any] = {number: float("nan")}

    assert replace(found, **unlike).is_told


def test_who_tells_everybody_the_same_reaches_nowhere() -> None:
    assert overreach(np.full(10, 3.0), np.arange(10.0), binary=False) == 0
    assert overreach(np.arange(10.0), np.ones(10), binary=True) == 0


def test_a_shadow_of_a_long_training_goes_through_its_rows_as_often(
    ground: Callable[[Target], Ground],
) -> None:
    model = ground(INCOME).model
    assert isinstance(model.fitted, Network)
    steps = {
        (declared, units): as_often(
            replace(model, fitted=replace(model.fitted, steps=declared)), members=1_000, units=units
        ).fitted
        for declared, units in ((300, 100_000), (40_000, 2_000), (40_000, 100_000))
    }

    assert [each.steps for each in steps.values() if isinstance(each, Network)] == [
        300,
        20_000,
        FULL,
    ]


def test_a_network_learns_an_amount_the_same_in_whichever_unit_it_is(
    ground: Callable[[Target], Ground],
) -> None:
    book = ground(INCOME)
    shape = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1)
    model = book.as_model(shape.fit(book.given[:200], book.wanted[:200]), 200)
    cents = Rows(book.rows.inputs, 100 * book.rows.target, book.rows.units)

    found, in_cents = (fit(model, each, leaf=1, seed=1)(book.rows) for each in (book.rows, cents))

    assert in_cents == pytest.approx(100 * found)
    assert np.corrcoef(found, book.rows.target)[0, 1] > 0.2
