"""Puts a released job on the shelf and into the record, as the worker would."""

import hashlib
from dataclasses import replace

from jobs.grant import PartyId, PersonId
from jobs.job import ContainerWork, Job, JobId, JobState
from jobs.record import jobs, releases
from jobs.record.event import Event
from jobs.release import Release, ReleasedFile, ReleaseId
from sandbox.asset import Digest
from sandbox.order import Ended, OutputName, ReleaseClass
from tests.gateway.api.domain import GRANT, IMAGE, NOON, Domain

TABLE = b"grade,n\nA,120\nB,95\n"
CERTIFICATE = b'{"payloadType":"application/vnd.in-toto+json"}'
JOB = Job(
    id=JobId("J-RELEASED"),
    grant=GRANT,
    developer=PartyId("P-BANK"),
    submitted_by=PersonId("dev"),
    assets=(),
    work=ContainerWork(image=IMAGE, command=("true",), outputs=(OutputName("O3"),)),
    submitted_at=NOON,
    state=JobState.RELEASED,
    epoch=1,
    ended=Ended.FINISHED,
    seconds=3.2,
)


def release(domain: Domain) -> Release:
    """Lay the table and its certificate on the shelf, and write the release down."""
    shelf = domain.rooms.shelf
    for content in (TABLE, CERTIFICATE):
        shelf.lay_out(shelf.stage(content))
    made = Release(
        id=ReleaseId("R-1"),
        job=JOB.id,
        grant=GRANT,
        developer=JOB.developer,
        release_class=ReleaseClass.REVIEWED,
        files=(
            ReleasedFile(
                name=OutputName("O3"),
                file="O3.csv",
                media_type="text/csv; charset=utf-8",
                digest=digest(TABLE),
                size=len(TABLE),
            ),
        ),
        certificate=digest(CERTIFICATE),
        at=NOON,
    )
    with domain.record.writing() as tx:
        jobs.add(tx, replace(JOB), Event("job.submitted", JOB.id, "test"))
        releases.add(tx, made, Event("release.made", made.id, "test"))
    return made


def digest(content: bytes) -> Digest:
    """Return the digest of `content`."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())
