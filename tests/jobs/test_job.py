import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import OutOfOrderError
from jobs.job import ENDS, NEXT, Job, JobState
from tests.jobs.record.examples import JOB

STATES = st.lists(st.sampled_from(JobState), max_size=20)
LINE = (
    JobState.QUEUED,
    JobState.RUNNING,
    JobState.QUARANTINED,
    JobState.HELD,
    JobState.APPROVED,
    JobState.RELEASED,
)


def walk(path: list[JobState]) -> tuple[Job, list[JobState]]:
    job, seen = JOB, [JOB.state]
    for state in path:
        if state in NEXT[job.state]:
            job = job.to(state)
            seen.append(state)
    return job, seen


@given(st.integers(0, len(LINE)), STATES)
def test_no_path_reaches_release_but_through_admission_run_quarantine_and_approval(
    steps: int, path: list[JobState]
) -> None:
    job, seen = walk([*LINE[:steps], *path])

    if job.state is JobState.RELEASED:
        *_, run, quarantine, decided, out = (state for state in seen if state is not JobState.HELD)
        assert (run, quarantine) == (JobState.RUNNING, JobState.QUARANTINED)
        assert (decided, out) == (JobState.APPROVED, JobState.RELEASED)
        assert seen[1] is JobState.QUEUED


@given(st.integers(0, len(LINE)), STATES)
def test_the_epoch_counts_the_starts(steps: int, path: list[JobState]) -> None:
    job, seen = walk([*LINE[:steps], *path])

    assert job.epoch == seen.count(JobState.RUNNING)


def test_the_straight_line_leads_to_release() -> None:
    assert walk(list(LINE))[0].state is JobState.RELEASED


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("state", JobState)
def test_nothing_follows_an_end(end: JobState, state: JobState) -> None:
    ended = walk([*LINE, end])[0] if end is JobState.RELEASED else _ended(end)

    with pytest.raises(OutOfOrderError, match=f"is {end}, and cannot become {state}"):
        ended.to(state)


def _ended(end: JobState) -> Job:
    for steps in range(len(LINE)):
        job, _ = walk([*LINE[:steps], end])
        if job.state is end:
            return job
    raise AssertionError(end)
