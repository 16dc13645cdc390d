"""How a budget burns down, and when it will be used up."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.governance.burning import Burning

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=1000)


def after(days: float) -> datetime:
    return BEGINS + timedelta(days=days)


def burn(*used: tuple[float, int], now: float) -> Burning:
    charges = tuple((after(days), total) for days, total in used)
    return Burning(begins=BEGINS, ends=ENDS, now=after(now), limit=100, used=charges)


def test_each_charge_is_a_step_down_at_its_own_time() -> None:
    assert burn((10, 20), (500, 70), now=600).steps == ((10, 800), (500, 300))


def test_charges_of_one_moment_of_the_chart_are_one_step() -> None:
    assert burn((10.1, 20), (10.2, 30), (10.9, 45), now=600).steps == ((10, 550),)


def test_a_budget_that_was_overdrawn_ends_at_nothing() -> None:
    assert burn((10, 120), now=20).steps == ((10, 0),)


@pytest.mark.parametrize(
    ("used", "now", "day"),
    [
        (((10, 50),), 100, date(2026, 7, 20)),  # half in 100 days: the rest in 100 more
        (((10, 100),), 100, date(2026, 4, 11)),  # nothing is left: today
        (((10, 5),), 100, None),  # it lasts its time
        ((), 100, None),
        (((0, 5),), 0, None),
    ],
)
def test_the_day_on_which_it_is_used_up_follows_the_pace_so_far(
    used: tuple[tuple[float, int], ...], now: float, day: date | None
) -> None:
    assert burn(*used, now=now).runs_out == day
