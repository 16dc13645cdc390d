"""What waits for the reader, by role."""

from collections.abc import Iterator

from fastapi import APIRouter, Response

from gateway.console.cases import queue
from gateway.console.door import SEATS, ConsoleRoute, Desk, TheDesk
from gateway.console.egress_log import count_blocked
from gateway.console.jobs import ACTIONS, GROUPS
from gateway.console.scenarios import waiting_for
from gateway.console.views import Task
from gateway.governance.rereview import ACTION, waiting
from jobs.record import jobs
from jobs.record.database import Reading

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
_MOST = 1000
_WEEK = 7


@router.get("")
@router.get("/")
def show_home(desk: TheDesk) -> Response:
    """Show what waits."""
    with desk.record.reading() as tx:
        return desk.show("home.html", tasks=tuple(_tasks(tx, desk)))


def _tasks(tx: Reading, desk: Desk) -> Iterator[Task]:
    if desk.may(*SEATS):
        mine = sum(row.yours for row in queue(tx, desk))
        yield Task(key="verdict", count=mine, href="/console/review")
    if desk.may(ACTION):
        again = [look for look in waiting(tx, desk.rooms.office, desk.caller) if not look.opinion]
        yield Task(key="rereview", count=len(again), href="/console/rereview")
    if desk.may("forward_scenario", "approve_scenario_implementer", "approve_scenario_provider"):
        yield Task(key="scenario", count=waiting_for(tx, desk), href="/console/scenarios")
    if desk.may("read_audit"):
        blocked = count_blocked(tx, days=_WEEK)
        yield Task(key="blocked_log", count=blocked, href="/console/egress?verdict=blocked")
    if desk.may(*ACTIONS):
        for key, states in GROUPS.items():
            found = jobs.listed(tx, developer=desk.caller.party, states=states, limit=_MOST)
            yield Task(key=key, count=len(found), href=f"/console/jobs?group={key}")
