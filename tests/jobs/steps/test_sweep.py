import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.job import Job, JobState
from jobs.proof.bodies import digest_of
from jobs.record import jobs, releases
from jobs.record.event import Event
from jobs.release import ReleaseId
from jobs.steps.sweep import (
    clear_quarantine,
    finish_releases,
    keep_to_terms,
    recover,
)
from sandbox.asset import Digest
from sandbox.egress.inspection import Inspected
from sandbox.order import Ended, Outcome
from tests.jobs.record import examples
from tests.jobs.record.examples import NOON
from tests.jobs.steps.town import (
    CANARY,
    COUNTING,
    GRANT,
    O1,
    QUERY,
    TABLE,
    Town,
    block,
    clear,
)


def test_a_run_that_nobody_has_in_hand_is_queued_again_and_then_fails(either: Town) -> None:
    job = either.running()

    assert recover(either.hands) == 1
    assert either.now(job).state is JobState.QUEUED
    either.start(either.now(job))
    assert recover(either.hands) == 1
    assert (either.now(job).state, either.now(job).ended) == (JobState.FAILED, Ended.ENGINE_FAILED)
    assert recover(either.hands) == 0


def test_a_run_that_is_in_hand_goes_on(town: Town) -> None:
    mine, lost = town.running(), town.running()

    assert recover(town.hands, known=[mine.id]) == 1

    assert town.now(mine).state is JobState.RUNNING
    assert town.now(lost).state is JobState.QUEUED


@pytest.mark.req("H-04")
def test_a_query_whose_worker_died_twice_is_charged_once_and_never_refunded(either: Town) -> None:
    job = either.running(QUERY)
    price = either.balance().reserved

    recover(either.hands)
    either.start(either.now(job))
    recover(either.hands)

    assert either.now(job).state is JobState.FAILED
    assert (either.balance().reserved, either.balance().spent) == (price, 0)
    assert either.kinds(job.id).count("budget.reserved") == 1


@pytest.mark.req("H-04")
def test_a_query_whose_worker_died_once_is_released_at_one_price(either: Town) -> None:
    job = either.running(QUERY)
    price = either.balance().reserved
    recover(either.hands)
    running, _ = either.start(either.now(job))

    either.release(either.decided(either.ran(running), Inspected((clear(O1),))))

    assert (either.balance().reserved, either.balance().spent) == (0, price)


def released(town: Town) -> Job:
    job = town.approved(COUNTING)
    town.release(job)
    return job


OVER: list[tuple[str, Callable[[Town], Job]]] = [
    ("blocked", lambda town: town.decided(town.quarantined(), Inspected((block(),)))),
    ("released", released),
]


@pytest.mark.parametrize("make", [case[1] for case in OVER], ids=[case[0] for case in OVER])
def test_what_an_ended_job_left_is_destroyed(town: Town, make: Callable[[Town], Job]) -> None:
    job = make(town)
    assert town.hands.quarantine.kept(job.id, 1) is not None

    assert clear_quarantine(town.hands) == 1

    assert town.hands.quarantine.attempts() == ()
    left = [path for path in (town.folder / "quarantine").rglob("*") if path.suffix != ".note"]
    assert left == []


def test_what_still_waits_is_kept(town: Town) -> None:
    waiting = [town.quarantined(), town.held(), town.approved()]

    assert clear_quarantine(town.hands) == 0

    assert all(town.hands.quarantine.kept(job.id, 1) for job in waiting)


def test_what_an_earlier_attempt_or_no_job_at_all_left_is_destroyed(town: Town) -> None:
    job, _ = town.start(town.ran(town.running(), Outcome(ended=Ended.ENGINE_FAILED)))
    town.hands.quarantine.keep(job.id, 1, ())
    town.hands.quarantine.keep(job.id, 2, ())
    town.hands.quarantine.keep("J-unknown", 1, ())

    assert clear_quarantine(town.hands) == 2

    assert town.hands.quarantine.attempts() == ((job.id, 2),)


def test_staged_bytes_that_no_release_names_are_thrown_away(town: Town) -> None:
    town.hands.shelf.stage(CANARY.encode())

    finish_releases(town.hands)

    assert (town.hands.shelf.staged(), town.on_shelf()) == ([], set())


def test_a_release_of_a_job_that_was_held_long_is_laid_out_too(town: Town) -> None:
    """Releases are listed by their jobs' submission: this one has many younger ones before it."""
    with town.record.writing() as tx:
        for number in range(102):
            job = replace(examples.job(number), state=JobState.RELEASED, grant=GRANT.id)
            jobs.add(tx, job, Event("job.submitted", job.id, "system", {}))
            file = replace(examples.FILE, digest=_digest(number))
            out = replace(
                examples.RELEASE,
                id=ReleaseId(f"R-{number:026}"),
                job=job.id,
                files=(file,),
                certificate=_digest(number),
                at=NOON,
            )
            releases.add(tx, out, Event("release.made", job.id, "system", {}))
    oldest = town.hands.shelf.stage(_content(0))

    finish_releases(town.hands)

    assert town.hands.shelf.fetch(oldest) == _content(0)


def test_the_sweep_takes_nothing_off_the_shelf(town: Town) -> None:
    town.release(town.approved(COUNTING))
    before = town.on_shelf()

    finish_releases(town.hands)

    assert town.on_shelf() == before
    assert digest_of(TABLE) in before


def _content(number: int) -> bytes:
    return TABLE + str(number).encode()


def _digest(number: int) -> Digest:
    return digest_of(_content(number))


def test_what_a_run_said_is_forgotten_after_half_a_year_and_not_before(town: Town) -> None:
    job = town.quarantined()
    place = town.folder / "quarantine" / f"{job.id}.{job.epoch}.note"
    written = town.clock().timestamp()
    os.utime(place, (written, written))

    assert keep_to_terms(town.hands) == 0
    town.clock.now += timedelta(days=186)
    assert keep_to_terms(town.hands) == 1
    assert not place.exists()
