"""The seats' verdicts on held outputs."""

from fastapi import APIRouter

from gateway.api.review import Reviewer
from gateway.api.shapes import Name
from gateway.api.shapes.review import VerdictIn, VerdictOut
from gateway.governance.verdicts import give
from gateway.rooms import TheRooms

router = APIRouter(prefix="/review", tags=["review"])


@router.post("/{job_id}/verdict")
def judge_held(job_id: Name, said: VerdictIn, caller: Reviewer, rooms: TheRooms) -> VerdictOut:
    """Give one seat's verdict on a held job."""
    verdict = said.verdict(job_id, by=caller, at=rooms.clock())
    give(rooms.office, verdict, by=caller)
    return VerdictOut.of(verdict)
