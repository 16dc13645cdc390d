"""Held outputs, as reviewers see them, and what the seats say."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from jobs.job import Job, JobId, JobState
from jobs.proof.bodies import dump, load
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.jobs import get
from jobs.record.schema import hold as table
from jobs.record.schema import job as job_table
from jobs.record.schema import verdict as verdict_table
from jobs.release import SeatVerdict
from sandbox.asset import Digest
from sandbox.order import OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One output that waits for people, with the evidence that they see."""

    job: JobId
    epoch: int
    output: OutputName
    digest: Digest
    """Of the canonical bytes that a verdict signs and a release would let out."""
    file: str
    media_type: str
    preview: str
    """The safe view; for reviewers only."""
    findings_json: str


def add_holds(tx: Writing, held: Iterable[Hold], event: Event) -> None:
    """Keep what waits for review; raise `ConflictError` where one of them already does."""
    for one in held:
        key = {"job": one.job, "epoch": one.epoch, "output": one.output}
        tx.insert(table, {**key, "body": dump(one)})
    tx.note(event)


def holds(tx: Reading, job: JobId) -> list[Hold]:
    """Return the held outputs of the job's newest epoch, by name."""
    wanted = select(table.c.body).where(table.c.job == job, table.c.epoch == get(tx, job).epoch)
    return [load(Hold, row.body) for row in tx.rows(wanted.order_by(table.c.output))]


def queue(tx: Reading) -> list[Job]:
    """Return the jobs that wait for review, the longest waiting first."""
    wanted = select(job_table.c.body).where(job_table.c.state == JobState.HELD)
    return [load(Job, row.body) for row in tx.rows(wanted.order_by(job_table.c.id))]


def add_verdict(tx: Writing, verdict: SeatVerdict, event: Event) -> None:
    """Keep one seat's word; raise `ConflictError` where the seat has spoken on this epoch."""
    key = {"job": verdict.job, "epoch": verdict.epoch, "seat": verdict.seat}
    tx.insert(verdict_table, {**key, "body": dump(verdict)})
    tx.note(event)


def verdicts(tx: Reading, job: JobId, epoch: int) -> list[SeatVerdict]:
    """Return what the seats have said on this epoch of the job, by seat."""
    which = (verdict_table.c.job == job, verdict_table.c.epoch == epoch)
    wanted = select(verdict_table.c.body).where(*which).order_by(verdict_table.c.seat)
    return [load(SeatVerdict, row.body) for row in tx.rows(wanted)]
