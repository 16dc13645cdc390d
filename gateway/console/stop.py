"""The emergency stop's page: what is stopped, by whom, how long it took, and the two buttons."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, StringConstraints

from gateway.console.door import ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.console.views import StopLine
from gateway.governance import emergency
from gateway.governance.errors import SeatRefusedError
from gateway.governance.office import MAX_OPINION
from jobs.steps import stop
from jobs.steps.stop import Halt
from sandbox.reason import Reason

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_OPINION)]


class OpinionForm(BaseModel):
    """Why it is stopped, or may go on."""

    opinion: Words = ""


@router.get("/stop")
def show_stop(desk: TheDesk) -> Response:
    """Show whether the domain is stopped, and the newest stops."""
    return _page(desk)


@router.post("/stop/now")
def stop_now(desk: TheDeskWithForm, said: Annotated[OpinionForm, Form()]) -> Response:
    """Stop the whole domain."""
    try:
        emergency.stop_domain(desk.rooms.office, by=desk.caller, opinion=said.opinion)
    except SeatRefusedError as error:
        return _page(desk, failed=error.reasons)
    return RedirectResponse("/console/stop?done=stopped", status_code=303)


@router.post("/stop/resume")
def resume(desk: TheDeskWithForm, said: Annotated[OpinionForm, Form()]) -> Response:
    """Open the domain again."""
    try:
        emergency.resume_domain(desk.rooms.office, by=desk.caller, opinion=said.opinion)
    except SeatRefusedError as error:
        return _page(desk, failed=error.reasons)
    return RedirectResponse("/console/stop?done=resumed", status_code=303)


def _page(desk: Desk, *, failed: tuple[Reason, ...] = ()) -> Response:
    emergency.demand_reader(desk.rooms.office, desk.caller)
    with desk.record.reading() as tx:
        closed, found = stop.closed_by(tx), stop.newest(tx)
    return desk.show(
        "stop.html",
        status=422 if failed else 200,
        closed=closed,
        rows=tuple(_line(halt) for halt in found),
        failed=failed,
        may_resume=desk.may(emergency.LIFT),
    )


def _line(halt: Halt) -> StopLine:
    return StopLine(
        id=halt.id,
        scope=halt.scope,
        target=halt.target,
        person=halt.by.person,
        opinion=halt.by.opinion,
        stopped=halt.stopped,
        took="" if halt.milliseconds is None else str(halt.milliseconds),
        at=halt.at,
    )
