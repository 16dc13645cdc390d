"""Hands over what a release consists of to its own party; each download leaves a line in the log."""

from dataclasses import dataclass

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import PartyId
from jobs.record import releases
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.shelf import Shelf
from jobs.release import Release, ReleaseId
from jobs.steps.rereview import demand_not_withheld
from jobs.steps.stop import demand_open
from jobs.steps.submit import Submitter
from sandbox.asset import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What one download hands over."""

    file: str
    """The name that it bears."""
    media_type: str
    digest: Digest
    content: bytes


def fetch(release: ReleaseId, name: str, *, by: Submitter, record: Record, shelf: Shelf) -> Parcel:
    """Hand over one file of a release, by the name of its output.

    Raises:
        NotFoundError: the party has no such release, or the release no such file.
        OutOfOrderError: a crash has held up the laying out of the bytes; the worker is about to do it.
        RecordBrokenError: the bytes on the shelf were altered; none is handed over.
        WithheldError: somebody objected to it when it was looked at again; none is handed over.
        DomainStoppedError: the whole domain was stopped in an emergency; none is handed over.

    """
    found = owned(release, by.party, record=record)
    for file in found.files:
        if file.name == name:
            content = _handed(found, file.digest, by=by, record=record, shelf=shelf)
            return Parcel(
                file=file.file, media_type=file.media_type, digest=file.digest, content=content
            )
    raise NotFoundError(f"release {release} has no such file")


def fetch_certificate(release: ReleaseId, *, by: Submitter, record: Record, shelf: Shelf) -> Parcel:
    """Hand over a release's certificate; raises as `fetch` does."""
    found = owned(release, by.party, record=record)
    content = _handed(found, found.certificate, by=by, record=record, shelf=shelf)
    return Parcel(
        file=f"{found.id}.json",
        media_type="application/json",
        digest=found.certificate,
        content=content,
    )


def owned(release: ReleaseId, party: PartyId, *, record: Record) -> Release:
    """Return a release of `party`; raise `NotFoundError` without one, as if others had none."""
    with record.reading() as tx:
        found = releases.get(tx, release)
    if found.developer != party:
        raise NotFoundError(f"no release {release}")
    return found


def _handed(
    release: Release, digest: Digest, *, by: Submitter, record: Record, shelf: Shelf
) -> bytes:
    """Fetch the bytes, write down who takes them, and only then hand them over."""
    content = _laid_out(digest, shelf)
    told = {"party": by.party, "digest": digest}
    with record.writing() as tx:
        demand_open(tx)
        demand_not_withheld(tx, release.id)
        event = Event("release.downloaded", release.id, by.person, told)
        releases.downloaded(tx, release.id, event)
    return content


def _laid_out(digest: Digest, shelf: Shelf) -> bytes:
    """Fetch what a release names; between its commit and the shelf it may still be on its way."""
    try:
        return shelf.fetch(digest)
    except NotFoundError:
        if digest in shelf.staged():
            raise OutOfOrderError("the release is being laid out: ask again in a moment") from None
        return shelf.fetch(digest)
