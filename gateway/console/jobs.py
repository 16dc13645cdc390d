"""A developer's own jobs: states, refusals and releases; another party's job does not exist."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from gateway.console.door import ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.console.views import JobCard
from jobs.errors import NotFoundError
from jobs.job import Job, JobId, JobState, QueryWork
from jobs.record import jobs, releases
from jobs.record.database import Reading
from jobs.release import Release
from jobs.rules.admit import Refused
from jobs.rules.learned import learned, told_reason
from jobs.steps.locate import locate, told_before
from jobs.steps.submit import Submitter

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
PAGE = 50
DURATIONS: Mapping[str, str] = MappingProxyType(
    {"<1s": "< 1 s", "<10s": "< 10 s", "<1m": "< 1 min", "<10m": "< 10 min", ">=10m": "≥ 10 min"}
)
"""How the buckets of a duration are written."""
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
        return desk.show("job.html", job=_whole(tx, desk, job), failed=())


@router.post("/jobs/{job_id}/place")
def ask_place(desk: TheDeskWithForm, job_id: str) -> Response:
    """Tell where a job failed or was blocked, and charge it to the scenario's allowance."""
    desk.demand("submit_job")
    by = Submitter(person=desk.caller.person, party=desk.caller.party)
    told = locate(JobId(job_id), by=by, record=desk.record)
    with desk.record.reading() as tx:
        job = _own(tx, desk, JobId(job_id))
        failed = told.reasons if isinstance(told, Refused) else ()
        status = 422 if failed else 200
        return desk.show("job.html", status=status, job=_whole(tx, desk, job), failed=failed)


def _whole(tx: Reading, desk: Desk, job: Job) -> JobCard:
    bare = card(job, releases.of_job(tx, job.id))
    place = told_before(tx, job.id)
    may_ask = place is None and told_reason(job) is not None and desk.may("submit_job")
    return replace(bare, place=place, may_ask=may_ask)


def card(job: Job, release: Release | None = None) -> JobCard:
    """Return what a developer may know of `job`."""
    work, told = job.work, learned(job)
    return JobCard(
        id=job.id,
        state=told.state,
        kind=work.kind,
        grant=job.grant,
        assets=job.assets,
        outputs=job.outputs,
        submitted_at=job.submitted_at,
        ended=told.ended or "",
        duration=DURATIONS.get(told.duration or "", ""),
        reasons=told.reasons,
        place=None,
        may_ask=False,
        sql=work.sql if isinstance(work, QueryWork) else "",
        release=release.id if release else "",
        files=release.files if release else (),
        certificate=release.certificate if release else "",
    )


def _own(tx: Reading, desk: Desk, job_id: JobId) -> Job:
    desk.demand(*ACTIONS)
    job = jobs.get(tx, job_id)
    if job.developer != desk.caller.party:
        raise NotFoundError(f"no job {job_id}")
    return job
