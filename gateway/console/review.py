"""The seats' desk: held outputs with their evidence, and the verdict that a person signs."""

from itertools import islice
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, StringConstraints

from gateway.console.cases import queue, viewed
from gateway.console.door import SEATS, ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.console.texts import catalogue
from gateway.governance import verdicts
from gateway.governance.errors import SeatRefusedError
from gateway.governance.refusal import Refused
from jobs.job import JobId
from jobs.release import Seat, SeatVerdict, Vote
from sandbox.asset import Digest
from sandbox.reason import Reason

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
LONGEST_QUEUE = 200

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class VerdictForm(BaseModel):
    """What a reviewer sends: the vote, the words, and the digests that were on the page."""

    epoch: int
    seat: Seat
    vote: Vote
    signed: tuple[Annotated[str, StringConstraints(max_length=80)], ...] = ()
    read: Literal["yes", ""] = ""
    compliance: Words = ""
    safety: Words = ""
    consistency: Words = ""
    reason: Words = ""

    @property
    def complete(self) -> bool:
        """Say whether every text that the seat must give is there (Shanghai art. 23)."""
        three = (self.compliance, self.safety, self.consistency)
        return bool(self.read and self.reason and (self.seat is not Seat.OPERATOR or all(three)))


@router.get("/review")
def list_held(desk: TheDesk) -> Response:
    """List the held outputs that concern the reader's seats, those that wait longest first."""
    desk.demand(*SEATS)
    with desk.record.reading() as tx:
        return desk.show("review_queue.html", rows=tuple(islice(queue(tx, desk), LONGEST_QUEUE)))


@router.get("/review/{job_id}")
def show_case(desk: TheDesk, job_id: str) -> Response:
    """Show one held job to a reviewer, and note in the log who has seen it."""
    case = viewed(desk, JobId(job_id))
    return desk.show("review_case.html", case=case, failed=(), typed=None)


@router.post("/review/{job_id}/verdict")
def give(desk: TheDeskWithForm, job_id: str, said: Annotated[VerdictForm, Form()]) -> Response:
    """Sign a verdict on the digests that the reviewer saw."""
    refused = _signed(desk, JobId(job_id), said) if said.complete else _incomplete()
    if refused is None:
        return RedirectResponse("/console/review?done=verdict", status_code=303)
    case = viewed(desk, JobId(job_id))
    return desk.show("review_case.html", status=422, case=case, failed=refused.reasons, typed=said)


def _signed(desk: Desk, job_id: JobId, said: VerdictForm) -> Refused | None:
    """Have the verdict written down, or return why the reader may not take that seat."""
    verdict = SeatVerdict(
        job=job_id,
        epoch=said.epoch,
        seat=said.seat,
        person=desk.caller.person,
        party=desk.caller.party,
        vote=said.vote,
        compliance=said.compliance,
        safety=said.safety,
        consistency=said.consistency,
        reason=said.reason,
        signed=tuple(Digest(digest) for digest in said.signed),
        at=desk.now,
    )
    try:
        verdicts.give(desk.rooms.office, verdict, by=desk.caller)
    except SeatRefusedError as error:
        return Refused(error.reasons)
    return None


def _incomplete() -> Refused:
    why = Reason(
        rule="review.incomplete",
        why=catalogue()["verdict.empty.why"],
        fix=catalogue()["verdict.empty.fix"],
        clause="Shanghai art. 23",
    )
    return Refused((why,))
