"""Puts the gateway together: the one place where every part is handed to the next."""

from fastapi import FastAPI

from gateway.anchoring.loop import Anchoring
from gateway.api import (
    consents,
    egress,
    jobs,
    log,
    people,
    prices,
    problems,
    queries,
    releases,
    rereview,
    review,
    scenarios,
    stops,
    terms,
    verdicts,
)
from gateway.api.door import Door
from gateway.console.pages import router as console
from gateway.rooms import Rooms


def create_app(rooms: Rooms, *, anchoring: Anchoring | None = None) -> FastAPI:
    """Return the gateway over these rooms: the API under /v1, the pages under /console.

    `anchoring` is the loop of this process whose standing the console shows, where there is one.
    """
    app = FastAPI(
        title="Shuyu 数域",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the pages of Swagger and ReDoc load scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.rooms, app.state.anchoring = rooms, anchoring
    # who is calling is asked below the rooms
    app.state.record, app.state.clock, app.state.rules = (
        rooms.record,
        rooms.clock,
        rooms.office.rules,
    )
    problem = {"model": problems.ProblemOut, "description": "A problem (RFC 9457)"}
    # jobs first: requests are matched in this order, and theirs are the most by far
    after_jobs = (
        queries,
        prices,
        releases,
        people,
        terms,
        scenarios,
        rereview,
        review,
        verdicts,
        log,
        egress,
        stops,
        consents,
    )
    for room in (jobs, *after_jobs):
        app.include_router(room.router, prefix="/v1", responses={"default": problem})
    app.include_router(console)
    app.add_middleware(Door)
    problems.install(app)
    return app
