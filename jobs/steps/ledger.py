"""The release ledger: what each release tells totals about, kept where the next one is held against it.

An entry is made when the filter or people may let an output go, in the same transaction as the verdict, and counts until its
job comes to an end without a release. One ledger is for one asset, over all its versions, scenarios and years, and for one party
with those that it could pool its answers with.
"""

from collections.abc import Iterator, Mapping

from jobs.errors import NotFoundError, StaleError
from jobs.grant import Grant, PartyId
from jobs.job import Job, JobId, JobState
from jobs.proof import bodies
from jobs.record import documents, jobs
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.scopes import Grouping
from jobs.steps.allowances import group_of
from sandbox.egress.span import Earlier, Span
from sandbox.order import OutputName

KIND = "span"
"""The kind of document that an entry is kept as; its state is the asset."""
_COUNTED = frozenset({JobState.HELD, JobState.APPROVED, JobState.RELEASED})


def before(tx: Reading, job: Job, grant: Grant) -> tuple[Earlier, ...]:
    """Return the entries of the assets of `job` but its own, the oldest first."""
    assets = job.assets or tuple(view.asset for view in grant.assets)
    found = [
        paper
        for asset in dict.fromkeys(assets)
        for party in _pooled(tx, job.developer)
        for paper in documents.listed(tx, KIND, state=asset, org=party)
    ]
    return tuple(_counted(tx, sorted(found, key=lambda paper: (paper.at, paper.id)), job.id))


def enter(tx: Writing, job: Job, spans: Mapping[OutputName, Span]) -> None:
    """Keep what the outputs of a job's last run may tell."""
    for output, span in spans.items():
        paper = Document(
            kind=KIND,
            id=f"{job.id}.{job.epoch}.{output}",
            state=span.asset,
            org=job.developer,
            body=bodies.dump(span),
            at=tx.now,
        )
        told: dict[str, str | int] = {
            "output": output,
            "asset": span.asset,
            "cells": len(span.cells),
        }
        documents.add(tx, paper, Event("egress.entered", job.id, "system", told))


def demand_unchanged(tx: Reading, job: Job, grant: Grant, against: frozenset[str]) -> None:
    """Raise `StaleError` where there is an entry that `job` was not held against."""
    if not {each.id for each in before(tx, job, grant)} <= against:
        raise StaleError(f"the ledger has grown since job {job.id} was inspected")


def release_named(job: JobId) -> str:
    """Return what the release of a job is called."""
    return "R-" + job.removeprefix("J-")


def _pooled(tx: Reading, party: PartyId) -> tuple[str, ...]:
    group = group_of(tx, Grouping.DEVELOPER, party)
    return group.members if group else (party,)


def _counted(tx: Reading, papers: list[Document], own: JobId) -> Iterator[Earlier]:
    for paper in papers:
        job, epoch, _ = paper.id.split(".", 2)
        if job != own and _counts(tx, JobId(job), int(epoch)):
            yield Earlier(
                id=paper.id,
                release=release_named(JobId(job)),
                span=bodies.load(Span, paper.body),
            )


def _counts(tx: Reading, job: JobId, epoch: int) -> bool:
    try:
        now = jobs.get(tx, job)
    except NotFoundError:
        return True  # what is not known any more has left as far as anybody knows
    return now.state in _COUNTED and now.epoch == epoch
