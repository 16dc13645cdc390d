"""`shuyu asset judge`: how anonymous the views of a submitted plan would be, for those who decide on it."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain, table
from gateway.cli.destroy import asset
from gateway.cli.domain import HomePath, at
from gateway.cli.office import who
from gateway.governance.assets import Catalogue, catalogue
from gateway.governance.evidence import keep_evidence, kept_evidence
from gateway.governance.grants import view_of
from gateway.governance.office import plan_of, unlocked
from gateway.governance.plan import Plan
from gateway.governance.rules import load_rules
from gateway.home import Home
from jobs.grant import ScenarioId
from jobs.job import JobId
from jobs.proof import bodies
from jobs.record import documents, jobs
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from jobs.steps.carry import RUNS, RunNote
from sandbox.anonymity.granted import Granted, level_of_view
from sandbox.anonymity.level import Levelled
from sandbox.anonymity.sealed import Sealed, as_json, seal, sealed_in
from sandbox.data.pseudonym_keys import fresh
from sandbox.data.view import compile_view

_FIGURES = (
    "asset",
    "level",
    "rows",
    "units",
    "classes",
    "k",
    "linked k",
    "alone",
    "risk",
    "mean risk",
)
_SPREADS = ("asset", "column", "values", "entropy", "top share", "distance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One view of a plan, and what was measured of it."""

    levelled: Levelled
    sealed: Sealed


def judged(home: Home, record: Record, scenario: ScenarioId, *, by: str) -> tuple[Judged, ...]:
    """Measure the views of a submitted plan and keep the evidence; raises as `compile_view` does, and `NotFoundError`."""
    with record.reading() as tx:
        filed = unlocked(tx, scenario).scenario
        known = catalogue(tx)
    floor = load_rules().rulebooks[filed.jurisdiction].whole("privacy.k_anonymity")
    found = tuple(_judged(plan_of(filed), known, data=home.path / "data", floor=floor))
    with record.writing() as tx:
        keep_evidence(tx, filed, [each.sealed for each in found], by=by)
    return found


@asset.command("judge")
def judge(
    scenario: Annotated[str, typer.Argument(help="The scenario, such as SC-SH-2026-0001.")],
    home: HomePath = Path("domain"),
) -> None:
    """Tell how anonymous the views are that a submitted plan asks for: exact figures, which stay inside.

    They are kept under a seal, whose digest goes into the grant and with it into every certificate.
    """
    with at(home) as (opened, record):
        found = judged(opened, record, ScenarioId(scenario), by=who())
    table("视图的匿名程度 Views", _FIGURES, [_figures(each) for each in found])
    spreads = [row for each in found for row in _spreads(each.sealed)]
    if spreads:
        table("敏感列 Sensitive columns", _SPREADS, spreads)
    for each in found:
        for why in each.levelled.why:
            plain(f"  {each.sealed.asset}: {why.zh} / {why.en}")
        plain(f"  {each.sealed.asset}: {each.sealed.digest}")


@asset.command("evidence")
def evidence(
    of: Annotated[str, typer.Argument(help="A scenario (SC-…), or a job or release (J-…, R-…).")],
    home: HomePath = Path("domain"),
) -> None:
    """Open the seal: print the evidence of a scenario's or a run's views as JSON, for `shuyu verify --evidence`.

    These are exact figures. Give them to auditors and authorities, not to developers; the look is in the log.
    """
    with at(home) as (_, record), record.writing() as tx:
        found = _of_run(tx, of) if of[:2] in {"J-", "R-"} else kept_evidence(tx, ScenarioId(of))
        tx.note(Event("evidence.opened", of, who(), {"views": len(found)}))
    typer.echo(as_json(found, indent=2))


def _of_run(tx: Reading, name: str) -> tuple[Sealed, ...]:
    job = jobs.get(tx, JobId(f"J-{name[2:]}"))
    note = bodies.load(RunNote, documents.get(tx, RUNS, f"{job.id}.{job.epoch}").body)
    return sealed_in(note.anonymity)


def _judged(plan: Plan, known: Catalogue, *, data: Path, floor: int) -> Iterator[Judged]:
    """Compile each view aside, under a key of its own, and judge it."""
    for asked in plan.assets:
        asset = known.get((asked.asset, asked.version))
        if asset is None:
            continue
        terms = view_of(asked, asset)
        with tempfile.TemporaryDirectory(dir=data.parent / "run", prefix="judge-") as aside:
            view = compile_view(
                terms, scope=plan.scenario, key=fresh(sm3=False), data=data, views=Path(aside)
            )
        levelled = level_of_view(view.evidence, Granted.of(terms, asset), floor=floor)
        sealed = seal(asset.id, view.evidence, level=levelled.level)
        yield Judged(levelled=levelled, sealed=sealed)


def _figures(judged: Judged) -> tuple[str, ...]:
    found = judged.sealed.evidence
    whole = (
        judged.levelled.level,
        found.rows,
        found.units,
        found.classes,
        found.k,
        found.linked_k,
        found.alone,
    )
    shares = (found.risks.prosecutor, found.risks.prosecutor_average)
    named = (str(int(each)) for each in whole)
    return (judged.sealed.asset, *named, *(f"{float(each):.4f}" for each in shares))


def _spreads(sealed: Sealed) -> Iterator[tuple[str, ...]]:
    for each in sealed.evidence.sensitive:
        shares = (each.entropy, each.top_share, each.closeness)
        figures = (f"{float(share):.4f}" for share in shares)
        yield (sealed.asset, each.column, str(each.distinct), *figures)
