"""Delta is bought with rho, so that a limit holds whatever mechanisms spend it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.privacy.accounting import PICO, epsilon_of, rho_of_approx
from sandbox.privacy.approximate import DELTA_PER_RHO, delta_of, rho_limit_of
from sandbox.privacy.errors import CostError

epsilons = st.fractions(min_value=Fraction(1, 1000), max_value=20, max_denominator=10**6)
deltas = st.sampled_from([Fraction(1, 10**n) for n in (2, 5, 6, 9, 15)])


@given(epsilon=epsilons, delta=deltas)
def test_a_limit_that_is_used_up_by_approximate_mechanisms_stays_within_its_epsilon_and_delta(
    epsilon: Fraction, delta: Fraction
) -> None:
    rho = rho_limit_of(epsilon, delta)

    spent = delta_of(rho)
    assert spent < delta
    assert epsilon_of(rho, delta - spent) <= epsilon + Fraction(1, 10**6)


@given(epsilon=epsilons, delta=deltas, parts=st.lists(st.integers(0, PICO), max_size=20))
def test_the_deltas_of_charges_never_add_up_to_more_than_that_of_their_sum(
    epsilon: Fraction, delta: Fraction, parts: list[int]
) -> None:
    within = [part for part in parts if sum(parts) <= rho_limit_of(epsilon, delta)]

    assert sum(map(delta_of, within), Fraction(0)) <= delta


def test_at_the_usual_limits_setting_delta_aside_costs_next_to_nothing() -> None:
    for epsilon in (Fraction(1), Fraction(3), Fraction(10)):
        plain = rho_of_approx(epsilon, Fraction(1, 10**6))

        assert Fraction(999, 1000) * plain <= rho_limit_of(epsilon, Fraction(1, 10**6)) <= plain


def test_a_half_rho_bears_the_stated_delta() -> None:
    assert delta_of(PICO // 2) == DELTA_PER_RHO / 2 == Fraction(5, 10**10)


def test_a_limit_without_delta_is_none() -> None:
    with pytest.raises(CostError):
        rho_limit_of(Fraction(1), Fraction(0))
