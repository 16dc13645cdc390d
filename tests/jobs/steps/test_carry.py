from dataclasses import replace

import pytest

from jobs.errors import OutOfOrderError, StaleError
from jobs.job import Job, JobState
from jobs.record import documents, findings, holds, log
from jobs.steps import revoke
from jobs.steps.cancel import cancel
from jobs.steps.carry import RUNS, given_up, inputs_of, leaving
from jobs.steps.sweep import recover
from sandbox.asset import Digest
from sandbox.egress.finding import Weight
from sandbox.egress.inspection import Inspected, Maker, Verdict
from sandbox.order import Artifact, Ended, Outcome, OutputName
from tests.jobs.record.examples import SNAPSHOT
from tests.jobs.steps.town import (
    BOTH,
    CANARY,
    COUNTING,
    DEVELOPER,
    GRANT,
    O2,
    O3,
    QUERY,
    RAW,
    REPORT,
    Town,
    block,
    clear,
    finished,
    hold,
)


@pytest.mark.req("H-05")
def test_what_a_run_leaves_lies_in_quarantine_and_nowhere_else(either: Town) -> None:
    job = either.quarantined()

    assert job.state is JobState.QUARANTINED
    assert (job.ended, job.seconds) == (Ended.FINISHED, 1.5)
    assert either.hands.quarantine.kept(job.id, 1) == (Artifact(O2, "txt", REPORT),)
    assert either.on_shelf() == set()
    with either.record.reading() as tx:
        everything = repr([entry.event for entry in log.entries(tx, limit=1000)])
        note = documents.get(tx, RUNS, f"{job.id}.1").body
    assert CANARY not in everything + note + repr(either.now(job))
    assert CANARY in (either.folder / "quarantine" / f"{job.id}.1.note").read_text("utf-8")


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (Ended.FAILED, JobState.FAILED),
        (Ended.TIMED_OUT, JobState.FAILED),
        (Ended.OUT_OF_MEMORY, JobState.FAILED),
        (Ended.OUTPUT_REFUSED, JobState.FAILED),
        (Ended.STOPPED, JobState.QUEUED),
        (Ended.ENGINE_FAILED, JobState.QUEUED),
    ],
)
def test_each_other_end_has_its_state_and_keeps_nothing(
    town: Town, ended: Ended, state: JobState
) -> None:
    artifacts = (Artifact(O2, "txt", REPORT),)

    job = town.ran(town.running(), Outcome(ended=ended, artifacts=artifacts))

    assert (job.state, job.ended) == (state, ended)
    assert town.hands.quarantine.attempts() == ()


@pytest.mark.parametrize("ended", [Ended.STOPPED, Ended.ENGINE_FAILED])
def test_a_job_that_the_sandbox_loses_twice_has_failed(town: Town, ended: Ended) -> None:
    again, _ = town.start(town.ran(town.running(), Outcome(ended=ended)))

    job = town.ran(again, Outcome(ended=ended))

    assert (job.state, job.epoch) == (JobState.FAILED, 2)


@pytest.mark.req("E-15")
def test_the_outcome_of_a_job_that_was_stopped_is_void(either: Town) -> None:
    running = either.running(QUERY)
    reserved = either.balance().reserved
    with either.record.writing() as tx:
        revoke.end(tx, GRANT.id, actor="P-lead")
    size = either.log_size()

    with pytest.raises(StaleError):
        either.ran(running)

    assert either.now(running).state is JobState.STOPPED
    assert (either.log_size(), either.balance().reserved) == (size, reserved)
    assert either.kinds(running.id).count("budget.reserved") == 1


def test_the_outcome_of_an_attempt_that_was_replaced_is_void(either: Town) -> None:
    first = either.running()
    recover(either.hands)
    second, _ = either.start(either.now(first))

    with pytest.raises(StaleError):
        either.ran(first)

    assert either.now(first) == second
    assert either.hands.quarantine.kept(first.id, 2) is None


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ((clear(O2), clear(O3)), JobState.APPROVED),
        ((hold(O2), clear(O3)), JobState.HELD),
        ((clear(O3), block(O2)), JobState.BLOCKED),
        ((hold(O3), block(O2)), JobState.BLOCKED),
    ],
)
def test_the_strictest_verdict_decides(
    either: Town, verdicts: tuple[Verdict, ...], state: JobState
) -> None:
    quarantined = either.quarantined(BOTH)

    job = either.decided(quarantined, Inspected(verdicts))

    assert job.state is either.now(job).state is state
    assert either.kinds(job.id).count("egress.inspected") == 2
    with either.record.reading() as tx:
        said = [row.verdict for row in findings.of_job(tx, job.id)]
        waiting = [each.output for each in holds.holds(tx, job.id)]
    assert said == [type(each).__name__.lower() for each in verdicts]
    assert waiting == ([O2] if state is JobState.HELD else [])


