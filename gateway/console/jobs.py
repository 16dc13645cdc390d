"""A developer's own jobs: states, refusals and releases; another party's job does not exist."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from gateway.console.door import ConsoleRoute, Desk, TheDesk
from gateway.console.views import JobCard
from jobs.errors import NotFoundError
from jobs.job import Job, JobId, JobState, QueryWork
from jobs.record import jobs, releases
from jobs.record.database import Reading
from jobs.release import Release

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
PAGE = 50
_BUCKETS = (
    (1, "< 1 s"),
    (10, "< 10 s"),
    (60, "< 1 min"),
    (600, "< 10 min"),
    (math.inf, "≥ 10 min"),
)
ACTIONS = ("submit_job", "apply_release")
"""The actions of those who have jobs of their own."""
GROUPS: Mapping[str, tuple[JobState, ...]] = MappingProxyType(
    {
        "running": (
            JobState.SUBMITTED,
            JobState.QUEUED,
            JobState.RUNNING,
            JobState.QUARANTINED,
        ),
        "held": (JobState.HELD, JobState.APPROVED),
        "refused": (JobState.REFUSED, JobState.BLOCKED),
        "ended": (JobState.FAILED, JobState.STOPPED),
        "released": (JobState.RELEASED,),
    }
)
"""The states, as a developer looks for them."""
Group = Literal["running", "held", "refused", "ended", "released", ""]


@router.get("/jobs")
def list_jobs(
    desk: TheDesk, group: Group = "", before: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """List the reader's organisation's jobs, newest first."""
    desk.demand(*ACTIONS)
    with desk.record.reading() as tx:
        found = jobs.listed(
            tx,
            developer=desk.caller.party,
            states=GROUPS.get(group),
            limit=PAGE + 1,
            before=JobId(before) if before else None,
        )
    return desk.show(
        "jobs.html",
        rows=tuple(card(job) for job in found[:PAGE]),
        groups=tuple(GROUPS),
        group=group,
        older=f"?{urlencode({'group': group, 'before': found[PAGE - 1].id})}"
        if len(found) > PAGE
        else "",
    )


@router.get("/jobs/{job_id}")
def show_job(desk: TheDesk, job_id: str) -> Response:
    """Show one job with every reason why it was refused or blocked, and what was released."""
    with desk.record.reading() as tx:
        job = _own(tx, desk, JobId(job_id))
        return desk.show("job.html", job=card(job, releases.of_job(tx, job.id)))


def card(job: Job, release: Release | None = None) -> JobCard:
    """Return what a developer may know of `job`."""
    work = job.work
    return JobCard(
        id=job.id,
        state=job.state,
        kind=work.kind,
        grant=job.grant,
        assets=job.assets,
        outputs=(work.output,) if isinstance(work, QueryWork) else work.outputs,
        submitted_at=job.submitted_at,
        ended=job.ended or "",
        duration=bucket(job.seconds) if job.ended else "",
        reasons=job.reasons,
        sql=work.sql if isinstance(work, QueryWork) else "",
        release=release.id if release else "",
        files=release.files if release else (),
        certificate=release.certificate if release else "",
    )


def bucket(seconds: float) -> str:
    """Return the bucket that a duration falls into: a developer never learns the time itself."""
    return next(name for bound, name in _BUCKETS if seconds < bound)


def _own(tx: Reading, desk: Desk, job_id: JobId) -> Job:
    desk.demand(*ACTIONS)
    job = jobs.get(tx, job_id)
    if job.developer != desk.caller.party:
        raise NotFoundError(f"no job {job_id}")
    return job
