"""What vouches for the log from outside, how far, and what stands in its way."""

from fastapi import APIRouter, Response

from gateway.anchoring.loop import Anchoring, Standing
from gateway.console.door import AUDIT, ConsoleRoute, TheDesk
from gateway.console.views import AnchorRow
from jobs.record import anchors, log
from jobs.record.anchors import AnchorState
from jobs.record.database import Reading

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
UNSET = "unset"
"""The state of a target that was asked once, and that the loop of this process does not ask."""


@router.get("/anchors")
def list_anchors(desk: TheDesk) -> Response:
    """Show every target that is set, and every one that ever vouched."""
    desk.demand(AUDIT)
    anchoring: Anchoring | None = desk.request.app.state.anchoring
    standing = anchoring.standing if anchoring else {}
    with desk.record.reading() as tx:
        newest = log.last_checkpoint(tx, desk.rooms.log_keys)
        size = newest.head.size if newest else 0
        names = sorted({*standing, *anchors.targets(tx)})
        rows = tuple(_row(tx, name, now=standing.get(name), size=size) for name in names)
    return desk.show("anchors.html", rows=rows, size=size)


def _row(tx: Reading, name: str, *, now: Standing | None, size: int) -> AnchorRow:
    last, held = anchors.newest(tx, name), anchors.last_held(tx, name)
    refused = last if last and last.state is AnchorState.REFUSED else None
    kind, _, error = (refused.error if refused else now.error if now else "").partition(": ")
    return AnchorRow(
        name=name,
        state=AnchorState.REFUSED if refused else now.state if now else UNSET,
        held_size=held.size if held else None,
        held_at=held.at if held else None,
        behind=max(0, size - held.size) if held else size,
        tries=now.tries if now else 0,
        kind=kind,
        error=error,
        next_at=now.next_at if now else None,
    )
