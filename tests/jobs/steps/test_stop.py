from collections.abc import Callable, Sequence
from threading import Thread

import pytest

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import GrantId, PartyId, PersonId, ScenarioId
from jobs.job import Job, JobId, JobState
from jobs.record import grants, log
from jobs.record.database import Writing
from jobs.record.event import Event, EventError
from jobs.steps import revoke
from jobs.steps.cancel import STOPPABLE, cancel
from jobs.steps.submit import Submitter
from tests.jobs.steps.town import (
    COUNTING,
    DEVELOPER,
    GRANT,
    QUERY,
    Town,
    under,
)

Stop = Callable[..., tuple[JobId, ...]]
STOPS = [(revoke.suspend, "admit.suspended"), (revoke.end, "admit.ended")]


def one_of_each(town: Town) -> dict[JobState, Job]:
    return {
        JobState.QUEUED: town.submit(),
        JobState.RUNNING: town.running(QUERY),
        JobState.QUARANTINED: town.quarantined(),
        JobState.HELD: town.held(),
        JobState.APPROVED: town.approved(),
    }


@pytest.mark.req("E-15")
@pytest.mark.parametrize(("stop", "rule"), STOPS)
def test_what_could_still_come_to_something_stops_in_one_transaction(
    either: Town, stop: Stop, rule: str
) -> None:
    going = one_of_each(either)
    assert set(going) == set(STOPPABLE)

    with either.record.writing() as tx:
        stopped = stop(tx, GRANT.id, actor="P-lead")

    assert set(stopped) == {job.id for job in going.values()}
    for job in going.values():
        now = either.now(job)
        assert (now.state, [each.rule for each in now.reasons]) == (JobState.STOPPED, [rule])
        assert either.kinds(job.id)[-1] == "job.stopped"


@pytest.mark.req("E-15")
@pytest.mark.parametrize(("stop", "_rule"), STOPS)
def test_a_stop_that_does_not_commit_stops_nothing(either: Town, stop: Stop, _rule: str) -> None:
    going = one_of_each(either)
    size = either.log_size()

    with pytest.raises(EventError), either.record.writing() as tx:  # noqa: PT012 - one transaction
        stop(tx, GRANT.id, actor="P-lead")
        tx.note(Event("no kind", GRANT.id, "P-lead"))

    assert {either.now(job).state for job in going.values()} == set(going)
    assert either.log_size() == size


@pytest.mark.req("E-15")
def test_what_has_ended_and_what_is_anothers_goes_untouched(town: Town) -> None:
    town.issue(under("SC-2"))
    other = town.submit(scenario=ScenarioId("SC-2"))
    released = town.approved(COUNTING)
    town.release(released)

    with town.record.writing() as tx:
        assert revoke.end(tx, GRANT.id, actor="P-lead") == ()

    assert town.now(other).state is JobState.QUEUED
    assert town.now(released).state is JobState.RELEASED


@pytest.mark.req("E-15")
def test_a_lifted_grant_takes_new_jobs_and_what_it_stopped_stays_stopped(either: Town) -> None:
    stopped = either.submit()
    with either.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
    with either.record.writing() as tx:
        revoke.lift(tx, GRANT.id, actor="P-lead")

    assert either.now(stopped).state is JobState.STOPPED
    assert either.submit().state is JobState.QUEUED


@pytest.mark.req("E-15")
@pytest.mark.parametrize("step", [revoke.suspend, revoke.lift, revoke.end])
def test_a_grant_that_ended_stays_ended(
    town: Town, step: Callable[..., Sequence[JobId] | None]
) -> None:
    with town.record.writing() as tx:
        revoke.end(tx, GRANT.id, actor="P-lead")

    with pytest.raises(OutOfOrderError), town.record.writing() as tx:
        step(tx, GRANT.id, actor="P-lead")


def test_a_grant_that_is_not_there_cannot_be_stopped(town: Town) -> None:
    with pytest.raises(NotFoundError), town.record.writing() as tx:
        revoke.suspend(tx, GrantId("SC-9.v1"), actor="P-lead")


@pytest.mark.req("E-15")
def test_no_job_slips_in_beside_a_suspension(either: Town) -> None:
    """However submissions and the stop fall, no job is queued under a suspended grant."""
    made: list[Job] = []
    threads = [Thread(target=lambda: made.append(either.submit())) for _ in range(8)]
    for thread in threads[:4]:
        thread.start()
    with either.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
    for thread in threads[4:]:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    states = {either.now(job).state for job in made}
    assert states <= {JobState.STOPPED, JobState.REFUSED}
    with either.record.reading() as tx:
        assert grants.get(tx, GRANT.id).state == "suspended"


@pytest.mark.parametrize("state", STOPPABLE)
def test_a_developer_entity_cancels_its_own_job(town: Town, state: JobState) -> None:
    job = one_of_each(town)[state]

    cancelled = cancel(job.id, by=DEVELOPER, record=town.record)

    assert cancelled.state is town.now(job).state is JobState.STOPPED
    assert town.kinds(job.id)[-1] == "job.cancelled"


def test_a_query_that_is_cancelled_while_it_runs_has_spent_its_budget(town: Town) -> None:
    job = town.running(QUERY)

    cancel(job.id, by=DEVELOPER, record=town.record)

    assert town.balance().reserved > 0


def test_another_partys_job_does_not_exist(town: Town) -> None:
    job = town.submit()
    rival = Submitter(person=PersonId("P-rival"), party=PartyId("rival"))

    with pytest.raises(NotFoundError, match=f"no job {job.id}"):
        cancel(job.id, by=rival, record=town.record)
    with pytest.raises(NotFoundError, match="no job J-none"):
        cancel(JobId("J-none"), by=rival, record=town.record)

    assert town.now(job).state is JobState.QUEUED


def test_a_job_that_ended_is_not_cancelled(town: Town) -> None:
    job = town.approved(COUNTING)
    town.release(job)

    with pytest.raises(OutOfOrderError, match="has ended: it is released"):
        cancel(job.id, by=DEVELOPER, record=town.record)


@pytest.mark.req("J-02")
def test_a_stop_tells_who_did_it_and_under_which_rule(town: Town) -> None:
    job = town.submit()

    def last(tx: Writing) -> log.Entry:
        return log.newest(tx, limit=1, only=log.Filter(subject=job.id))[0]

    with town.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
        event = last(tx).event

    assert (event.actor, event.facts) == ("P-lead", {"rule": "admit.suspended"})
