"""Choices: of a quantile by exact exponential weights, and of private keys by a threshold that keeps its delta."""

import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.privacy.choosing import chosen
from sandbox.privacy.selection import threshold_for

STEPS = 2**20
RUNS = 20_000
CRITICAL = 39.0
"""The chi-square quantile of 5 degrees of freedom at below one in a million: the test's error rate."""


def test_a_choice_has_exponential_chances() -> None:
    scores = [0, 1, 2, 3, 5, 9]
    weights = [math.exp(-score / 2) for score in scores]

    seen = Counter(chosen([scores] * RUNS, Fraction(2)))

    wanted = [RUNS * weight / sum(weights) for weight in weights]
    assert sum((seen[i] - w) ** 2 / w for i, w in enumerate(wanted)) < CRITICAL


@pytest.mark.parametrize(("word", "place"), [(0, 0), (2**63 - 1, 0), (2**63, 1), (2**64 - 1, 1)])
def test_a_point_at_a_bound_is_decided_by_more_bits(word: int, place: int) -> None:
    words = iter([word.to_bytes(8, "little"), bytes(16)])

    found = chosen([[7, 7]], Fraction(1), draw=lambda count: next(words, b"1" * count))

    assert found == [place]


def test_doubles_and_decimals_choose_alike() -> None:
    rng = random.Random(7)
    scores = [[rng.randrange(2**40) for _ in range(20)] for _ in range(200)]
    words = rng.randbytes(8 * 200)
    scale = Fraction(2**38, 3)

    found = chosen(scores, scale, draw=lambda count: words if count > 16 else bytes(count))

    slow = []
    for row, at in zip(scores, range(0, 1600, 8), strict=True):
        point = int.from_bytes(words[at : at + 8], "little") / 2**64
        weights = [math.exp(-float((s - min(row)) / scale)) for s in row]
        bounds = [sum(weights[: i + 1]) / sum(weights) for i in range(len(row))]
        slow.append(sum(bound <= point for bound in bounds))
    assert found == slow


def test_no_score_is_too_far_to_be_weighed() -> None:
    assert chosen([[2**61, 0], [0, 2**61]], Fraction(1, 3)) == [1, 0]
    assert chosen([], Fraction(1)) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    scale=st.fractions(min_value=Fraction(1, 10), max_value=300),
    delta=st.integers(5, 25).map(lambda digits: Fraction(1, 10**digits)),
    most=st.integers(1, 1000),
)
def test_the_threshold_keeps_its_delta_for_every_number_of_keys(
    scale: Fraction, delta: Fraction, most: int
) -> None:
    found = threshold_for(one=STEPS, scale=scale * STEPS, delta=delta, most=most)

    for keys in range(1, most + 1):
        vote = STEPS / math.sqrt(keys)
        tail = math.erfc((found - vote) / float(scale * STEPS) / math.sqrt(2)) / 2
        assert keys * tail <= float(delta) * (1 + 1e-9)


def test_the_threshold_is_not_far_above_the_least_that_keeps_it() -> None:
    found = threshold_for(one=STEPS, scale=Fraction(3 * STEPS), delta=Fraction(1, 10**9), most=1)

    exact = 1 + 3 * 5.9978
    assert exact <= found / STEPS <= exact * 1.02


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_a_choice_costs_no_more_rho_than_its_event_states(epsilon: float) -> None:
    """Hold epsilon^2 / 8 against the Renyi divergence of two places whose chances differ by the whole range."""
    event_rho = epsilon**2 / 8

    for odds in (k / 20 - epsilon for k in range(int(epsilon * 20) + 1)):
        p, q = (1 / (1 + math.exp(-x)) for x in (odds, odds + epsilon))
        for order in (1.1, 2, 5, 20, 100):
            parts = (p**order * q ** (1 - order), (1 - p) ** order * (1 - q) ** (1 - order))
            assert math.log(sum(parts)) / (order - 1) <= order * event_rho * (1 + 1e-9)
