"""The seats' verdicts on held outputs."""

from fastapi import APIRouter

from gateway.api.review import Reviewer, seats_open_to
from gateway.api.shapes import Name
from gateway.api.shapes.review import VerdictIn, VerdictOut
from gateway.governance.errors import RoleError
from gateway.rooms import TheRooms
from jobs.steps.review import give_verdict

router = APIRouter(prefix="/review", tags=["review"])


@router.post("/{job_id}/verdict")
def judge_held(job_id: Name, said: VerdictIn, caller: Reviewer, rooms: TheRooms) -> VerdictOut:
    """Give one seat's verdict; the seat's own rules are asked again as it is written down."""
    if said.seat not in seats_open_to(rooms, caller):
        raise RoleError(f"none of your roles may take {said.seat}")
    verdict = said.verdict(job_id, by=caller, at=rooms.clock())
    give_verdict(verdict, record=rooms.record)
    return VerdictOut.of(verdict)
