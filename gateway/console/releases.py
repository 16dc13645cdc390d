"""Downloads: the record is asked, never the folder, and each leaves a line in the log."""

from fastapi import APIRouter, Response

from gateway.console.door import ConsoleRoute, Desk, TheDesk
from jobs.errors import NotFoundError
from jobs.record import releases
from jobs.record.event import Event
from jobs.release import Release, ReleaseId
from sandbox.asset import Digest

router = APIRouter(prefix="/console", route_class=ConsoleRoute)


@router.get("/releases/{release_id}/files/{name}")
def give_file(desk: TheDesk, release_id: str, name: str) -> Response:
    """Give one file of a release of the reader's own organisation."""
    release = _own(desk, ReleaseId(release_id))
    for file in release.files:
        if file.name == name:
            return _handed(desk, release, digest=file.digest, file=file.file)
    raise NotFoundError(f"release {release.id} has no such file")


@router.get("/releases/{release_id}/certificate")
def give_certificate(desk: TheDesk, release_id: str) -> Response:
    """Give a release's certificate, which anybody can verify offline."""
    release = _own(desk, ReleaseId(release_id))
    return _handed(desk, release, digest=release.certificate, file=f"{release.id}.json")


def _own(desk: Desk, release_id: ReleaseId) -> Release:
    with desk.record.reading() as tx:
        release = releases.get(tx, release_id)
    if release.developer != desk.caller.party:
        raise NotFoundError(f"no release {release_id}")
    return release


def _handed(desk: Desk, release: Release, *, digest: Digest, file: str) -> Response:
    """Fetch the bytes, write down who takes them, and only then hand them over."""
    content = desk.rooms.shelf.fetch(digest)
    told = {"party": desk.caller.party, "digest": digest}
    event = Event("release.downloaded", release.id, desk.caller.person, told)
    with desk.record.writing() as tx:
        releases.downloaded(tx, release.id, event)
    # always a download, never a page of ours: what a job made may be HTML
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)
