"""Walks through keys trip the guard; customers' lists do not."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.rules.enumeration import PER_DAY, RUN, Day, enumeration_reasons, is_walk

CANARY = "CANARY-7f3a"
_WEIGHTS = [pow(2, 17 - at, 11) for at in range(17)]


def resident(number: int) -> str:
    """Return a resident id (GB 11643-1999) of a district and a day; the number counts on through days."""
    body = f"310101{19800000 + number // 1000:08}{number % 1000:03}"
    total = sum(int(sign) * weight for sign, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def rules(units: Sequence[str], *, asked: int = 10, hits: int = 10) -> list[str]:
    found = list(enumeration_reasons(units, Day(asked=asked, hits=hits)))
    assert CANARY not in repr(found)
    return [each.rule for each in found]


@pytest.mark.req("H-08")
def test_a_million_sequential_ids_trip_the_guard() -> None:
    units = [f"{CANARY}-{number}" for number in range(1_000_000)]

    assert rules(units, asked=len(units), hits=len(units)) == ["ask.sequential", "ask.rate"]


def shuffled(units: Sequence[str]) -> list[str]:
    return random.Random(7).sample(units, len(units))


WALKS = {
    "numbers": [str(number) for number in range(500, 600)],
    "with a prefix": [f"person-{number:04}" for number in range(100)],
    "shuffled": shuffled([str(number) for number in range(100)]),
    "backwards": [str(number) for number in range(100, 0, -1)],
    "in steps": [str(number * 1009) for number in range(50)],
    "in steps, shuffled": shuffled([str(number * 1009) for number in range(50)]),
    "every other one": [str(number) for number in range(0, 200, 2)],
    "some left out": [str(number) for number in range(100) if number % 7],
    "resident ids with their check digits": [resident(number) for number in range(200)],
    "enterprise codes": [f"91310000MA1FL{number:04X}X" for number in range(200)],
    "hidden among customers": [
        *(str(random.Random(number).randrange(10**9)) for number in range(500)),
        *(str(5 * 10**8 + number) for number in range(40)),
    ],
    "each twice": [str(number // 2) for number in range(100)],
    "of twenty digits": [f"{10**19 + number}" for number in range(64)],
}


@pytest.mark.parametrize("units", WALKS.values(), ids=WALKS)
def test_a_walk_through_keys_is_known(units: Sequence[str]) -> None:
    assert is_walk(units)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 2000))
def test_customers_of_a_fifth_of_all_numbers_are_no_walk(seed: int, count: int) -> None:
    dice = random.Random(seed)

    assert not is_walk([str(one) for one in dice.sample(range(10 * count + 1000), count)])


def test_customers_with_resident_ids_are_no_walk() -> None:
    dice = random.Random(11)

    assert not is_walk([resident(number) for number in dice.sample(range(3_000_000), 5000)])


def test_fewer_keys_than_a_run_are_no_walk() -> None:
    assert not is_walk([str(number) for number in range(RUN - 1)])
    assert is_walk([str(number) for number in range(RUN)])


@pytest.mark.parametrize("units", [[], ["", "-", "键"], [CANARY]])
def test_keys_without_a_sign_are_no_walk(units: list[str]) -> None:
    assert not is_walk(units)


@pytest.mark.req("H-08")
def test_a_day_has_an_end_and_its_hits_a_floor() -> None:
    assert rules([CANARY], asked=PER_DAY, hits=PER_DAY) == []
    assert rules([CANARY], asked=PER_DAY + 1, hits=PER_DAY) == ["ask.rate"]
    assert rules([CANARY], asked=20, hits=10) == []
    assert rules([CANARY], asked=20, hits=9) == ["ask.hits"]
    assert rules([CANARY], asked=19, hits=0) == [], "a few are looked at later"
