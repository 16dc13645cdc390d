"""What leaves is metered: by job, by scenario and by developer in a month, and kept in beyond a limit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.job import JobState
from jobs.record import releases, volumes
from jobs.record.volumes import Booked
from jobs.rules.volume import Volumes
from jobs.steps.ledger import release_named
from jobs.steps.metering import VolumeError, month_of
from sandbox.egress.inspection import Inspected
from tests.jobs.steps.town import GRANT, NOON, REPORTING, Town, clear, hold

ONE = clear().bits
"""Bits of the table that a job of the town lets out."""
WIDE = Volumes()


def limited(town: Town, **limits: int) -> Town:
    """Return the town with other limits, in bits."""
    return replace(town, volumes=replace(WIDE, **limits))


def booked(town: Town) -> Booked:
    with town.record.reading() as tx:
        return volumes.booked(
            tx, scenario=GRANT.scenario, developer=GRANT.developer, month=month_of(tx.now)
        )


def test_each_release_is_booked_in_bits_for_its_scenario_and_its_developer(either: Town) -> None:
    town = either
    for _ in range(2):
        town.release(town.approved())

    assert booked(town) == Booked(scenario=2 * ONE, developer=2 * ONE)
    with town.record.reading() as tx:
        [line] = volumes.listed(tx, month=month_of(tx.now))
    assert (line.scenario, line.developer, line.releases, line.bits) == (
        GRANT.scenario,
        GRANT.developer,
        2,
        2 * ONE,
    )


@pytest.mark.parametrize("limit", ["job", "scenario", "developer"])
def test_what_would_pass_a_limit_is_blocked_by_its_rule_and_enters_no_ledger(
    town: Town, limit: str
) -> None:
    narrow = limited(town, **{limit: ONE - 1})

    job = narrow.decided(narrow.quarantined(), Inspected((clear(),)))

    assert job.state is JobState.BLOCKED
    assert [each.rule for each in job.reasons] == ["egress.volume"]
    assert "egress.entered" not in narrow.kinds(job.id)
    assert booked(narrow) == Booked(scenario=0, developer=0)


def test_what_just_fits_leaves_and_the_next_does_not(town: Town) -> None:
    narrow = limited(town, scenario=ONE)
    narrow.release(narrow.approved())

    job = narrow.decided(narrow.quarantined(), Inspected((clear(),)))

    assert job.state is JobState.BLOCKED


def test_of_two_that_were_approved_side_by_side_the_second_stays_in(town: Town) -> None:
    narrow = limited(town, developer=ONE)
    first, second = narrow.approved(), narrow.approved()
    narrow.release(first)

    with pytest.raises(VolumeError):
        narrow.release(second)

    after = narrow.now(second)
    assert after.state is JobState.BLOCKED
    assert [each.rule for each in after.reasons] == ["egress.volume"]
    with narrow.record.reading() as tx:
        assert releases.of_job(tx, second.id) is None
    assert booked(narrow).developer == ONE


def test_with_the_month_the_room_comes_back(town: Town) -> None:
    narrow = limited(town, scenario=ONE)
    narrow.release(narrow.approved())
    narrow.clock.now = NOON + timedelta(days=30)

    narrow.release(narrow.approved())

    assert booked(narrow).scenario == ONE


def test_the_month_is_chinas() -> None:
    assert month_of(NOON.replace(month=2, day=28, hour=15, minute=59)) == "2026-02"
    assert month_of(NOON.replace(month=2, day=28, hour=16)) == "2026-03"


def test_what_people_must_sign_is_held_against_the_limits_before_they_look(town: Town) -> None:
    narrow = limited(town, job=10)
    waiting = replace(hold(), bits=11)

    job = narrow.decided(narrow.quarantined(REPORTING), Inspected((waiting,)))

    assert job.state is JobState.BLOCKED


def test_a_release_says_in_the_log_how_much_left(town: Town) -> None:
    job = town.approved()
    town.release(job)

    assert "volume.booked" in town.kinds(release_named(job.id))
