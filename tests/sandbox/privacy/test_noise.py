"""The noise has the distribution that the proof speaks of."""

import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import opendp.prelude as dp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.privacy.events import DISCRETE_GAUSSIAN, DISCRETE_LAPLACE, DpEvent
from sandbox.privacy.noise import Secure, scale_for
from sandbox.privacy.sampling import coins, digit_bits, laplace

DRAWS = 40_000
SAMPLES = 20_000
SCALE = Fraction(5)
REACH = 12
"""Draws beyond this distance share one bin on each side: 25 bins and 2 tails."""
CRITICAL = 75.6
"""The chi-square quantile of 26 degrees of freedom at one in a million: the test's error rate."""


def drawn(values: list[int], *, scale: Fraction, mechanism: str = DISCRETE_LAPLACE) -> list[int]:
    event = DpEvent(
        measure="n",
        mechanism=mechanism,
        sensitivity=1,
        scale=scale,
        epsilon=Fraction(1),
        grid=Fraction(1),
        cells=1,
    )
    return list(Secure().add(values, event))


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
    draws = drawn([0] * DRAWS, scale=SCALE)

    assert chi_square(draws, scale=SCALE) < CRITICAL


def test_a_sampler_with_a_scale_one_tenth_too_small_would_be_noticed() -> None:
    draws = drawn([0] * DRAWS, scale=SCALE * Fraction(9, 10))

    assert chi_square(draws, scale=SCALE) > CRITICAL


def test_values_beyond_64_bits_do_not_overflow() -> None:
    high, low = drawn([2**80, -(2**80)], scale=Fraction(2**40))

    assert 0 < abs(high - 2**80) < 2**50
    assert 0 < abs(low + 2**80) < 2**50


@pytest.mark.parametrize("values", [[], [7]])
def test_every_value_gets_its_own_noise(values: list[int]) -> None:
    assert len(drawn(values, scale=SCALE)) == len(values)


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


def gaussian_chi_square(draws: list[int], *, scale: float) -> float:
    """Return the statistic of draws against the discrete Gaussian distribution of this scale."""
    weights = {k: math.exp(-k * k / (2 * scale**2)) for k in range(-60, 61)}
    total = sum(weights.values())
    wanted = dict.fromkeys(range(-REACH - 1, REACH + 2), 0.0)
    for k, weight in weights.items():
        wanted[max(-REACH - 1, min(REACH + 1, k))] += weight / total
    seen = Counter(max(-REACH - 1, min(REACH + 1, draw)) for draw in draws)
    return sum((seen[k] - DRAWS * p) ** 2 / (DRAWS * p) for k, p in wanted.items())


def test_the_other_sampler_is_discrete_gaussian() -> None:
    draws = drawn([0] * DRAWS, scale=SCALE, mechanism=DISCRETE_GAUSSIAN)

    assert gaussian_chi_square(draws, scale=5.0) < CRITICAL
    assert gaussian_chi_square(draws, scale=4.5) > CRITICAL


@pytest.mark.parametrize("scale", [1.0, 5.0, 300.7, float(2**20)])
@pytest.mark.parametrize("mechanism", [DISCRETE_LAPLACE, DISCRETE_GAUSSIAN])
def test_our_samples_are_those_of_opendp(mechanism: str, scale: float) -> None:
    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if mechanism == DISCRETE_LAPLACE:
        oracle = dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=scale)
    else:
        oracle = dp.m.make_gaussian(domain, dp.l2_distance(T="i64"), scale=scale)

    ours = drawn([0] * SAMPLES, scale=Fraction(scale), mechanism=mechanism)
    theirs = oracle([0] * SAMPLES)

    assert two_sample(ours, theirs, width=scale / 2) < CRITICAL
    assert two_sample(ours, [int(x * 1.2 + 1) for x in theirs], width=scale / 2) > CRITICAL


def two_sample(one: list[int], other: list[int], *, width: float) -> float:
    """Return the chi-square statistic of two samples in at most 27 bins of this width."""
    tops = range(-REACH, REACH + 1)
    bins = [
        Counter(min(max(round(x / width), tops[0]), tops[-1]) for x in side)
        for side in (one, other)
    ]
    pairs = [(bins[0][top], bins[1][top]) for top in tops]
    return sum((x - y) ** 2 / (x + y) for x, y in pairs if x + y)


def test_a_draw_that_begins_like_its_chance_is_decided_by_the_next_bits() -> None:
    like = int(2**64 / (1 + math.e))
    chance = laplace(1, Fraction(1), draw=_constant(0)).tolist()

    assert chance == [0]
    assert abs(like - digit_bits(Fraction(1), 64)) < 2**12
    first = digit_bits(Fraction(1), 64).to_bytes(8, "little")
    assert coins(1, digit_bits, Fraction(1), _then(first, bytes(8))).tolist() == [True]
    assert coins(1, digit_bits, Fraction(1), _then(first, b"\xff" * 8)).tolist() == [False]


def test_the_first_bits_of_a_chance_are_those_of_its_longer_form() -> None:
    for at in (Fraction(1, 10**9), Fraction(1, 3), Fraction(40), Fraction(90)):
        assert digit_bits(at, 192) >> 128 == digit_bits(at, 64)


def _constant(value: int) -> Callable[[int], bytes]:
    return lambda count: bytes([255 - value]) * count


def _then(*parts: bytes) -> Callable[[int], bytes]:
    rest = iter(parts)
    return lambda _: next(rest)
