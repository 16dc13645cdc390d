"""The noise has the distribution that the proof speaks of."""

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.privacy.noise import scale_for, secure

DRAWS = 40_000
SCALE = Fraction(5)
REACH = 12
"""Draws beyond this distance share one bin on each side: 25 bins and 2 tails."""
CRITICAL = 75.6
"""The chi-square quantile of 26 degrees of freedom at one in a million: the test's error rate."""


def chi_square(draws: list[int], *, scale: Fraction) -> float:
    """Return the statistic of draws against the discrete Laplace distribution of this scale."""
    ratio = math.exp(-1 / float(scale))
    point = (1 - ratio) / (1 + ratio)
    tail = ratio ** (REACH + 1) / (1 + ratio)
    wanted = {k: point * ratio ** abs(k) for k in range(-REACH, REACH + 1)}
    wanted |= {-REACH - 1: tail, REACH + 1: tail}
    seen = Counter(max(-REACH - 1, min(REACH + 1, draw)) for draw in draws)
    return sum((seen[k] - DRAWS * p) ** 2 / (DRAWS * p) for k, p in wanted.items())


def test_the_sampler_is_discrete_laplace() -> None:
    draws = list(secure([0] * DRAWS, scale=SCALE))

    assert chi_square(draws, scale=SCALE) < CRITICAL


def test_a_sampler_with_a_scale_one_tenth_too_small_would_be_noticed() -> None:
    draws = list(secure([0] * DRAWS, scale=SCALE * Fraction(9, 10)))

    assert chi_square(draws, scale=SCALE) > CRITICAL


def test_values_beyond_64_bits_are_clamped_and_never_fail() -> None:
    high, low = secure([2**80, -(2**80)], scale=Fraction(2**40))

    assert abs(high - 2**63) < 2**50
    assert abs(low + 2**63) < 2**50


@pytest.mark.parametrize("values", [[], [7]])
def test_every_value_gets_its_own_noise(values: list[int]) -> None:
    assert len(secure(values, scale=SCALE)) == len(values)


@given(
    sensitivity=st.integers(1, 2**40),
    epsilon=st.fractions(min_value=Fraction(1, 10**5), max_value=100),
)
def test_the_scale_is_a_double_that_never_spends_more_than_epsilon(
    sensitivity: int, epsilon: Fraction
) -> None:
    scale = scale_for(sensitivity=sensitivity, epsilon=epsilon)

    assert Fraction(float(scale)) == scale
    assert epsilon * (1 - Fraction(1, 2**51)) <= sensitivity / scale <= epsilon
