"""Second looks: the releases that were drawn by lot, looked at only under a line in the log."""

from fastapi import APIRouter, Depends

from gateway.api.shapes import Listing, Name
from gateway.api.shapes.rereview import DrawnOut, LookOut, OpinionIn
from gateway.governance.rereview import ACTION, give, looked_at, waiting
from gateway.identity import Calling, need
from gateway.rooms import TheRooms
from jobs.release import ReleaseId

router = APIRouter(prefix="/review/drawn", tags=["review"], dependencies=[Depends(need(ACTION))])


@router.get("")
def list_drawn(caller: Calling, rooms: TheRooms) -> Listing[LookOut]:
    """List the releases that were drawn for a second look, those that wait first."""
    with rooms.record.reading() as tx:
        found = waiting(tx, rooms.office, caller)
    return Listing(items=tuple(LookOut.of(look) for look in found))


@router.get("/{release_id}")
def show_drawn(release_id: Name, caller: Calling, rooms: TheRooms) -> DrawnOut:
    """Show a drawn release's files; who looked at them stands in the log before they are shown."""
    with rooms.record.writing() as tx:
        found = looked_at(tx, rooms.office, rooms.shelf, release=ReleaseId(release_id), by=caller)
    return DrawnOut.shown(found)


@router.post("/{release_id}/opinion")
def judge_drawn(release_id: Name, said: OpinionIn, caller: Calling, rooms: TheRooms) -> LookOut:
    """Say that a drawn release is in order, or object: then its download stops."""
    opinion = said.opinion(release_id, by=caller, at=rooms.clock())
    return LookOut.of(give(rooms.office, opinion, by=caller))
