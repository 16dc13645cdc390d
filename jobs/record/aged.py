"""What of the record is kept for a time: when each began to count, and whether its data are still there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from jobs.grant import GrantId
from jobs.job import ENDS, JobId
from jobs.proof.bodies import unstamp
from jobs.record import log
from jobs.record.database import Reading
from jobs.record.erasure import NOTHING_FOUND
from jobs.record.log import Filter
from jobs.record.schema import hold, inspection
from jobs.record.schema import job as job_table

_MANY = 1_000_000
_SHOWN = hold.c.body.not_like('%"preview":""%')
_ENDED = job_table.c.state.in_([str(state) for state in ENDS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """One job whose rows hold data, and since when."""

    job: JobId
    grant: GrantId
    since: datetime


def previews(tx: Reading) -> Iterator[Aged]:
    """Yield every job that has ended and whose reviewers' previews are still there."""
    last = func.max(inspection.c.at).label("at")
    wanted = (
        select(job_table.c.id, job_table.c.grant_id, last)
        .join(hold, hold.c.job == job_table.c.id)
        .join(inspection, inspection.c.job == job_table.c.id)
        .where(_SHOWN, _ENDED)
        .group_by(job_table.c.id, job_table.c.grant_id)
    )
    for row in tx.rows(wanted):
        yield Aged(job=JobId(row.id), grant=GrantId(row.grant_id), since=unstamp(row.at))


def findings(tx: Reading) -> Iterator[Aged]:
    """Yield every job that has ended and whose findings' words are still there."""
    last = func.max(inspection.c.at).label("at")
    wanted = (
        select(job_table.c.id, job_table.c.grant_id, last)
        .join(inspection, inspection.c.job == job_table.c.id)
        .where(inspection.c.findings != NOTHING_FOUND, _ENDED)
        .group_by(job_table.c.id, job_table.c.grant_id)
    )
    for row in tx.rows(wanted):
        yield Aged(job=JobId(row.id), grant=GrantId(row.grant_id), since=unstamp(row.at))


def ends(tx: Reading) -> dict[GrantId, datetime]:
    """Return when each grant that has ended did."""
    entries = log.entries(tx, only=Filter(kind="grant.ended"), limit=_MANY)
    return {GrantId(each.event.subject): each.at for each in entries}
