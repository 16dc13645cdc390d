"""How many consents there are to each scenario, through which channel, and how they stand."""

from fastapi import APIRouter, Response

from gateway.console.door import AUDIT, ConsoleRoute, TheDesk
from jobs.record import consents

router = APIRouter(prefix="/console", route_class=ConsoleRoute)


@router.get("/consents")
def list_consents(desk: TheDesk) -> Response:
    """Count the consents; no subject and no mark is shown."""
    desk.demand(AUDIT)
    with desk.record.reading() as tx:
        rows = tuple(consents.counted(tx, at=tx.now))
    return desk.show("consents.html", rows=rows)
