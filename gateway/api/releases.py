"""Releases: a download asks the record, never the folder, and leaves a line in the log."""

import base64
from dataclasses import dataclass

from fastapi import APIRouter, Response

from gateway.api.shapes import Limit, Listing, Name
from gateway.api.shapes.releases import ReleaseOut
from gateway.identity import Caller, Calling
from gateway.rooms import Rooms, TheRecord, TheRooms
from jobs.errors import NotFoundError
from jobs.record import releases
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.release import Release, ReleaseId
from sandbox.asset import Digest

router = APIRouter(prefix="/releases", tags=["releases"])


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What one download hands over."""

    digest: Digest
    file: str
    media_type: str


@router.get("")
def list_releases(
    caller: Calling, record: TheRecord, limit: Limit = 50, before: Name | None = None
) -> Listing[ReleaseOut]:
    """List the releases of the caller's party, the newest first."""
    older = None if before is None else ReleaseId(before)
    with record.reading() as tx:
        found = releases.listed(tx, developer=caller.party, limit=limit, before=older)
    following = found[-1].id if len(found) == limit else None
    return Listing(items=tuple(ReleaseOut.of(release) for release in found), next=following)


@router.get("/{release_id}")
def show_release(release_id: Name, caller: Calling, record: TheRecord) -> ReleaseOut:
    """Show what a release consists of."""
    return ReleaseOut.of(_owned(record, caller, release_id))


@router.get("/{release_id}/files/{name}", response_class=Response)
def download_file(release_id: Name, name: Name, caller: Calling, rooms: TheRooms) -> Response:
    """Download one file of a release, by the name of its output."""
    release = _owned(rooms.record, caller, release_id)
    return _handed(rooms, caller, release, _file(release, name))


@router.get("/{release_id}/certificate", response_class=Response)
def download_certificate(release_id: Name, caller: Calling, rooms: TheRooms) -> Response:
    """Download a release's certificate, which anybody can verify offline."""
    release = _owned(rooms.record, caller, release_id)
    parcel = _Parcel(release.certificate, f"{release.id}.json", "application/json")
    return _handed(rooms, caller, release, parcel)


def _owned(record: Record, caller: Caller, release_id: str) -> Release:
    with record.reading() as tx:
        release = releases.get(tx, ReleaseId(release_id))
    if release.developer != caller.party:
        raise NotFoundError(f"no release {release_id}")
    return release


def _file(release: Release, name: str) -> _Parcel:
    for file in release.files:
        if file.name == name:
            return _Parcel(file.digest, file.file, file.media_type)
    raise NotFoundError(f"release {release.id} has no file {name}")


def _handed(rooms: Rooms, caller: Caller, release: Release, parcel: _Parcel) -> Response:
    """Fetch the bytes, write down who takes them, and only then hand them over."""
    content = rooms.shelf.fetch(parcel.digest)
    told = {"party": caller.party, "digest": parcel.digest}
    with rooms.record.writing() as tx:
        event = Event("release.downloaded", release.id, caller.person, told)
        releases.downloaded(tx, release.id, event)
    checksum = base64.b64encode(bytes.fromhex(parcel.digest.removeprefix("sha256:"))).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="{parcel.file}"',
        "Repr-Digest": f"sha-256=:{checksum}:",  # RFC 9530
    }
    return Response(content, headers=headers, media_type=parcel.media_type)
