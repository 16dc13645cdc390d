"""Whatever is done in whatever order: what is released was decided, certified and, if held, signed."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs.errors import JobsError
from jobs.job import Job, JobState
from jobs.proof.certificate import verify
from jobs.record import findings, releases
from jobs.release import Release, Seat, Vote
from jobs.steps import revoke
from jobs.steps.cancel import cancel
from jobs.steps.carry import given_up
from jobs.steps.sweep import clear_quarantine, finish_releases, recover
from sandbox.egress.inspection import Inspected
from sandbox.errors import SandboxError
from sandbox.order import Ended, Outcome
from tests.jobs.steps.town import (
    DEVELOPER,
    GRANT,
    O2,
    REPORT,
    Town,
    block,
    clear,
    hold,
    officers,
    operators,
    verdict,
)

Step = Callable[[Town, Job], object]


def suspend_and_lift(town: Town, _: Job) -> None:
    with town.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
    with town.record.writing() as tx:
        revoke.lift(tx, GRANT.id, actor="P-lead")


def sweep(town: Town, _: Job) -> None:
    recover(town.hands)
    clear_quarantine(town.hands)
    finish_releases(town.hands)


STEPS: dict[str, Step] = {
    "start": lambda town, job: town.start(job),
    "finish": lambda town, job: town.ran(job),
    "hold": lambda town, job: town.decided(job, Inspected((hold(),))),
    "operator passes": lambda town, job: town.says(operators(job)),
    "officer passes": lambda town, job: town.says(officers(job)),
    "release": lambda town, job: town.release(job),
    "fail": lambda town, job: town.ran(job, Outcome(ended=Ended.FAILED)),
    "lose": lambda town, job: town.ran(job, Outcome(ended=Ended.ENGINE_FAILED)),
    "clear": lambda town, job: town.decided(job, Inspected((clear(O2, REPORT),))),
    "block": lambda town, job: town.decided(job, Inspected((block(),))),
    "say nothing": lambda town, job: town.decided(job, Inspected(())),
    "give up": lambda town, job: given_up(job, hands=town.hands),
    "operator blocks": lambda town, job: town.says(operators(job, vote=Vote.BLOCK)),
    "officer blocks": lambda town, job: town.says(officers(job, vote=Vote.BLOCK)),
    "developer passes": lambda town, job: town.says(
        verdict(job, Seat.SECURITY, "P-dev", party="acme")
    ),
    "operator passes again": lambda town, job: town.says(
        verdict(job, Seat.SECURITY, "P-op2", party="operator")
    ),
    "cancel": lambda town, job: cancel(job.id, by=DEVELOPER, record=town.record),
    "suspend and lift": suspend_and_lift,
    "sweep": sweep,
}
LINE = tuple(STEPS)[:6]
"""The straight line of a held output."""
MOVES = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), max_size=12)
"""A step, and whether it is taken on the job as the record has it, or as it was seen before."""


@pytest.mark.req("H-14")
@pytest.mark.req("N-04")
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(LINE)), MOVES)
@example(len(LINE), [("release", False), ("cancel", False)])
@example(3, [("operator passes", False), ("operator passes again", False), ("release", True)])
def test_no_order_of_steps_reaches_release_without_log_certificate_and_seats(
    town: Town, begun: int, moves: list[tuple[str, bool]]
) -> None:
    job = take(town, town.submit(), [*((name, False) for name in LINE[:begun]), *moves])

    with town.record.reading() as tx:
        out = releases.of_job(tx, job.id)
    assert (out is not None) is (job.state is JobState.RELEASED)
    decided = town.kinds(job.id).count("job.released")
    assert decided == (job.state is JobState.RELEASED)
    if out is not None:
        proven(town, job, out)


@pytest.mark.req("H-06")
def test_the_straight_line_is_released(town: Town) -> None:
    job = take(town, town.submit(), [(name, False) for name in LINE])

    assert job.state is JobState.RELEASED
    assert town.seats(job) == {Seat.OPERATOR, Seat.SECURITY}


@pytest.mark.parametrize("missing", range(len(LINE)))
def test_no_step_of_the_line_can_be_left_out(town: Town, missing: int) -> None:
    line = [(name, False) for name in LINE if name != LINE[missing]]

    job = take(town, town.submit(), line)

    assert job.state is not JobState.RELEASED
    assert town.on_shelf() == set()


def take(town: Town, job: Job, moves: list[tuple[str, bool]]) -> Job:
    """Take each step that can be taken, and return the job as the record has it then."""
    before = job
    for name, late in moves:
        now = town.now(job)
        try:
            STEPS[name](town, before if late else now)
        except (JobsError, SandboxError):
            continue
        finally:
            before = now
    return town.now(job)


def proven(town: Town, job: Job, out: Release) -> None:
    kinds, shelf = town.kinds(job.id), town.hands.shelf
    assert kinds.index("release.decided") < kinds.index("job.released")
    files = {file.file: shelf.fetch(file.digest) for file in out.files}
    facts = verify(shelf.fetch(out.certificate), keys=town.keys.trusted, files=files).facts
    assert (facts.job, facts.epoch) == (job.id, job.epoch)
    with town.record.reading() as tx:
        said = {row.verdict for row in findings.of_job(tx, job.id) if row.epoch == job.epoch}
    assert said == {"held"}  # the grant's class is `reviewed`: a clearance alone does not do
    assert town.seats(job) == {Seat.OPERATOR, Seat.SECURITY}
