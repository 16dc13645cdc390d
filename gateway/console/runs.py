"""What runs said of themselves, for security officers alone: each look is an event in the log."""

from collections.abc import Iterator

from fastapi import APIRouter, Response

from gateway.console.door import SECURITY, ConsoleRoute, Desk, TheDesk
from gateway.console.views import ReadLine, RunLine, RunView
from gateway.governance.verdicts import concerning, concerns
from jobs.errors import NotFoundError
from jobs.grant import Grant
from jobs.job import Job, JobId
from jobs.proof import bodies
from jobs.record import documents, grants, jobs
from jobs.record.database import Reading
from jobs.record.event import Event
from jobs.steps.carry import RUNS, RunNote
from jobs.steps.facts import catalogue
from sandbox.anonymity.granted import Granted, level_of_view
from sandbox.anonymity.sealed import as_json, sealed_in

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
PAGE = 50
_LOOKED_AT = 1000


@router.get("/runs")
def list_runs(desk: TheDesk) -> Response:
    """List the newest jobs that ran and concern the reader."""
    desk.demand(SECURITY)
    with desk.record.reading() as tx:
        found = [
            job for job in jobs.listed(tx, limit=_LOOKED_AT) if job.epoch and _mine(tx, desk, job)
        ]
    return desk.show("runs.html", rows=tuple(_line(job) for job in found[:PAGE]))


@router.get("/runs/{job_id}")
def show_run(desk: TheDesk, job_id: str) -> Response:
    """Show all that is known of a job's runs, and note in the log who has seen it."""
    desk.demand(SECURITY)
    with desk.record.writing() as tx:
        job, grant = concerning(tx, desk.rules.duties, desk.caller, job=JobId(job_id))
        told: dict[str, str | int] = {"party": desk.caller.party, "epoch": job.epoch}
        tx.note(Event("run.viewed", job.id, desk.caller.person, told))
        runs = tuple(_runs(tx, desk, job, grant))
    # the words are read only after the look is in the log
    return desk.show("run.html", job=_line(job), runs=runs, here=desk.rooms.quarantine is not None)


def _mine(tx: Reading, desk: Desk, job: Job) -> bool:
    return concerns(grants.get(tx, job.grant).signed.grant, desk.caller, desk.rules.duties)


def _line(job: Job) -> RunLine:
    return RunLine(
        job=job.id,
        state=job.state,
        ended=job.ended or "",
        grant=job.grant,
        developer=job.developer,
        seconds=f"{job.seconds:.3f}",
        reasons=job.reasons,
        at=job.submitted_at,
    )


def _runs(tx: Reading, desk: Desk, job: Job, grant: Grant) -> Iterator[RunView]:
    for epoch in range(1, job.epoch + 1):
        try:
            note = bodies.load(RunNote, documents.get(tx, RUNS, f"{job.id}.{epoch}").body)
        except NotFoundError:
            continue  # it is under way, or was stopped
        quarantine = desk.rooms.quarantine
        yield RunView(
            epoch=epoch,
            ended=note.ended,
            seconds=f"{note.seconds:.3f}",
            conformity=note.conformity,
            read=tuple(_read(tx, desk, note, grant)),
            said=quarantine.said(job.id, epoch) if quarantine else "",
        )


def _read(tx: Reading, desk: Desk, note: RunNote, grant: Grant) -> Iterator[ReadLine]:
    """Show how anonymous each view was, by the k that the grant's rulebook asks for today."""
    book = desk.rules.rulebooks[grant.rulebook.partition("@")[0]]
    known, evidences = catalogue(tx, grant), sealed_in(note.anonymity)
    for seen, sealed in zip(note.inputs, evidences, strict=False):
        terms, asset = grant.view(seen.asset), known.get(seen.asset)
        if terms is not None and asset is not None:
            floor = book.whole("privacy.k_anonymity")
            found = level_of_view(sealed.evidence, Granted.of(terms, asset), floor=floor)
            figures = as_json([sealed], indent=2)
            yield ReadLine(asset=seen.asset, level=found.level, why=found.why, figures=figures)
