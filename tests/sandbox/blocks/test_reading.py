"""What a block left is read by a total function: whatever it is, each coordinate has one place in its box."""

import struct
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.blocks.reading import NO_VOTE, NOTHING, places
from sandbox.blocks.terms import Label, Scale
from tests.sandbox.blocks.ground import MEAN, terms

SUM = replace(MEAN, name="sum", scale=Scale.EXTENSIVE)
VOTE = Label(name="vote", labels=("a", "b", "c"))
ASKED = terms(k=50, coordinates=(MEAN, SUM, VOTE))
MIDDLE = (500, 500, NO_VOTE)


def doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@given(st.binary(min_size=0, max_size=40))
@example(doubles(1e308, -1e308, 1e308))
@example(doubles(5e-324, -0.0, -0.0))
def test_no_bytes_fail_and_all_places_lie_in_the_box(content: bytes) -> None:
    mean, total, vote = places(content, ASKED)

    assert 0 <= mean < MEAN.points
    assert 0 <= total < SUM.points
    assert vote in {NO_VOTE, 0, 1, 2}


@pytest.mark.parametrize(
    "content",
    [
        NOTHING,
        b"canary",
        doubles(1, 1),
        doubles(1, 1, 1, 1),
        doubles(1, 1, 1) + b"\n",
        doubles(float("nan"), float("inf"), float("-inf")),
    ],
)
def test_what_is_not_one_finite_double_each_counts_as_the_middle(content: bytes) -> None:
    assert places(content, ASKED) == MIDDLE


def test_one_value_that_is_no_number_spoils_no_other() -> None:
    assert places(doubles(2.5, float("nan"), 1.0), ASKED) == (250, 500, 1)


@pytest.mark.parametrize(
    ("value", "place"),
    [(0, 0), (0.004, 0), (0.006, 1), (9.996, 1000), (10, 1000), (11, 1000), (-3, 0), (0.015, 1)],
)
def test_a_value_is_clipped_and_put_on_the_nearest_point(value: float, place: int) -> None:
    assert places(doubles(value, 0, 0), ASKED)[0] == place


def test_an_extensive_value_is_multiplied_by_the_number_of_blocks_exactly() -> None:
    assert places(doubles(0, 0.125, 0), ASKED)[1] == 625


@pytest.mark.parametrize("value", [-1, 3, 0.5, 1e300])
def test_a_vote_for_no_label_is_no_vote(value: float) -> None:
    assert places(doubles(0, 0, value), ASKED)[2] == NO_VOTE


def test_a_box_far_from_zero_loses_no_digit() -> None:
    far = replace(MEAN, lower=Decimal("123456789.01"), upper=Decimal("123456790.01"))

    assert places(doubles(123456789.51), terms(coordinates=(far,))) == (50,)
