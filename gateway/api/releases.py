"""Releases: a download asks the record, never the folder, and leaves a line in the log."""

import base64

from fastapi import APIRouter, Response

from gateway.api.shapes import Limit, Listing, Name
from gateway.api.shapes.releases import ReleaseOut
from gateway.identity import Caller, Calling
from gateway.rooms import TheRecord, TheRooms
from jobs.proof.bodies import dump
from jobs.record import releases
from jobs.release import ReleaseId
from jobs.steps.download import Parcel, fetch, fetch_certificate, owned
from jobs.steps.prove import prove
from jobs.steps.submit import Submitter

router = APIRouter(prefix="/releases", tags=["releases"])


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
    return ReleaseOut.of(owned(ReleaseId(release_id), caller.party, record=record))


@router.get("/{release_id}/files/{name}", response_class=Response)
def download_file(release_id: Name, name: Name, caller: Calling, rooms: TheRooms) -> Response:
    """Download one file of a release, by the name of its output."""
    release, by = ReleaseId(release_id), _taker(caller)
    return _handed(fetch(release, name, by=by, record=rooms.record, shelf=rooms.shelf))


@router.get("/{release_id}/certificate", response_class=Response)
def download_certificate(release_id: Name, caller: Calling, rooms: TheRooms) -> Response:
    """Download a release's certificate, which anybody can verify offline."""
    release, by = ReleaseId(release_id), _taker(caller)
    return _handed(fetch_certificate(release, by=by, record=rooms.record, shelf=rooms.shelf))


@router.get("/{release_id}/proof", response_class=Response)
def give_proof(release_id: Name, caller: Calling, rooms: TheRooms) -> Response:
    """Prove that the log has noted this certificate, for verifiers who know that a key was revoked."""
    release = owned(ReleaseId(release_id), caller.party, record=rooms.record)
    with rooms.record.reading() as tx:
        proof = prove(tx, release.id, keys=rooms.log_keys)
    headers = {"Content-Disposition": f'attachment; filename="{release.id}.proof.json"'}
    return Response(dump(proof), headers=headers, media_type="application/json")


def _taker(caller: Caller) -> Submitter:
    return Submitter(person=caller.person, party=caller.party)


def _handed(parcel: Parcel) -> Response:
    checksum = base64.b64encode(bytes.fromhex(parcel.digest.removeprefix("sha256:"))).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="{parcel.file}"',
        "Repr-Digest": f"sha-256=:{checksum}:",  # RFC 9530
    }
    return Response(parcel.content, headers=headers, media_type=parcel.media_type)
