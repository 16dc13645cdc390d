from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.errors import StaleError
from jobs.grant import ScenarioId
from jobs.job import Job, JobState
from jobs.proof.bodies import dump
from jobs.record import budgets, documents, grants
from jobs.record.event import Event
from jobs.record.schema import granted
from jobs.steps import revoke
from sandbox.asset import Digest
from sandbox.order import Ended, Outcome, QueryOrder
from tests.jobs.record.examples import IMAGE
from tests.jobs.steps.town import GRANT, LOANS, QUERY, Town, under

LOST = Outcome(ended=Ended.ENGINE_FAILED)


def rules(job: Job) -> list[str]:
    return [reason.rule for reason in job.reasons]


@pytest.mark.req("E-08")
def test_what_starts_is_ordered_in_its_own_epoch(either: Town) -> None:
    job, order = either.start(either.submit(), images=[IMAGE])

    assert order is not None
    assert (job.state, job.epoch, order.epoch) == (JobState.RUNNING, 1, 1)
    assert either.now(job) == job
    assert either.kinds(job.id)[-1] == "job.started"


@pytest.mark.req("E-08")
def test_a_grant_that_was_suspended_while_the_job_waited_refuses_it(town: Town) -> None:
    queued = town.submit()
    with town.record.writing() as tx:  # as if the stop had missed it
        tx.change(granted.update().values(state="suspended"))
        tx.note(Event("grant.suspended", GRANT.id, "P-lead", {}))

    job, order = town.start(queued)

    assert order is None
    assert (job.state, rules(job)) == (JobState.REFUSED, ["admit.suspended"])


@pytest.mark.req("E-08")
def test_a_grant_that_expired_while_the_job_waited_refuses_it(either: Town) -> None:
    queued = either.submit(QUERY)
    either.clock.now += timedelta(days=365)

    job, order = either.start(queued)

    assert order is None
    assert (job.state, rules(job)) == (JobState.REFUSED, ["admit.term"])
    assert either.balance().reserved == 0


@pytest.mark.req("E-08")
def test_a_grant_that_was_altered_in_the_record_is_no_grant(town: Town) -> None:
    queued = town.submit()
    with town.record.writing() as tx:
        kept = grants.get(tx, GRANT.id).signed
        wider = replace(kept, grant=replace(kept.grant, max_uses=10**6))
        tx.change(granted.update().values(body=dump(wider)))
        tx.note(Event("grant.altered", GRANT.id, "somebody", {}))

    job, order = town.start(queued)

    assert order is None
    assert rules(job) == ["admit.grant"]


@pytest.mark.req("H-04")
def test_the_charge_stands_with_the_start_and_in_every_scope(either: Town) -> None:
    queued = either.submit(QUERY)
    assert either.balance().reserved == 0

    job, order = either.start(queued)

    assert isinstance(order, QueryOrder)
    assert order.assets == (LOANS,)
    assert either.balance().reserved == either.balance("asset:LOANS").reserved > 0
    assert either.kinds(job.id)[-2:] == ["budget.reserved", "job.started"]


@pytest.mark.req("H-04")
def test_of_all_who_start_on_the_last_of_a_budget_one_does(either: Town) -> None:
    queued = [either.submit(QUERY) for _ in range(12)]

    with ThreadPoolExecutor(12) as pool:
        started = [job for job, _ in pool.map(either.start, queued)]

    states = [job.state for job in started]
    assert (states.count(JobState.RUNNING), states.count(JobState.REFUSED)) == (1, 11)
    with either.record.reading() as tx:
        assert len(budgets.charges(tx, f"grant:{GRANT.id}")) == 1


def test_one_job_is_started_once_though_many_try(either: Town) -> None:
    queued = either.submit(QUERY)

    def attempt(_: int) -> str:
        try:
            return str(either.start(queued)[0].state)
        except StaleError:
            return "stale"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(8)))

    assert sorted(set(said)) == ["running", "stale"]
    assert said.count("running") == 1
    assert either.now(queued).epoch == 1


@pytest.mark.req("N-04")
def test_a_lost_querys_charge_stands_and_pays_for_its_second_attempt(either: Town) -> None:
    again = either.ran(either.running(QUERY), LOST)
    reserved = either.balance().reserved
    assert again.state is JobState.QUEUED
    assert reserved > 0

    job, order = either.start(again)

    assert order is not None
    assert (job.state, job.epoch) == (JobState.RUNNING, 2)
    assert either.balance().reserved == reserved
    assert either.kinds(job.id).count("budget.reserved") == 1


@pytest.mark.req("N-04")
def test_a_query_that_failed_has_spent_its_budget_all_the_same(town: Town) -> None:
    town.ran(town.running(QUERY), Outcome(ended=Ended.FAILED))

    assert town.balance().reserved > 0
    assert rules(town.submit(QUERY)) == ["admit.budget"]


def test_a_second_attempt_is_no_second_use(town: Town) -> None:
    town.issue(under("SC-2", max_uses=1))
    lost = town.ran(town.start(town.submit(scenario=ScenarioId("SC-2")))[0], LOST)

    job, order = town.start(lost)

    assert order is not None
    assert job.epoch == 2
    assert rules(town.submit(scenario=ScenarioId("SC-2"))) == ["admit.uses"]


def test_uses_are_counted_when_jobs_start_and_not_when_they_wait(town: Town) -> None:
    town.issue(under("SC-2", max_uses=1))
    first, second = (town.submit(scenario=ScenarioId("SC-2")) for _ in range(2))

    assert town.start(second)[0].state is JobState.RUNNING
    assert rules(town.start(first)[0]) == ["admit.uses"]


def test_a_job_that_was_stopped_first_does_not_start(town: Town) -> None:
    queued = town.submit(QUERY)
    with town.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
        revoke.lift(tx, GRANT.id, actor="P-lead")
    size = town.log_size()

    with pytest.raises(StaleError):
        town.start(queued)

    assert (town.log_size(), town.balance().reserved) == (size, 0)


def test_a_job_reads_the_version_of_an_asset_that_its_grant_names(town: Town) -> None:
    newer = replace(LOANS, version=2, snapshot=Digest("sha256:" + "9" * 64), rows=7)
    paper = documents.Document(kind="asset", id="LOANS@2", body=dump(newer), at=town.clock())
    with town.record.writing() as tx:
        documents.add(tx, paper, Event("asset.registered", "LOANS", "P-adm", {}))

    _, order = town.start(town.submit(QUERY))

    assert isinstance(order, QueryOrder)
    assert order.assets == (LOANS,)
