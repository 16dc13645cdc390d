"""Releases whose bytes were destroyed: what left stays known by its digests, the domain's own copy is gone."""

from collections.abc import Iterable

from sqlalchemy import select

from jobs.proof.bodies import stamp
from jobs.record.database import Reading, Writing
from jobs.record.schema import document
from jobs.release import Release, ReleaseId

KIND = "release_gone"
"""The kind of document that says so, by the release's id."""


def mark(tx: Writing, out: Iterable[Release], *, why: str) -> int:
    """Write down that the bytes of these releases go, and `why` (an id); the caller notes the event."""
    known = gone(tx)
    new = [release for release in out if release.id not in known]
    for release in new:
        row = {"kind": KIND, "id": release.id, "state": why, "org": release.developer}
        tx.insert(document, {**row, "version": 1, "body": "{}", "at": stamp(tx.now)})
    return len(new)


def gone(tx: Reading) -> set[ReleaseId]:
    """Return the releases whose bytes are no longer in the domain."""
    rows = tx.rows(select(document.c.id).where(document.c.kind == KIND))
    return {ReleaseId(row.id) for row in rows}
