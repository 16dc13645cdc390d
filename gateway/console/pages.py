"""The console: one router over all its pages."""

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Response

from gateway.console import (
    anchors,
    budgets,
    consents,
    egress_log,
    home,
    jobs,
    releases,
    rereview,
    review,
    runs,
    scenarios,
    session,
    stop,
)
from gateway.console.door import ConsoleRoute, TheDesk
from jobs.errors import NotFoundError

router = APIRouter(include_in_schema=False)
rest = APIRouter(prefix="/console", route_class=ConsoleRoute)
_TYPES = {"console.css": "text/css", "mark.svg": "image/svg+xml"}


@rest.get("/static/{name}")
def give_static(name: Literal["console.css", "mark.svg"]) -> Response:
    """Give one of the console's own two files."""
    content = files("gateway.console").joinpath("static", name).read_bytes()
    return Response(content, media_type=_TYPES[name], headers={"Cache-Control": "max-age=300"})


@rest.get("/{page:path}")
def miss(desk: TheDesk, page: str) -> Response:
    """Answer for every address that is no page."""
    raise NotFoundError(f"no page of {len(page)} characters for {desk.caller.person}")


OFFICE = (home, session, scenarios, jobs, releases, budgets)
STAFF = (review, rereview, egress_log, runs, consents, anchors, stop)
for room in (*OFFICE, *STAFF):
    router.include_router(room.router)
router.include_router(rest)
