"""Carries a job from its run to its verdict: what it left is kept, inspected, and decided on."""

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.grant import Grant
from jobs.job import ContainerWork, Job, JobState
from jobs.proof import bodies
from jobs.proof.statement import Input
from jobs.record import documents, findings, grants, holds, jobs
from jobs.record.database import Reading, Record
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.record.findings import InspectionRow
from jobs.record.holds import Hold
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.rules.crash import crash
from jobs.rules.sentences import reason
from jobs.rules.volume import Volumes
from jobs.steps import consenting, ledger, metering
from jobs.steps.facts import Clock
from sandbox.anonymity.sealed import sealed_in
from sandbox.egress.finding import Finding, Weight
from sandbox.egress.inspection import Blocked, Cleared, Held, Inspected, Maker, Verdict
from sandbox.egress.span import Span
from sandbox.order import Artifact, Ended, Order, Outcome, OutputName, OutputTerms, ViewTerms
from sandbox.run import Leaving

ATTEMPTS = 2
"""A run that the sandbox itself failed is tried again once."""
RUNS = "run"
"""The kind of document that what is known of a run is kept as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """What the record keeps of one run; what the job itself said stays in the quarantine."""

    ended: Ended
    seconds: float
    inputs: tuple[Input, ...]
    """What it read: asset, snapshot and view."""
    conformity: str
    """The engine's own inspection of its container, as JSON."""
    anonymity: str = ""
    """How anonymous what it read was: sealed evidence as JSON, in the order of `inputs`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What carrying needs beside the job: the record, the quarantine, the shelf, the clock."""

    record: Record
    quarantine: Quarantine
    shelf: Shelf
    clock: Clock
    volumes: Volumes = Volumes()  # noqa: RUF009 - a frozen word of constants
    """How much may leave."""


def ran(job: Job, outcome: Outcome, *, inputs: tuple[Input, ...], hands: Hands) -> Job:
    """Write down how a run ended; what it left goes to quarantine first, so that nothing is lost.

    Raises:
        StaleError: the job was stopped meanwhile, or has been started again: the outcome is void.

    """
    if outcome.note:
        hands.quarantine.note(job.id, job.epoch, outcome.note)
    if outcome.ended is Ended.FINISHED:
        hands.quarantine.keep(job.id, job.epoch, outcome.artifacts)
    moved = _after(job, outcome)
    told: dict[str, str | int] = {
        "ended": str(outcome.ended),
        "epoch": job.epoch,
        "outputs": len(outcome.artifacts),
    }
    with hands.record.writing() as tx:
        jobs.move(tx, moved, was=job, event=Event(f"job.{moved.state}", job.id, "system", told))
        documents.add(
            tx, _run_of(job, outcome, inputs, hands.clock), Event("run.ended", job.id, "system", {})
        )
    return moved


def inputs_of(order: Order, outcome: Outcome) -> tuple[Input, ...]:
    """Pair what the order was to read with the views that the run did read."""
    sealed = (each.digest for each in sealed_in(outcome.anonymity))
    return tuple(
        Input(asset=terms.asset, snapshot=terms.snapshot, view=view, evidence=next(sealed, None))
        for terms, view in zip(order.views, outcome.views, strict=False)
    )


def leaving(tx: Reading, job: Job, artifacts: tuple[Artifact, ...]) -> Leaving:
    """Put together what is to be inspected, under the terms of the job's own grant."""
    grant = grants.get(tx, job.grant).signed.grant
    return Leaving(
        artifacts=artifacts,
        outputs=asked_for(job, grant),
        policy=grant.policy,
        scope=grant.scenario,
        views=consenting.as_read(tx, job, views_of(job, grant)),
        maker=Maker.PLANNER if job.is_private else Maker.CONTAINER,
        before=ledger.before(tx, job, grant),
        asked=consenting.asked_by(tx, job),
    )


def asked_for(job: Job, grant: Grant) -> tuple[OutputTerms, ...]:
    """Return the declared outputs that the job said it would make."""
    return tuple(terms for terms in grant.outputs if terms.name in job.outputs)


def views_of(job: Job, grant: Grant) -> tuple[ViewTerms, ...]:
    """Return the granted views that the job could read."""
    return tuple(view for view in grant.assets if not job.assets or view.asset in job.assets)