def test_a_blocked_jobs_developer_reads_rule_place_and_fix(town: Town) -> None:
    job = town.now(town.decided(town.quarantined(), Inspected((block(),))))

    (told,) = job.reasons
    assert (told.rule, told.place, told.clause) == ("egress.raw_rows", "row 3", "Weifang art. 26")
    assert CANARY not in repr(job)


def test_a_verdict_on_a_job_that_was_stopped_meanwhile_is_void(either: Town) -> None:
    quarantined = either.quarantined(COUNTING)
    cancel(quarantined.id, by=DEVELOPER, record=either.record)
    size = either.log_size()

    with pytest.raises(StaleError):
        either.decided(quarantined, Inspected((clear(),)))
    with pytest.raises(StaleError):
        given_up(quarantined, hands=either.hands)

    assert either.log_size() == size
    with either.record.reading() as tx:
        assert findings.of_job(tx, quarantined.id) == []


def test_a_job_is_inspected_once(town: Town) -> None:
    quarantined = town.quarantined(COUNTING)
    town.decided(quarantined, Inspected((clear(),)))

    with pytest.raises(StaleError):
        town.decided(quarantined, Inspected((block(O3),)))

    assert town.now(quarantined).state is JobState.APPROVED


def test_what_never_ran_is_not_inspected(town: Town) -> None:
    with pytest.raises(OutOfOrderError):
        town.decided(town.submit(), Inspected((clear(),)))


def test_many_verdicts_with_long_names_still_fit_the_log(town: Town) -> None:
    names = [OutputName(f"O{number}" + "x" * 60) for number in range(80)]

    job = town.decided(
        town.quarantined(), Inspected(tuple(replace(clear(), name=name) for name in names))
    )

    assert job.state is JobState.APPROVED


@pytest.mark.parametrize(
    ("job", "maker", "outputs"),
    [("query", Maker.PLANNER, ["O1"]), ("container", Maker.CONTAINER, ["O2", "O3"])],
)
def test_an_inspection_is_held_against_the_jobs_own_grant(
    town: Town, job: str, maker: Maker, outputs: list[str]
) -> None:
    asked = town.submit(QUERY if job == "query" else BOTH)

    with town.record.reading() as tx:
        terms = leaving(tx, asked, ())

    assert (terms.policy, terms.scope, terms.views) == (GRANT.policy, GRANT.scenario, GRANT.assets)
    assert (terms.maker, [each.name for each in terms.outputs]) == (maker, outputs)


def test_inputs_are_what_was_ordered_with_the_views_that_were_read(town: Town) -> None:
    view = Digest("sha256:" + "1" * 64)
    job, order = town.start(town.submit())
    assert order is not None

    (read,) = inputs_of(order, replace(finished(job), views=(view,)))

    assert (read.asset, read.snapshot, read.view) == ("LOANS", SNAPSHOT, view)
    assert inputs_of(order, Outcome(ended=Ended.FAILED)) == ()


def test_the_same_run_is_told_once(town: Town) -> None:
    running: Job = town.running()
    town.ran(running)

    with pytest.raises(StaleError):
        town.ran(running)

    assert town.kinds(running.id).count("job.quarantined") == 1


def test_the_reasons_of_a_block_are_what_blocks_and_not_what_only_asks_for_a_person(
    town: Town,
) -> None:
    asks = replace(RAW.at("row 1"), weight=Weight.REVIEW)
    verdict = replace(block(), findings=(asks, RAW.at("row 3")))

    job = town.decided(town.quarantined(), Inspected((verdict,)))

    assert [each.place for each in job.reasons] == ["row 3"]
