"""The second look: the releases that were drawn by lot, each with its bytes, and the opinion that a person signs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, StringConstraints

from gateway.console.door import ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.governance import rereview
from gateway.governance.rereview import Drawn
from jobs.release import ReleaseId
from jobs.steps.rereview import MAX_WORDS, Opinion, Says
from sandbox.asset import Digest

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_WORDS)]


class OpinionForm(BaseModel):
    """What somebody sends who looked again: the words, and the digests that were on the page."""

    says: Says
    words: Words
    read: Literal["yes"]
    signed: tuple[Annotated[str, StringConstraints(max_length=80)], ...]


@router.get("/rereview")
def list_drawn(desk: TheDesk) -> Response:
    """List the releases that were drawn, those that wait first."""
    with desk.record.reading() as tx:
        rows = rereview.waiting(tx, desk.rooms.office, desk.caller)
    return desk.show("review_drawn.html", rows=rows)


@router.get("/rereview/{release_id}")
def show_drawn(desk: TheDesk, release_id: str) -> Response:
    """Show one drawn release, and note in the log who has seen it."""
    return desk.show("review_again.html", drawn=_looked_at(desk, ReleaseId(release_id)))


@router.post("/rereview/{release_id}/opinion")
def give(desk: TheDeskWithForm, release_id: str, said: Annotated[OpinionForm, Form()]) -> Response:
    """Sign an opinion on the files that were shown."""
    opinion = Opinion(
        release=ReleaseId(release_id),
        person=desk.caller.person,
        party=desk.caller.party,
        says=said.says,
        words=said.words,
        signed=tuple(Digest(digest) for digest in said.signed),
        at=desk.now,
    )
    rereview.give(desk.rooms.office, opinion, by=desk.caller)
    return RedirectResponse("/console/rereview?done=opinion", status_code=303)


def _looked_at(desk: Desk, release: ReleaseId) -> Drawn:
    office, shelf = desk.rooms.office, desk.rooms.shelf
    with desk.record.writing() as tx:
        return rereview.looked_at(tx, office, shelf, release=release, by=desk.caller)
