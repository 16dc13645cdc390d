"""What consents mean for a job: whose rows it may read, whom its release is about, and whether all of them still consent.

Who consents is asked as the job starts, and once more in the transactions that decide and that release. In between, the marks of
those whom the job has read lie in the record, so that the gate sees the very view that the job saw.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields

from jobs.errors import NotFoundError, StaleError
from jobs.grant import Grant
from jobs.job import Job, JobState
from jobs.proof import bodies
from jobs.proof.consent import ConsentId
from jobs.record import blobs, consents, documents, grants, jobs
from jobs.record.consents import Wanted
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.release import ReleaseId
from sandbox.asset import AssetId, Digest
from sandbox.egress.checks.consents import WITHDRAWN
from sandbox.egress.inspection import Blocked, Inspected
from sandbox.order import OpenedView, ReleaseClass, ViewTerms

READ = "consent.read"
"""The kind of document that says whom a run has read."""
ABOUT = "consent.about"
"""The kind of document that says whom the release of a run would be about."""
_IN_A_BLOB = 400_000
"""Marks; of 32 digits and a line's end each."""
Marks = Mapping[AssetId, frozenset[str]]


class WithdrawnError(StaleError):
    """One whom the release is about consents no more: nothing left, and the job is blocked."""


def opened(
    tx: Writing, job: Job, grant: Grant, views: tuple[ViewTerms, ...]
) -> tuple[ViewTerms, ...]:
    """Return the views with those who consent now, and keep who they are for the gate."""
    who = {view.asset: frozenset(live(tx, grant, view)) for view in views if view.consented}
    if job.asked is not None:
        named = frozenset(asked_by(tx, job))
        who = {asset: all_ & named for asset, all_ in who.items()}
    if who:
        _keep(tx, READ, job, who)
    return _with(views, who)


def asked_by(tx: Reading, job: Job) -> tuple[str, ...]:
    """Return the marks of those whom alone a job asks about, in the order in which it named them; of most jobs none."""
    return tuple(blobs.get(tx, job.asked).decode().split("\n")) if job.asked else ()


def as_read(tx: Reading, job: Job, views: tuple[ViewTerms, ...]) -> tuple[ViewTerms, ...]:
    """Return the views as the job's run had them."""
    if not any(view.consented for view in views):
        return views
    return _with(views, _kept(tx, READ, job))


def enter(tx: Writing, job: Job, grant: Grant, inspected: Inspected) -> bool:
    """Keep whom the outputs of a run are about; say whether all of them consent at this moment."""
    read = _kept(tx, READ, job)
    if not read:
        return True
    passed = [each for each in inspected.verdicts if not isinstance(each, Blocked)]
    terms = {output.name: output for output in grant.outputs}
    whole = any(terms[each.name].release is not ReleaseClass.CONSENTED for each in passed)
    named = frozenset(mark for each in passed for mark in each.subjects)
    _keep(tx, ABOUT, job, {asset: who if whole else who & named for asset, who in read.items()})
    try:
        demand(tx, job)
    except WithdrawnError:
        return False
    return True


def demand(tx: Reading, job: Job) -> frozenset[ConsentId]:
    """Return the consents that the job's release needs now, one for each subject and asset.

    Raises `WithdrawnError` where one of them has ended: call `block` once the transaction is undone.
    """
    grant = grants.get(tx, job.grant).signed.grant
    needed = tuple(_asked_again(tx, job, grant))
    if any(who - known.keys() for who, known in needed):
        raise WithdrawnError(f"a consent that job {job.id} needs has ended: nothing is released")
    return frozenset(known[mark] for who, known in needed for mark in who)


def spend(tx: Writing, job: Job, release: ReleaseId) -> None:
    """Count a release under the consents that it needs, in the transaction that makes it; raises as `demand`."""
    used = demand(tx, job)
    if used:
        consents.use(tx, used, release)
        tx.note(Event("consent.used", release, "system", {"consents": len(used)}))


def blocked(job: Job) -> Job:
    """Return `job` blocked for a consent that ended."""
    return job.to(JobState.BLOCKED, reasons=(WITHDRAWN.at().reason,))


def block(job: Job, *, record: Record) -> None:
    """Block an approved job for a consent that ended."""
    with record.writing() as tx:
        jobs.move(
            tx,
            blocked(job),
            was=job,
            event=Event("job.blocked", job.id, "system", {"by": "consent"}),
        )


def live(tx: Reading, grant: Grant, view: ViewTerms) -> Mapping[str, ConsentId]:
    """Return the consents that open a granted view now, by the marks of their subjects."""
    wanted = Wanted(
        scenario=grant.scenario,
        recipient=grant.developer,
        asset=view.asset,
        columns=frozenset(view.columns) - {*view.pseudonyms},
    )
    return consents.live(tx, wanted, at=tx.now)


def _asked_again(
    tx: Reading, job: Job, grant: Grant
) -> Iterator[tuple[frozenset[str], Mapping[str, ConsentId]]]:
    for asset, who in _kept(tx, ABOUT, job).items():
        view = grant.view(asset)
        yield who, live(tx, grant, view) if view else {}


def _with(views: tuple[ViewTerms, ...], who: Marks) -> tuple[ViewTerms, ...]:
    return tuple(
        _opened(view, who.get(view.asset, frozenset())) if view.consented else view
        for view in views
    )


def _opened(view: ViewTerms, who: frozenset[str]) -> OpenedView:
    terms = {part.name: getattr(view, part.name) for part in fields(ViewTerms)}
    return OpenedView(**terms, live=tuple(sorted(who)))


def _keep(tx: Writing, kind: str, job: Job, who: Marks) -> None:
    kept = {asset: tuple(_put(tx, marks)) for asset, marks in who.items()}
    paper = Document(kind=kind, id=_id(job), org=job.developer, body=bodies.dump(kept), at=tx.now)
    told: dict[str, str | int] = {"assets": len(who), "units": sum(map(len, who.values()))}
    documents.add(tx, paper, Event(kind, job.id, "system", told))


def _put(tx: Writing, marks: Iterable[str]) -> Iterator[Digest]:
    listed = sorted(marks)
    for first in range(0, len(listed), _IN_A_BLOB):
        yield blobs.put(tx, "\n".join(listed[first : first + _IN_A_BLOB]).encode())


def _kept(tx: Reading, kind: str, job: Job) -> Marks:
    try:
        paper = documents.get(tx, kind, _id(job))
    except NotFoundError:
        return {}
    kept = bodies.load(dict[AssetId, tuple[Digest, ...]], paper.body)
    return {
        asset: frozenset(
            mark for each in digests for mark in blobs.get(tx, each).decode().split("\n")
        )
        for asset, digests in kept.items()
    }


def _id(job: Job) -> str:
    return f"{job.id}.{job.epoch}"
