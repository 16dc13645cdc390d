"""Tells a developer where its job failed or was blocked, for a price in bits that its grant can bear."""

from dataclasses import dataclass

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import Grant, GrantId
from jobs.job import ContainerWork, Job, JobId
from jobs.proof import bodies
from jobs.record import blobs, documents, grants, jobs
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.admit import Refused
from jobs.rules.crash import CRASHES
from jobs.rules.learned import told_reason
from jobs.rules.places import ALLOWANCE, Places
from jobs.steps import ledger
from jobs.steps.cancel import owned
from jobs.steps.submit import Bundle, Submitter
from sandbox.reason import Reason, Said

KIND = "place"
"""The kind of document that a told place is kept as; its state is the grant that bore it."""

_USED_UP = Reason(
    rule="learned.allowance",
    why=Said(
        zh="该授权可询问的位置配额已用完",
        en="the grant's allowance of places that may be told is used up",
    ),
    fix=Said(
        zh="请安全审核员查看该作业的完整日志",
        en="ask a security officer, who can read the job's whole log",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A place that was told, and what it took of the grant's allowance."""

    rule: str
    place: str
    """Empty where there is none, or none that may be named."""
    bits: int
    left: int
    """What was left of the allowance after it, in bits."""
    offer: Said | None = None
    """A change that was tried, and would pass."""


def locate(job_id: JobId, *, by: Submitter, record: Record) -> Told | Refused:
    """Tell the place of the one reason of a run that its developer was told; a second asking is free.

    Raises:
        NotFoundError: the party has no such job.
        OutOfOrderError: no reason of a run was told.

    """
    with record.writing() as tx:
        job = owned(jobs.get(tx, job_id), by.party)
        before = told_before(tx, job.id)
        if before is not None:
            return before
        found = told_reason(job)
        if found is None:
            raise OutOfOrderError(f"job {job.id} is {job.state}: there is no place to tell")
        return _told(tx, job, found, by=by)


def spent(tx: Reading, grant: GrantId) -> int:
    """Return how many bits of places were told under `grant`."""
    papers = documents.listed(tx, KIND, state=grant)
    return sum(bodies.load(Told, paper.body).bits for paper in papers)


def told_before(tx: Reading, job: JobId) -> Told | None:
    """Return the place that was told of `job`, or nothing where nobody has asked."""
    try:
        return bodies.load(Told, documents.get(tx, KIND, job).body)
    except NotFoundError:
        return None


def _told(tx: Writing, job: Job, found: Reason, *, by: Submitter) -> Told | Refused:
    grant = grants.get(tx, job.grant).signed.grant
    places, of_code = _places(tx, job, grant), found.rule in CRASHES
    bits = places.code_bits if of_code else places.output_bits
    bits += found.offer.bits if found.offer else 0
    left = ALLOWANCE - spent(tx, grant.id) - bits
    if left < 0:
        return Refused((_USED_UP,))
    place = places.code(found.place) if of_code else places.output(found.place)
    offer = found.offer.said if found.offer else None
    told = Told(rule=found.rule, place=place, bits=bits, left=left, offer=offer)
    paper = Document(
        kind=KIND,
        id=job.id,
        state=grant.id,
        org=job.developer,
        body=bodies.dump(told),
        at=tx.now,
    )
    event = Event("job.place_told", job.id, by.person, {"bits": told.bits, "left": left})
    documents.add(tx, paper, event)
    return told


def _places(tx: Reading, job: Job, grant: Grant) -> Places:
    declared = {column.name for output in grant.outputs for column in output.columns}
    granted = {column for view in grant.assets for column in view.columns}
    known = {entry.release for entry in ledger.before(tx, job, grant)}
    return Places(lines=_lines(tx, job), columns=declared | granted, releases=known)


def _lines(tx: Reading, job: Job) -> dict[str, int]:
    if not isinstance(job.work, ContainerWork) or job.work.code is None:
        return {}
    bundle = bodies.load(Bundle, blobs.get(tx, job.work.code).decode())
    return {name: content.count(b"\n") + 1 for name, content in bundle.files}
