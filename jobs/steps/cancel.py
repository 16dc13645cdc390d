"""Stops jobs: one at its developer's word, or all of a grant that ended."""

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import GrantId, PartyId
from jobs.job import ENDS, NEXT, Job, JobId, JobState
from jobs.record import jobs
from jobs.record.database import Record, Writing
from jobs.record.event import Event
from jobs.rules.sentences import reason
from jobs.steps.submit import Submitter

STOPPABLE = tuple(state for state in JobState if JobState.STOPPED in NEXT[state])


def cancel(job_id: JobId, *, by: Submitter, record: Record) -> Job:
    """Stop a job that its own developer entity no longer wants; a job that ended stays as it is."""
    with record.writing() as tx:
        job = owned(jobs.get(tx, job_id), by.party)
        if job.state in ENDS:
            raise OutOfOrderError(f"job {job.id} has ended: it is {job.state}")
        event = Event("job.cancelled", job.id, by.person, {})
        stopped = job.to(JobState.STOPPED)
        jobs.move(tx, stopped, was=job, event=event)
        return stopped


def owned(job: Job, party: PartyId) -> Job:
    """Return `job` where it is this party's; another party's job does not exist."""
    if job.developer != party:
        raise NotFoundError(f"no job {job.id}")
    return job


def stop_all(tx: Writing, grant: GrantId, *, rule: str, actor: str) -> tuple[JobId, ...]:
    """Stop every job of a grant that still could come to something, in the caller's transaction.

    The worker sees a running job that has stopped within one turn of its loop, and ends its
    container; the record is right at once.
    """
    stopped = []
    for job in jobs.listed(tx, grant=grant, states=STOPPABLE, limit=100_000):
        event = Event("job.stopped", job.id, actor, {"rule": rule})
        jobs.move(tx, job.to(JobState.STOPPED, reasons=(reason(rule),)), was=job, event=event)
        stopped.append(job.id)
    return tuple(stopped)
