from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ConflictError
from jobs.grant import GrantId, PersonId, ScenarioId
from jobs.job import JobState
from jobs.record import jobs
from jobs.steps import revoke
from jobs.steps.submit import (
    CODE_BYTES,
    CODE_FILES,
    BadBundleError,
    Bundle,
    Submission,
    Submitter,
    new_id,
)
from sandbox.order import ContainerOrder
from tests.jobs.steps.town import DEVELOPER, GRANT, QUERY, REPORTING, Town, under

CODE = Bundle(files=(("main.py", b"print('\xff\x00')\n"), ("lib/a.py", b"")))


def with_code(*files: tuple[str, bytes]) -> Submission:
    return Submission(scenario=GRANT.scenario, work=REPORTING, bundle=Bundle(files=files))


@pytest.mark.req("J-02")
def test_a_job_is_written_down_before_it_is_judged(either: Town) -> None:
    job = either.submit()

    assert either.kinds(job.id) == ["job.submitted", "job.queued"]
    assert either.now(job) == job
    assert (job.state, job.epoch, job.developer) == (JobState.QUEUED, 0, DEVELOPER.party)


def test_asking_again_under_one_key_answers_with_the_same_job(either: Town) -> None:
    first = either.submit(key="k1")
    either.start(first)

    again = either.submit(key="k1")

    assert (again.id, again.state) == (first.id, JobState.RUNNING)
    assert either.kinds(first.id).count("job.submitted") == 1


def test_one_key_does_not_bear_another_submission(either: Town) -> None:
    either.submit(key="k1")
    size = either.log_size()

    with pytest.raises(ConflictError, match="idempotency key"):
        either.submit(QUERY, key="k1")

    assert either.log_size() == size


def test_a_key_is_its_persons_own_and_no_key_is_none(town: Town) -> None:
    grant = under("SC-2", people=(*GRANT.people, PersonId("P-dev2")))
    town.issue(grant)
    asked = Submission(scenario=grant.scenario, work=REPORTING, key="k1")

    mine = town.ask(asked)
    theirs = town.ask(asked, by=Submitter(person=PersonId("P-dev2"), party=DEVELOPER.party))
    keyless = {town.ask(replace(asked, key="")).id for _ in range(2)}

    assert len({mine.id, theirs.id, *keyless}) == 4


def test_fifty_threads_with_one_key_make_one_job(either: Town) -> None:
    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(lambda _: either.submit(key="k1").id, range(50)))

    assert len(set(made)) == 1
    with either.record.reading() as tx:
        assert len(jobs.listed(tx)) == 1
    assert either.kinds(made[0]) == ["job.submitted", "job.queued"]


def test_code_arrives_at_the_start_as_it_was_given(either: Town) -> None:
    job = either.ask(with_code(*CODE.files))

    _, order = either.start(job)

    assert isinstance(order, ContainerOrder)
    assert order.code == CODE.files


@pytest.mark.parametrize(
    "files",
    [
        [("../main.py", b"")],
        [("/main.py", b"")],
        [("a//b.py", b"")],
        [(".hidden", b"")],
        [("a/b/c/d/e.py", b"")],
        [("a b.py", b"")],
        [("主.py", b"")],
        [("main.py\n", b"")],
        [("", b"")],
        [("a" * 101, b"")],
        [("parameters.json", b"")],
        [("parameters.json/a.py", b"")],
        [("lib", b""), ("lib/a.py", b"")],
        [("main.py", b"1"), ("main.py", b"2")],
        [("main.py", bytes(CODE_BYTES + 1))],
        [(f"f{number}.py", b"") for number in range(CODE_FILES + 1)],
    ],
    ids=lambda files: repr(files[0][0])[:24],
)
def test_a_bundle_that_could_not_lie_in_a_folder_is_not_taken(
    town: Town, files: list[tuple[str, bytes]]
) -> None:
    size = town.log_size()

    with pytest.raises(BadBundleError):
        town.ask(with_code(*files))

    assert town.log_size() == size


def test_a_bundle_may_use_its_bounds_in_full(town: Town) -> None:
    job = town.ask(with_code(("a/b/c/d.py", bytes(CODE_BYTES))))

    assert job.state is JobState.QUEUED


def test_a_version_that_ended_does_not_hide_the_one_that_replaced_it(town: Town) -> None:
    newer = replace(under("SC-2"), version=2)
    older = replace(newer, id=GrantId("SC-2.v0"), version=1)
    town.issue(newer)
    town.issue(older)
    with town.record.writing() as tx:
        revoke.end(tx, newer.id, actor="P-lead")

    job = town.submit(scenario=ScenarioId("SC-2"))

    assert (job.grant, job.state) == (older.id, JobState.QUEUED)


def test_the_newest_version_is_the_one_that_counts(town: Town) -> None:
    town.issue(under("SC-2"))
    newer = replace(under("SC-2"), id=GrantId("SC-2.v2"), version=2)
    town.issue(newer)

    assert town.submit(scenario=ScenarioId("SC-2")).grant == newer.id


@pytest.mark.req("B-07")
@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), JobState.QUEUED),
        (datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC), JobState.REFUSED),
    ],
)
def test_the_last_day_ends_at_midnight_in_china(
    town: Town, moment: datetime, state: JobState
) -> None:
    town.clock.now = moment

    assert town.submit().state is state


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=20))
def test_ids_sort_by_the_time_of_submission(times: list[int]) -> None:
    ids = [new_id(time) for time in sorted(set(times))]

    assert ids == sorted(ids)
    assert all(len(each) == 28 for each in ids)
