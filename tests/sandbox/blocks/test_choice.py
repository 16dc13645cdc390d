"""The private choices have exactly the distribution that the proof speaks of, and scores that one block moves by one."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from sandbox.blocks.tilt import (
    SECURE,
    WHOLE,
    chosen,
    cost,
    epsilon_of,
    median,
    numerator_for,
    plurality,
    powers,
)
from sandbox.privacy.accounting import PICO
from sandbox.privacy.errors import CostError

DRAWS = 20_000
ERROR = 1e-6
"""The chance that a sound sampler fails one of these tests."""
POINTS = 24
PLACES = (0, 3, 7, 7, 7, 8, 12, 12, 20, 23, 23)
EPSILON = 0.8


def score(point: int, places: Sequence[int]) -> Fraction:
    """Return a point's score by its definition, from every place."""
    half = Fraction(len(places), 2)
    below, above = sum(p < point for p in places), sum(p > point for p in places)
    return -max(below - half, above - half, Fraction(0))


def expected(epsilon: float, places: Sequence[int] = PLACES) -> list[float]:
    """Return the exponential mechanism's distribution, point by point."""
    weights = [math.exp(epsilon / 2 * float(score(point, places))) for point in range(POINTS)]
    return [weight / sum(weights) for weight in weights]


def statistic(draws: list[int], wanted: list[float]) -> float:
    seen = Counter(draws)
    return sum((seen[i] - DRAWS * p) ** 2 / (DRAWS * p) for i, p in enumerate(wanted))


def medians(numerator: int, random: Random) -> list[int]:
    weights = powers(numerator, len(PLACES))
    return [
        median(PLACES, points=POINTS, weights=weights, draw=random.randrange) for _ in range(DRAWS)
    ]


def base(epsilon: float) -> int:
    return round(math.exp(-epsilon / 4) * WHOLE)


def test_the_median_has_the_exponential_mechanisms_distribution() -> None:
    found = statistic(medians(base(EPSILON), Random(1)), expected(EPSILON))

    assert found < chi2.ppf(1 - ERROR, POINTS - 1)


def test_a_median_that_leans_one_fifth_too_much_would_be_noticed() -> None:
    found = statistic(medians(base(EPSILON * 1.2), Random(1)), expected(EPSILON))

    assert found > chi2.ppf(1 - ERROR, POINTS - 1)


def test_the_median_by_the_systems_own_randomness_is_the_same() -> None:
    weights = powers(base(EPSILON), len(PLACES))
    draws = [median(PLACES, points=POINTS, weights=weights, draw=SECURE) for _ in range(DRAWS)]

    assert statistic(draws, expected(EPSILON)) < chi2.ppf(1 - ERROR, POINTS - 1)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=3))
def test_every_point_has_exactly_as_many_tickets_as_its_weight(places: list[int]) -> None:
    weights = [2**h * 5 ** (len(places) - h) for h in range(len(places) + 1)]
    wanted = [weights[int(-2 * score(point, places))] for point in range(10)]

    def drawn(ticket: int) -> int:
        return median(places, points=10, weights=weights, draw=lambda most: min(ticket, most - 1))

    tickets = Counter(map(drawn, range(sum(wanted))))

    assert [tickets[point] for point in range(10)] == wanted


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=9),
    st.integers(0, 8),
    st.integers(0, 9),
)
def test_one_block_changes_no_score_by_more_than_one(
    places: list[int], which: int, to: int
) -> None:
    other = [*places]
    other[which % len(places)] = to

    changes = [abs(score(point, places) - score(point, other)) for point in range(10)]

    assert max(changes) <= 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_some_point_is_a_median_however_many_places_coincide(places: list[int]) -> None:
    assert max(score(point, places) for point in range(10)) == 0


def test_many_equal_places_are_found_on_a_large_grid() -> None:
    weights = powers(numerator_for(PICO // 2, choices=1), 100)

    found = {median([777] * 100, points=1 << 20, weights=weights, draw=SECURE) for _ in range(50)}

    assert found == {777}


def test_a_label_wins_by_the_exponential_mechanism() -> None:
    votes, random = [0] * 3 + [1] * 5 + [2] * 4 + [-1], Random(2)
    weights = powers(base(EPSILON), 2 * len(votes))

    draws = [
        plurality(votes, labels=4, weights=weights, draw=random.randrange) for _ in range(DRAWS)
    ]

    raw = [math.exp(EPSILON / 2 * count) for count in (3, 5, 4, 0)]
    assert statistic(draws, [each / sum(raw) for each in raw]) < chi2.ppf(1 - ERROR, 3)


def test_a_class_without_candidates_is_never_drawn() -> None:
    assert {chosen([0, 2, 0, 1], [9, 1, 9, 1], draw=lambda _, t=t: t) for t in range(3)} == {  # type: ignore[misc]
        (1, 0),
        (1, 1),
        (3, 0),
    }


@given(rho=st.integers(10**6, 100 * PICO), choices=st.integers(1, 1000))
def test_the_base_is_the_strongest_that_the_budget_pays_for(rho: int, choices: int) -> None:
    numerator = numerator_for(rho, choices=choices)

    assert cost(numerator, choices=choices) <= rho
    assert numerator == 1 or cost(numerator - 1, choices=choices) > rho


@given(st.integers(1, WHOLE - 1), st.integers(1, 1000))
def test_a_cost_is_that_of_its_epsilon_and_never_below(numerator: int, choices: int) -> None:
    epsilon = epsilon_of(numerator)

    assert float(epsilon) == pytest.approx(-4 * math.log(numerator / WHOLE), rel=1e-9)
    assert choices * epsilon**2 / 8 <= Fraction(cost(numerator, choices=choices), PICO)
    assert cost(numerator, choices=choices) <= choices * epsilon**2 / 8 * PICO + 1


@pytest.mark.parametrize("numerator", [0, -1, WHOLE + 1])
def test_what_is_no_base_has_no_cost(numerator: int) -> None:
    with pytest.raises(CostError):
        cost(numerator, choices=1)
