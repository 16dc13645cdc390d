"""A place is told when it is asked for, and what it could carry is charged to the grant."""

from dataclasses import replace

import pytest

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import PartyId
from jobs.job import Job, JobState
from jobs.rules.admit import Refused
from jobs.rules.learned import learned
from jobs.rules.places import ALLOWANCE
from jobs.steps.locate import Told, locate, spent, told_before
from jobs.steps.submit import Bundle, Submission
from sandbox.egress.inspection import Inspected
from sandbox.order import Ended, Outcome
from tests.jobs.steps.town import CANARY, DEVELOPER, GRANT, QUERY, REPORTING, Town, block

CODE = Bundle(files=(("main.py", b"import os\nx = 1\nraise ValueError(x)\n"),))
NOTE = f"""{CANARY}
Traceback (most recent call last):
  File "/job/main.py", line {{}}, in <module>
ValueError: {CANARY}
"""


def failed(town: Town, *, line: int = 3) -> Job:
    """Return a job whose program failed at a line of its own."""
    asked = Submission(scenario=GRANT.scenario, work=REPORTING, bundle=CODE)
    job, _ = town.start(town.ask(asked))
    return town.ran(job, Outcome(ended=Ended.FAILED, seconds=0.2, note=NOTE.format(line)))


def ask(town: Town, job: Job) -> Told | Refused:
    return locate(job.id, by=DEVELOPER, record=town.record)


def test_a_failed_program_is_told_by_its_error_and_its_line_only_when_asked_for(
    either: Town,
) -> None:
    job = failed(either)

    unasked, asked = learned(either.now(job)), ask(either, job)

    assert [(each.rule, each.place) for each in unasked.reasons] == [("run.value_error", "")]
    assert asked == Told(rule="run.value_error", place="main.py, line 3", bits=3, left=509)
    assert CANARY not in repr((unasked, asked))
    assert either.kinds(job.id)[-1] == "job.place_told"


def test_a_second_asking_is_free(town: Town) -> None:
    job = failed(town)

    assert ask(town, job) == ask(town, job)
    with town.record.reading() as tx:
        assert spent(tx, GRANT.id) == 3
        assert told_before(tx, job.id) == ask(town, job)


def test_a_line_that_the_developer_did_not_send_in_is_not_told_and_costs_the_same(
    town: Town,
) -> None:
    told = ask(town, failed(town, line=77))

    assert told == Told(rule="run.value_error", place="", bits=3, left=509)


def test_the_place_of_a_finding_is_told_when_asked_for(town: Town) -> None:
    job = town.decided(town.quarantined(), Inspected((block(),)))

    told = ask(town, job)

    assert isinstance(told, Told)
    assert (told.rule, told.place) == ("egress.raw_rows", "row 3")
    assert told.bits > 12
    assert [each.place for each in learned(town.now(job)).reasons] == [""]


def test_once_the_allowance_is_used_up_no_place_is_told(town: Town) -> None:
    answers: list[Told | Refused] = []
    while not answers or isinstance(answers[-1], Told):
        answers.append(ask(town, town.decided(town.quarantined(), Inspected((block(),)))))

    assert isinstance(answers[-1], Refused)
    assert [each.rule for each in answers[-1].reasons] == ["learned.allowance"]
    with town.record.reading() as tx:
        assert spent(tx, GRANT.id) <= ALLOWANCE


def test_nothing_is_told_of_anothers_job_or_of_one_without_a_reason(town: Town) -> None:
    job = failed(town)
    rival = replace(DEVELOPER, party=PartyId("rival"))

    with pytest.raises(NotFoundError):
        locate(job.id, by=rival, record=town.record)
    with pytest.raises(OutOfOrderError):
        ask(town, town.held())


def test_a_query_that_failed_has_no_line(town: Town) -> None:
    job = town.ran(town.running(QUERY), Outcome(ended=Ended.FAILED, note=CANARY))

    assert (job.state, learned(job).reasons) == (JobState.FAILED, ())
    with pytest.raises(OutOfOrderError):
        ask(town, job)
