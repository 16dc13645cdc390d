"""Jobs, as their developers ask for them and follow them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Query, Response, status
from fastapi.concurrency import run_in_threadpool

from gateway.api.problems import RefusedError, UnknownScenarioError
from gateway.api.shapes import Limit, Listing, Name
from gateway.api.shapes.jobs import JobIn, JobOut, PlaceOut
from gateway.identity import Caller, Calling, need
from gateway.rooms import Rooms, TheRecord, TheRooms, demand_mark_key
from jobs.errors import NotFoundError
from jobs.job import Job, JobId, JobState
from jobs.record import jobs, releases
from jobs.record.database import Reading, Record
from jobs.rules.admit import Refused
from jobs.rules.learned import learned, states_told_as
from jobs.steps.ask import ask
from jobs.steps.cancel import cancel, owned
from jobs.steps.facts import Clock
from jobs.steps.locate import locate
from jobs.steps.submit import Submission, Submitter, submit

router = APIRouter(prefix="/jobs", tags=["jobs"])
LONGEST_WAIT = 25
"""How long one call to `wait` may take, in seconds: proxies cut longer ones."""
_LOOK_EVERY = 0.2

Developer = Annotated[Caller, Depends(need("submit_job"))]
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=128, pattern=r"^[!-~]*$")]


@router.post("", status_code=status.HTTP_201_CREATED, response_model=JobOut)
def submit_job(asked: JobIn, caller: Developer, rooms: TheRooms, key: Key = "") -> Response:
    """Submit a job under an approved scenario; the same key and body answer with the same job."""
    record, began = rooms.record, rooms.clock()
    submission = _past_the_guard(asked.submission(key), asked.subjects, by=caller, rooms=rooms)
    job = _submitted(submission, by=caller, record=record, clock=rooms.clock)
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if job.submitted_at >= began:
        return _json(JobOut.of(job), 201, headers)
    again = _looked_at(record, caller, job.id)
    return _json(again, 200, {**headers, "Idempotency-Replayed": "true"})


@router.get("")
def list_jobs(
    caller: Calling,
    record: TheRecord,
    state: JobState | None = None,
    limit: Limit = 50,
    before: Name | None = None,
) -> Listing[JobOut]:
    """List the jobs of the caller's party, the newest first."""
    with record.reading() as tx:
        states = None if state is None else states_told_as(state)
        older = None if before is None else JobId(before)
        found = jobs.listed(tx, developer=caller.party, states=states, limit=limit, before=older)
        told = (job for job in found if state in {None, learned(job).state})
        items = tuple(_shown(tx, job) for job in told)
    return Listing(items=items, next=found[-1].id if len(found) == limit else None)


@router.get("/{job_id}", response_model=JobOut)
def show_job(job_id: Name, caller: Calling, record: TheRecord) -> Response:
    """Tell how far a job has come."""
    # written here: the framework would hand the shape to another thread, to be checked once more
    return _json(_looked_at(record, caller, JobId(job_id)), 200, {})


@router.post("/{job_id}/cancel")
def cancel_job(job_id: Name, caller: Developer, record: TheRecord) -> JobOut:
    """Stop a job that has not ended."""
    job = cancel(JobId(job_id), by=_submitter(caller), record=record)
    return JobOut.of(job)


@router.post("/{job_id}/place")
def tell_place(job_id: Name, caller: Developer, record: TheRecord) -> PlaceOut:
    """Tell where a job failed or was blocked; it is charged to the grant's allowance of places."""
    told = locate(JobId(job_id), by=_submitter(caller), record=record)
    if isinstance(told, Refused):
        raise RefusedError(told.reasons)
    return PlaceOut.of(told)


@router.get("/{job_id}/wait")
async def wait_for_job(
    job_id: Name,
    caller: Calling,
    record: TheRecord,
    state: JobState | None = None,
    timeout: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 20,  # noqa: ASYNC109 - the wire's word
) -> JobOut:
    """Answer as soon as the job is in another state than `state`, or when the time is over."""
    end = time.monotonic() + timeout
    while True:
        job = await run_in_threadpool(_looked_at, record, caller, JobId(job_id))
        state = state or job.state
        if job.state is not state or time.monotonic() >= end:
            return job
        await anyio.sleep(_LOOK_EVERY)


def _past_the_guard(
    asked: Submission, subjects: Sequence[str], *, by: Caller, rooms: Rooms
) -> Submission:
    """Turn the keys of the subjects that are asked about into marks: from here on nobody knows them."""
    if not subjects:
        return asked
    key, submitter = demand_mark_key(rooms), _submitter(by)
    try:
        marks = ask(subjects, asked.scenario, by=submitter, key=key, record=rooms.record)
    except NotFoundError:
        raise UnknownScenarioError from None
    if isinstance(marks, Refused):
        raise RefusedError(marks.reasons)
    return replace(asked, asked=marks)


def _submitted(asked: Submission, *, by: Caller, record: Record, clock: Clock) -> Job:
    try:
        return submit(asked, by=_submitter(by), record=record, clock=clock)
    except NotFoundError:
        raise UnknownScenarioError from None


def _looked_at(record: Record, caller: Caller, job: JobId) -> JobOut:
    with record.reading() as tx:
        return _shown(tx, owned(jobs.get(tx, job), caller.party))


def _shown(tx: Reading, job: Job) -> JobOut:
    release = releases.of_job(tx, job.id) if job.state is JobState.RELEASED else None
    return JobOut.of(job, release.id if release else None)


def _json(job: JobOut, code: int, headers: dict[str, str]) -> Response:
    return Response(job.model_dump_json(), code, headers, media_type="application/json")


def _submitter(caller: Caller) -> Submitter:
    return Submitter(person=caller.person, party=caller.party)
