"""The emergency stop of the whole domain: what it ends, what it freezes, and what it lets nobody do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.errors import OutOfOrderError, StaleError
from jobs.grant import PartyId, PersonId
from jobs.job import Job, JobId, JobState
from jobs.record import jobs, log
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.steps import stop
from jobs.steps.download import fetch, fetch_certificate
from jobs.steps.stop import DomainStoppedError, Halt, Stopper
from sandbox.egress.inspection import Inspected
from tests.jobs.steps.town import (
    CANARY,
    COUNTING,
    DEVELOPER,
    O3,
    QUERY,
    Town,
    clear,
    finished,
    officers,
    operators,
)

OFFICER = Stopper(person=PersonId("P-sec"), party=PartyId("bureau"), opinion=f"疑似泄露 {CANARY}")
LEAD = replace(OFFICER, person=PersonId("P-lead"), opinion="已排除")


def resume(town: Town) -> None:
    with town.record.writing() as tx:
        stop.resume(tx, by=LEAD)


def queued_all_the_same(town: Town) -> Job:
    """Lay a job into the queue, as if a stop had been cut before it came to the queue."""
    refused = town.submit()
    job = replace(refused, id=JobId(f"{refused.id}Q"), state=JobState.QUEUED, reasons=())
    with town.record.writing() as tx:
        jobs.add(tx, job, Event("job.queued", job.id, "system"))
    return job


def told(town: Town, kind: str) -> dict[str, str | int]:
    with town.record.reading() as tx:
        (entry,) = log.newest(tx, only=Filter(kind=kind))
    return dict(entry.event.facts) | {"who": entry.event.actor}


@pytest.mark.req("K-01")
@pytest.mark.req("E-15")
def test_a_stop_of_the_domain_ends_what_runs_and_waits_and_freezes_what_is_judged(
    either: Town,
) -> None:
    runs, waits = either.running(QUERY), either.submit()
    stays = either.quarantined(), either.held(), either.approved()

    halt = stop.close(either.record, by=OFFICER)

    for job in (runs, waits):
        now = either.now(job)
        assert (now.state, [one.rule for one in now.reasons]) == (JobState.STOPPED, [stop.RULE])
    assert [either.now(job).state for job in stays] == [job.state for job in stays]
    assert (halt.stopped, set(halt.watched)) == (2, {runs.id})
    raised = told(either, "stop.raised")
    assert (raised["who"], raised["stopped"], raised["scope"]) == ("P-sec", 2, "all")
    assert CANARY not in repr(raised)


def test_a_stopped_domain_takes_in_and_starts_nothing(town: Town) -> None:
    stop.close(town.record, by=OFFICER)

    refused = town.submit()

    assert (refused.state, [one.rule for one in refused.reasons]) == (
        JobState.REFUSED,
        [stop.RULE],
    )


def test_what_a_crash_left_in_the_queue_of_a_stopped_domain_never_starts(town: Town) -> None:
    stop.close(town.record, by=OFFICER)
    left, waits = queued_all_the_same(town), queued_all_the_same(town)

    refused, order = town.start(left)
    resume(town)

    assert (refused.state, order) == (JobState.REFUSED, None)
    assert town.now(waits).state is JobState.STOPPED


@pytest.mark.req("E-15")
def test_nothing_is_released_or_handed_over_while_the_domain_is_stopped(either: Town) -> None:
    out = either.release(either.approved())
    approved = either.approved()
    stop.close(either.record, by=OFFICER)
    ask = {"by": DEVELOPER, "record": either.record, "shelf": either.hands.shelf}

    with pytest.raises(DomainStoppedError):
        either.release(approved)
    with pytest.raises(DomainStoppedError):
        fetch(out.id, O3, **ask)  # type: ignore[arg-type]  # each by its name
    with pytest.raises(DomainStoppedError):
        fetch_certificate(out.id, **ask)  # type: ignore[arg-type]  # each by its name
    assert either.now(approved).state is JobState.APPROVED
    assert "release.downloaded" not in either.kinds(out.id)
    resume(either)
    assert fetch(out.id, O3, **ask).content  # type: ignore[arg-type]  # each by its name
    assert either.release(approved).job == approved.id


def test_a_run_that_ended_as_the_domain_was_stopped_leaves_nothing(town: Town) -> None:
    job = town.running(COUNTING)
    stop.close(town.record, by=OFFICER)

    with pytest.raises(StaleError):
        town.ran(job, finished(job))

    assert town.now(job).state is JobState.STOPPED


def test_what_was_frozen_goes_on_once_the_domain_is_resumed(town: Town) -> None:
    held, waiting = town.held(), town.quarantined(COUNTING)
    stop.close(town.record, by=OFFICER)
    resume(town)

    town.says(operators(held))
    town.says(officers(held))
    town.decided(waiting, Inspected((clear(),)))

    assert [town.now(job).state for job in (held, waiting)] == [JobState.APPROVED] * 2
    assert town.submit().state is JobState.QUEUED


def test_a_domain_is_stopped_once_and_resumed_once(town: Town) -> None:
    with pytest.raises(OutOfOrderError):
        resume(town)
    stop.close(town.record, by=OFFICER)
    with pytest.raises(OutOfOrderError):
        stop.close(town.record, by=OFFICER)
    resume(town)
    with town.record.reading() as tx:
        assert not stop.stopped(tx)
        assert stop.closed_by(tx) is None
    stop.close(town.record, by=LEAD)


@pytest.mark.req("E-15")
def test_a_stop_is_confirmed_once_the_engine_has_no_container_of_it(either: Town) -> None:
    job = either.running()
    halt = stop.close(either.record, by=OFFICER)

    still = stop.confirm(either.record, halt, housed={job.id, "J-of-another"})
    either.clock.now += timedelta(milliseconds=1234)
    gone = stop.confirm(either.record, halt, housed={"J-of-another"})
    either.clock.now += timedelta(seconds=60)
    again = stop.confirm(either.record, halt, housed=())

    assert still.milliseconds is None
    assert gone.milliseconds == again.milliseconds == 1234
    assert told(either, "stop.emptied")["milliseconds"] == 1234
    assert _open(either) == ()


def test_the_newest_stop_is_listed_first(town: Town) -> None:
    first = stop.close(town.record, by=OFFICER)
    resume(town)
    town.clock.now += timedelta(seconds=1)
    second = stop.close(town.record, by=LEAD)

    with town.record.reading() as tx:
        assert [each.id for each in stop.newest(tx)] == [second.id, first.id]
        assert stop.get(tx, first.id) == first


def _open(town: Town) -> tuple[Halt, ...]:
    with town.record.reading() as tx:
        return stop.unconfirmed(tx)
