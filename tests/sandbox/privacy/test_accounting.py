"""Costs round against the asker, and agree with dp-accounting as an oracle."""

from fractions import Fraction

import numpy as np
import pytest
from dp_accounting import GaussianDpEvent, LaplaceDpEvent, SelfComposedDpEvent, ZCDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from hypothesis import given
from hypothesis import strategies as st

from sandbox.privacy.accounting import (
    PICO,
    epsilon_of,
    rho_of_approx,
    rho_of_pure,
    rho_text,
    tight_epsilon_of,
)
from sandbox.privacy.errors import CostError
from sandbox.privacy.events import DpEvent

epsilons = st.fractions(min_value=Fraction(1, 1000), max_value=20, max_denominator=10**6)
deltas = st.sampled_from([Fraction(1, 10**n) for n in (2, 5, 6, 9, 15)])
DELTA = Fraction(1, 10**6)


def test_a_pure_epsilon_of_one_costs_half_a_rho() -> None:
    assert rho_of_pure(Fraction(1)) == PICO // 2


@given(epsilon=epsilons)
def test_a_pure_cost_is_rounded_up_by_less_than_a_pico_rho(epsilon: Fraction) -> None:
    exact = epsilon * epsilon * PICO / 2

    assert exact <= rho_of_pure(epsilon) < exact + 1


@given(epsilon=epsilons, delta=deltas)
def test_a_limit_is_the_most_rho_that_still_displays_within_epsilon(
    epsilon: Fraction, delta: Fraction
) -> None:
    most = rho_of_approx(epsilon, delta)

    assert epsilon_of(most, delta) <= epsilon + Fraction(1, 10**6)
    assert epsilon_of(most + PICO // 1000, delta) > epsilon


@given(rho=st.integers(0, 20 * PICO), delta=deltas)
def test_a_displayed_epsilon_buys_back_at_least_its_rho(rho: int, delta: Fraction) -> None:
    assert rho_of_approx(epsilon_of(rho, delta), delta) >= rho


@pytest.mark.parametrize("rho", [Fraction(1, 100), Fraction(1, 2), Fraction(2)])
def test_the_epsilon_of_a_gaussian_is_never_below_the_oracle(rho: Fraction) -> None:
    oracle = RdpAccountant()
    oracle.compose(GaussianDpEvent(noise_multiplier=float(1 / (2 * rho)) ** 0.5))

    ours = epsilon_of(int(rho * PICO), DELTA)

    theirs = oracle.get_epsilon(float(DELTA))
    assert theirs <= ours <= 1.3 * theirs


@pytest.mark.parametrize("rho", [1, 10**6, PICO // 1000, PICO // 10, PICO, 20 * PICO])
@pytest.mark.parametrize("delta", [Fraction(1, 10**6), Fraction(1, 10**9), Fraction(1, 3)])
def test_the_tight_epsilon_is_dp_accountings_own_for_the_same_rho(
    rho: int, delta: Fraction
) -> None:
    orders = 1 + np.exp(np.linspace(np.log(0.01), np.log(1e9), 200_001))
    oracle = RdpAccountant(orders=orders)
    oracle.compose(ZCDpEvent(rho / PICO))

    ours = float(tight_epsilon_of(rho, delta))

    theirs = oracle.get_epsilon(float(delta))
    assert theirs - 1e-7 <= ours
    assert ours <= theirs + 1.1e-6 or theirs == 0  # they also know when rho is as good as nothing


@given(rho=st.integers(0, 50 * PICO), delta=deltas)
def test_the_tight_epsilon_is_never_above_the_plain_one(rho: int, delta: Fraction) -> None:
    assert 0 <= tight_epsilon_of(rho, delta) <= epsilon_of(rho, delta)


@pytest.mark.parametrize(
    ("rho", "text"),
    [
        (0, "0"),
        (1, "0.000000000001"),
        (PICO // 2, "0.5"),
        (20 * PICO, "20"),
        (10**24 + 1, "1000000000000.000000000001"),
    ],
)
def test_an_amount_of_rho_is_written_exactly(rho: int, text: str) -> None:
    assert rho_text(rho) == text
    assert Fraction(text) * PICO == rho


@pytest.mark.parametrize("times", [1, 10, 50])
def test_the_epsilon_of_many_laplace_answers_is_never_below_the_oracle(times: int) -> None:
    epsilon = Fraction(1, 4)
    oracle = PLDAccountant(value_discretization_interval=1e-3)
    oracle.compose(SelfComposedDpEvent(LaplaceDpEvent(float(1 / epsilon)), times))

    ours = epsilon_of(times * rho_of_pure(epsilon), DELTA)

    assert oracle.get_epsilon(float(DELTA)) <= ours + Fraction(1, 1000)


@pytest.mark.parametrize("delta", [Fraction(0), Fraction(1), Fraction(-1), Fraction(2)])
def test_a_delta_outside_zero_and_one_is_an_error(delta: Fraction) -> None:
    with pytest.raises(CostError):
        rho_of_approx(Fraction(1), delta)
    with pytest.raises(CostError):
        epsilon_of(1, delta)


def test_a_negative_cost_is_an_error() -> None:
    with pytest.raises(CostError):
        rho_of_pure(Fraction(-1))
    with pytest.raises(CostError):
        rho_of_approx(Fraction(-1), DELTA)
    with pytest.raises(CostError):
        epsilon_of(-1, DELTA)


EVENT = DpEvent(
    measure="n",
    sensitivity=2**20,
    scale=Fraction(3 * 2**20),
    epsilon=Fraction(1, 3),
    grid=Fraction(1, 2**20),
    cells=6,
)


def test_an_event_survives_its_json_form() -> None:
    assert DpEvent.of(EVENT.form()) == EVENT


def test_an_event_whose_stored_cost_was_lowered_is_an_error() -> None:
    with pytest.raises(CostError):
        DpEvent.of(EVENT.form() | {"rho_pico": 1})