def decided(job: Job, inspected: Inspected, *, hands: Hands) -> Job:
    """Write down the filter's verdicts: the strictest of them decides for the whole job.

    What may leave now enters the ledger with it, before it leaves, so that no two releases are judged without each other.

    Raises:
        StaleError: the ledger has grown since the inspection, or the job was stopped meanwhile.

    """
    moved = _judged(job, inspected)
    told: dict[str, str | int] = {
        "verdicts": len(inspected.verdicts),
        "blocked": sum(isinstance(each, Blocked) for each in inspected.verdicts),
    }
    bits = metering.bits_passed(inspected)
    with hands.record.writing() as tx:
        grant = grants.get(tx, job.grant).signed.grant
        ledger.demand_unchanged(tx, job, grant, inspected.against)
        for verdict in inspected.verdicts:
            findings.add(
                tx, _row(job, verdict, hands.clock), _event("egress.inspected", job, verdict)
            )
        if moved.state is not JobState.BLOCKED and not metering.has_room(
            tx, job, bits, hands.volumes
        ):
            moved = metering.blocked(job)
        if moved.state is not JobState.BLOCKED and not consenting.enter(tx, job, grant, inspected):
            moved = consenting.blocked(job)
        waiting = tuple(_holds(job, inspected))
        if moved.state is not JobState.BLOCKED:
            ledger.enter(tx, moved, _spans(inspected))
        if moved.state is JobState.HELD:
            holds.add_holds(tx, waiting, Event("egress.held", job.id, "system", {}))
        jobs.move(tx, moved, was=job, event=Event(f"job.{moved.state}", job.id, "system", told))
    return moved


def given_up(job: Job, *, hands: Hands) -> Job:
    """End a job that the sandbox failed too often: what could not be judged stays in, blocked."""
    state = JobState.FAILED if job.state is JobState.RUNNING else JobState.BLOCKED
    over = job.to(state, ended=Ended.ENGINE_FAILED, reasons=(reason("egress.unjudged"),))
    with hands.record.writing() as tx:
        jobs.move(tx, over, was=job, event=Event(f"job.{state}", job.id, "system", {}))
    return over


def _after(job: Job, outcome: Outcome) -> Job:
    if outcome.ended is Ended.FINISHED:
        state = JobState.QUARANTINED
    elif outcome.ended in (Ended.ENGINE_FAILED, Ended.STOPPED) and job.epoch < ATTEMPTS:
        # it ended though nobody stopped it in the record: the sandbox lost it
        state = JobState.QUEUED
    else:
        state = JobState.FAILED
    crashed = outcome.ended is Ended.FAILED and isinstance(job.work, ContainerWork)
    reasons = (crash(outcome.note),) if crashed else None
    return job.to(state, ended=outcome.ended, seconds=outcome.seconds, reasons=reasons)


def _run_of(job: Job, outcome: Outcome, inputs: tuple[Input, ...], clock: Clock) -> Document:
    note = RunNote(
        ended=outcome.ended,
        seconds=outcome.seconds,
        inputs=inputs,
        conformity=outcome.conformity,
        anonymity=outcome.anonymity,
    )
    return Document(
        kind=RUNS,
        id=f"{job.id}.{job.epoch}",
        state=str(outcome.ended),
        org=job.developer,
        version=1,
        body=bodies.dump(note),
        at=clock(),
    )


def _judged(job: Job, inspected: Inspected) -> Job:
    blocked = [each for each in inspected.verdicts if isinstance(each, Blocked)]
    if not inspected.verdicts:
        return job.to(JobState.BLOCKED, reasons=(reason("egress.unjudged"),))
    if blocked:
        found = [finding for each in blocked for finding in each.findings]
        reasons = tuple(each.reason for each in found if each.weight is Weight.BLOCK)
        return job.to(JobState.BLOCKED, reasons=reasons)
    if any(isinstance(each, Held) for each in inspected.verdicts):
        return job.to(JobState.HELD)
    sure = [each for each in inspected.verdicts if isinstance(each, Cleared)]
    return job.to(
        JobState.APPROVED, reasons=tuple(each.gaps for each in sure if each.gaps is not None)
    )


def _spans(inspected: Inspected) -> dict[OutputName, Span]:
    return {
        each.name: each.span
        for each in inspected.verdicts
        if not isinstance(each, Blocked) and each.span is not None
    }


def _holds(job: Job, inspected: Inspected) -> Iterator[Hold]:
    for verdict in inspected.verdicts:
        if isinstance(verdict, Held):
            yield Hold(
                job=job.id,
                epoch=job.epoch,
                output=verdict.name,
                digest=verdict.digest,
                file=verdict.file,
                media_type=verdict.media_type,
                preview=verdict.preview,
                findings_json=bodies.dump(verdict.findings),
            )


def _row(job: Job, verdict: Verdict, clock: Clock) -> InspectionRow:
    found: tuple[Finding, ...] = () if isinstance(verdict, Cleared) else verdict.findings
    return InspectionRow(
        job=job.id,
        epoch=job.epoch,
        output=verdict.name,
        verdict=type(verdict).__name__.lower(),
        digest="" if isinstance(verdict, Blocked) else verdict.digest,
        size=len(verdict.content) if isinstance(verdict, Cleared) else 0,
        findings_json=bodies.dump(found),
        at=clock(),
    )


def _event(kind: str, job: Job, verdict: Verdict) -> Event:
    told: dict[str, str | int] = {"output": verdict.name, "verdict": type(verdict).__name__.lower()}
    if not isinstance(verdict, Blocked):
        told["digest"] = verdict.digest
    return Event(kind, job.id, "system", told)
