"""Downloads: files and certificates of the releases of the reader's own organisation."""

from fastapi import APIRouter, Response

from gateway.console.door import ConsoleRoute, Desk, TheDesk
from jobs.release import ReleaseId
from jobs.steps.download import Parcel, fetch, fetch_certificate
from jobs.steps.submit import Submitter

router = APIRouter(prefix="/console", route_class=ConsoleRoute)


@router.get("/releases/{release_id}/files/{name}")
def give_file(desk: TheDesk, release_id: str, name: str) -> Response:
    """Give one file of a release of the reader's own organisation."""
    shelf, taker = desk.rooms.shelf, _taker(desk)
    return _handed(fetch(ReleaseId(release_id), name, by=taker, record=desk.record, shelf=shelf))


@router.get("/releases/{release_id}/certificate")
def give_certificate(desk: TheDesk, release_id: str) -> Response:
    """Give a release's certificate, which anybody can verify offline."""
    shelf, taker = desk.rooms.shelf, _taker(desk)
    return _handed(
        fetch_certificate(ReleaseId(release_id), by=taker, record=desk.record, shelf=shelf)
    )


def _taker(desk: Desk) -> Submitter:
    return Submitter(person=desk.caller.person, party=desk.caller.party)


def _handed(parcel: Parcel) -> Response:
    # always a download, never a page of ours: what a job made may be HTML
    headers = {"Content-Disposition": f'attachment; filename="{parcel.file}"'}
    return Response(parcel.content, media_type="application/octet-stream", headers=headers)
