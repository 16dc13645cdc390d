"""The seats' queue: held outputs, looked at only under a line in the log."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends

from gateway.api.shapes import Listing, Name
from gateway.api.shapes.review import (
    CaseOut,
    HeldOut,
    VerdictOut,
    WaitingOut,
    waiting,
)
from gateway.governance.errors import RoleError
from gateway.governance.verdicts import concerning, concerns, seats_open_to
from gateway.identity import Caller, Calling
from gateway.rooms import Rooms, TheRooms
from jobs.errors import NotFoundError
from jobs.grant import Grant
from jobs.job import Job, JobId, JobState
from jobs.record import grants, holds
from jobs.record.database import Reading
from jobs.record.event import Event
from jobs.rules.quorum import heard_by
from jobs.steps.earlier import last_version, related

router = APIRouter(prefix="/review", tags=["review"])


def reviewing(caller: Calling, rooms: TheRooms) -> Caller:
    """Return the caller where one of its roles has a seat; raise `RoleError` for anybody else."""
    if not seats_open_to(caller, rooms.office.rules.duties):
        raise RoleError("none of your roles has a seat")
    return caller


Reviewer = Annotated[Caller, Depends(reviewing)]


@router.get("/queue")
def list_held(caller: Reviewer, rooms: TheRooms) -> Listing[WaitingOut]:
    """List the held jobs that concern the caller's seats, the longest waiting first."""
    duties = rooms.office.rules.duties
    with rooms.record.reading() as tx:
        found = [(job, grants.get(tx, job.grant).signed.grant) for job in holds.queue(tx)]
        items = tuple(
            WaitingOut.of(job, grant, holds.verdicts(tx, job.id, job.epoch))
            for job, grant in found
            if concerns(grant, caller, duties)
        )
    return Listing(items=items)


@router.get("/{job_id}")
def show_held(job_id: Name, caller: Reviewer, rooms: TheRooms) -> CaseOut:
    """Show a held job's outputs; who looked at them stands in the log before they are shown."""
    with rooms.record.writing() as tx:
        job, grant = _case(tx, rooms, caller, JobId(job_id))
        case = _shown(tx, rooms, caller, job=job, grant=grant)
        told: dict[str, str | int] = {"party": caller.party, "epoch": job.epoch}
        told |= {f"last.{each.output}": each.last.of for each in case.outputs if each.last}
        tx.note(Event("review.viewed", job.id, caller.person, told))
    return case


def _case(tx: Reading, rooms: Rooms, caller: Caller, job_id: JobId) -> tuple[Job, Grant]:
    job, grant = concerning(tx, rooms.office.rules.duties, caller, job=job_id)
    if job.state is not JobState.HELD:
        raise NotFoundError(f"no job {job_id}")
    return job, grant


def _shown(tx: Reading, rooms: Rooms, caller: Caller, *, job: Job, grant: Grant) -> CaseOut:
    verdicts = holds.verdicts(tx, job.id, job.epoch)
    may_see = partial(concerns, by=caller, duties=rooms.office.rules.duties)
    return CaseOut(
        job=job.id,
        epoch=job.epoch,
        scenario=grant.scenario,
        grant=grant.id,
        developer=job.developer,
        outputs=tuple(
            HeldOut.of(hold, last_version(tx, hold, shelf=rooms.shelf, may_see=may_see))
            for hold in holds.holds(tx, job.id)
        ),
        related=related(tx, job, may_see=may_see),
        verdicts=tuple(VerdictOut.of(each) for each in heard_by(caller.person, verdicts)),
        waiting=waiting(grant, verdicts),
    )
