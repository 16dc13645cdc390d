"""The cases of the seats: which held outputs concern a reader, and all that a seat sees of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.console.door import SEATS, Desk
from gateway.console.views import Case, HeldOutput, QueueRow, SeatLine, titled
from gateway.governance.verdicts import barred, concerning, concerns
from jobs.errors import NotFoundError, RecordBrokenError
from jobs.grant import Grant
from jobs.job import Job, JobId, JobState
from jobs.proof import bodies
from jobs.record import grants, holds
from jobs.record.database import Reading
from jobs.record.event import Event
from jobs.record.holds import Hold
from jobs.release import Seat
from jobs.rules.quorum import heard_by, seats_of
from jobs.steps.earlier import MaySee, last_version, related, seen
from sandbox.egress.finding import Finding
from sandbox.reason import Reason


def viewed(desk: Desk, job_id: JobId) -> Case:
    """Return the case of one held job, noting in the log that this reader saw it.

    Raise `NotFoundError` where there is none, or none that concerns the reader's seats.
    """
    desk.demand(*SEATS)
    with desk.record.writing() as tx:
        case = _case(tx, desk, job_id)
        told: dict[str, str | int] = {"party": desk.caller.party, "epoch": case.epoch}
        told |= {f"digest.{output.name}": output.digest for output in case.outputs}
        told |= {f"last.{output.name}": output.last.of for output in case.outputs if output.last}
        tx.note(Event("review.viewed", job_id, desk.caller.person, told))
    return case


def queue(tx: Reading, desk: Desk) -> Iterator[QueueRow]:
    """Return the held jobs that concern the reader, the longest waiting first."""
    for job in holds.queue(tx):
        grant = grants.get(tx, job.grant).signed.grant
        if not concerns(grant, desk.caller, desk.rules.duties):
            continue
        held = holds.holds(tx, job.id)
        yield QueueRow(
            job=job.id,
            scenario=grant.scenario,
            title=titled(grant),
            developer=job.developer,
            outputs=tuple(hold.output for hold in held),
            findings=sum(len(_findings(hold)) for hold in held),
            seats=_seats(tx, desk, job, grant),
            yours=_place(tx, desk, job, grant).mine is not None,
            at=job.submitted_at,
        )


@dataclass(frozen=True, slots=True)
class _Place:
    mine: Seat | None
    barred: tuple[Reason, ...] = ()


def _case(tx: Reading, desk: Desk, job_id: JobId) -> Case:
    job, grant = concerning(tx, desk.rules.duties, desk.caller, job=job_id)
    if job.state is not JobState.HELD:
        raise NotFoundError(f"no held outputs of {job_id}")
    place = _place(tx, desk, job, grant)
    return Case(
        job=job.id,
        epoch=job.epoch,
        grant=grant,
        outputs=tuple(_output(tx, desk, hold, grant) for hold in holds.holds(tx, job_id)),
        related=related(tx, job, may_see=_may_see(desk)),
        seats=_seats(tx, desk, job, grant),
        mine=place.mine,
        barred=place.barred,
    )


def _seats(tx: Reading, desk: Desk, job: Job, grant: Grant) -> tuple[SeatLine, ...]:
    verdicts = holds.verdicts(tx, job.id, job.epoch)
    spoken = {verdict.seat for verdict in verdicts}
    heard = {verdict.seat: verdict for verdict in heard_by(desk.caller.person, verdicts)}
    return tuple(
        SeatLine(seat=seat, spoken=seat in spoken, verdict=heard.get(seat))
        for seat in seats_of(grant)
    )


def _place(tx: Reading, desk: Desk, job: Job, grant: Grant) -> _Place:
    """Return the first empty seat of the reader's kind where it is free now, or why it is not."""
    operator = desk.caller.party == grant.operator
    waiting = (
        line.seat
        for line in _seats(tx, desk, job, grant)
        if not line.spoken and desk.may(line.seat) and (line.seat is Seat.OPERATOR) == operator
    )
    seat = next(waiting, None)
    if seat is None:
        return _Place(None)
    reasons = barred(tx, desk.rules, desk.caller, job=job, seat=seat)
    return _Place(None, reasons) if reasons else _Place(seat)


def _output(tx: Reading, desk: Desk, hold: Hold, grant: Grant) -> HeldOutput:
    terms = grant.output(hold.output)
    if terms is None:
        raise RecordBrokenError(f"held output {hold.output} is not one of grant {grant.id}")
    return HeldOutput(
        name=hold.output,
        file=hold.file,
        media_type=hold.media_type,
        digest=hold.digest,
        terms=terms,
        view=seen(hold),
        last=last_version(tx, hold, shelf=desk.rooms.shelf, may_see=_may_see(desk)),
        findings=_findings(hold),
    )


def _may_see(desk: Desk) -> MaySee:
    return partial(concerns, by=desk.caller, duties=desk.rules.duties)


def _findings(hold: Hold) -> tuple[Finding, ...]:
    return bodies.load(tuple[Finding, ...], hold.findings_json)
