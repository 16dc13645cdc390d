"""Meters what leaves: a release is booked in bits for its job, scenario, developer and month, and kept in beyond a limit."""

from datetime import datetime

from jobs.errors import StaleError
from jobs.job import Job, JobState
from jobs.record import grants, jobs, volumes
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.record.volumes import Volume
from jobs.release import ReleaseId
from jobs.rules.volume import Volumes
from jobs.steps.facts import CHINA
from sandbox.egress.inspection import Blocked, Inspected
from sandbox.egress.volume import VOLUME


class VolumeError(StaleError):
    """More would leave than may: nothing left, and the job is blocked."""


def month_of(at: datetime) -> str:
    """Return the month in China's time, such as `2026-11`."""
    return f"{at.astimezone(CHINA):%Y-%m}"


def bits_passed(inspected: Inspected) -> int:
    """Return how much would leave of a run, by the filter's word: a second's work for megabytes."""
    return sum(each.bits for each in inspected.verdicts if not isinstance(each, Blocked))


def has_room(tx: Reading, job: Job, bits: int, limits: Volumes) -> bool:
    """Whether so much may leave this month."""
    grant = grants.get(tx, job.grant).signed.grant
    booked = volumes.booked(
        tx, scenario=grant.scenario, developer=job.developer, month=month_of(tx.now)
    )
    return limits.have_room(bits, scenario=booked.scenario, developer=booked.developer)


def book(tx: Writing, job: Job, release: ReleaseId, bits: int, limits: Volumes) -> None:
    """Book a release in the transaction that makes it; raise `VolumeError` beyond a limit: then call `block`."""
    if not has_room(tx, job, bits, limits):
        raise VolumeError(f"job {job.id} would let out more than may leave: nothing is released")
    scenario = grants.get(tx, job.grant).signed.grant.scenario
    volumes.add(
        tx,
        Volume(
            release=release,
            scenario=scenario,
            developer=job.developer,
            month=month_of(tx.now),
            bits=bits,
        ),
    )
    tx.note(Event("volume.booked", release, "system", {"bits": bits, "scenario": scenario}))


def blocked(job: Job) -> Job:
    """Return `job` blocked for what it would let out."""
    return job.to(JobState.BLOCKED, reasons=(VOLUME.at(", ".join(job.outputs)).reason,))


def block(job: Job, *, record: Record) -> None:
    """Block an approved job for what it would let out."""
    with record.writing() as tx:
        told = Event("job.blocked", job.id, "system", {"by": "volume"})
        jobs.move(tx, blocked(job), was=job, event=told)
