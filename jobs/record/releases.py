"""Releases in the record: one for a job, and never changed."""

from sqlalchemy import select, update

from jobs.errors import NotFoundError
from jobs.grant import GrantId, PartyId
from jobs.job import JobId
from jobs.proof.bodies import dump, load
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import release as table
from jobs.release import Release, ReleaseId


def add(tx: Writing, release: Release, event: Event) -> None:
    """Keep a release; raise `ConflictError` where its id is taken or its job has one."""
    names = {"id": release.id, "job": release.job, "grant_id": release.grant}
    row = {**names, "developer": release.developer, "downloads": 0, "body": dump(release)}
    tx.insert(table, row)
    tx.note(event)


def get(tx: Reading, release: ReleaseId) -> Release:
    """Return the release of this id; raise `NotFoundError` where there is none."""
    row = tx.one(select(table.c.body).where(table.c.id == release))
    if row is None:
        raise NotFoundError(f"no release {release}")
    return load(Release, row.body)


def of_job(tx: Reading, job: JobId) -> Release | None:
    """Return what left for this job, or nothing."""
    row = tx.one(select(table.c.body).where(table.c.job == job))
    return None if row is None else load(Release, row.body)


def listed(
    tx: Reading,
    *,
    developer: PartyId | None = None,
    grant: GrantId | None = None,
    limit: int = 100,
    before: ReleaseId | None = None,
) -> list[Release]:
    """Return the newest releases first, those older than `before` where it is given."""
    wanted = select(table.c.body).order_by(table.c.id.desc()).limit(limit)
    if developer is not None:
        wanted = wanted.where(table.c.developer == developer)
    if grant is not None:
        wanted = wanted.where(table.c.grant_id == grant)
    if before is not None:
        wanted = wanted.where(table.c.id < before)
    return [load(Release, row.body) for row in tx.rows(wanted)]


def downloaded(tx: Writing, release: ReleaseId, event: Event) -> None:
    """Count a download, which is an event; raise `NotFoundError` where there is no such release."""
    more = update(table).where(table.c.id == release).values(downloads=table.c.downloads + 1)
    if not tx.change(more):
        raise NotFoundError(f"no release {release}")
    tx.note(event)


def downloads(tx: Reading, release: ReleaseId) -> int:
    """Return how often the release was downloaded."""
    row = tx.one(select(table.c.downloads).where(table.c.id == release))
    if row is None:
        raise NotFoundError(f"no release {release}")
    return int(row.downloads)
