"""The egress log: what the filter said of every output, kept to be searched."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select

from jobs.grant import GrantId, PartyId
from jobs.job import JobId
from jobs.proof.bodies import stamp, unstamp
from jobs.record.database import Reading, Writing
from jobs.record.engine import SQLITE
from jobs.record.event import Event
from jobs.record.schema import inspection as table
from jobs.record.schema import inspection_rule
from jobs.record.schema import job as job_table
from sandbox.order import OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRow:
    """What the filter said of one output."""

    job: JobId
    epoch: int
    output: OutputName
    verdict: str
    """`cleared`, `held` or `blocked`."""
    digest: str
    """Of the canonical bytes; empty where none were made."""
    size: int
    """Bytes."""
    findings_json: str
    """The findings; whatever stands under a key `rule` in it can be searched for."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line of the egress log."""

    number: int
    """Counts the inspections of this domain: the next page begins `before` the last one's."""
    developer: PartyId
    grant: GrantId
    inspection: InspectionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for; each field that is set narrows the answer."""

    text: str = ""
    """Part of the job's id, the output, the verdict or the findings, in any case."""
    job: JobId | None = None
    developer: PartyId | None = None
    grant: GrantId | None = None
    output: OutputName | None = None
    verdict: str | None = None
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not including this moment."""
    before: int | None = None
    limit: int = 50


def add(tx: Writing, row: InspectionRow, event: Event) -> None:
    """Keep what the filter said of one output, in the transaction that acts on it."""
    number = tx.insert_numbered(table, _row(row))
    rules = sorted(set(_rules(json.loads(row.findings_json))))
    tx.insert_all(inspection_rule, [{"inspection": number, "rule": rule} for rule in rules])
    tx.note(event)


def of_job(tx: Reading, job: JobId) -> list[InspectionRow]:
    """Return every inspection of the job's outputs, oldest first."""
    rows = tx.rows(select(table).where(table.c.job == job).order_by(table.c.id))
    return [_inspection(row) for row in rows]


def search(tx: Reading, asked: Search) -> list[Found]:
    """Return what answers `asked`, newest first, at most `asked.limit` lines."""
    # Which lines they are is found first: looking through all of them carries no more than it must.
    numbers = _named(select(table.c.id), asked)
    if asked.text:
        numbers = numbers.where(_holds(tx, asked.text))
    numbers = _within(numbers, asked).order_by(table.c.id.desc()).limit(asked.limit)
    wanted = select(table, job_table.c.developer, job_table.c.grant_id).join(job_table)
    return [
        Found(
            number=row.id,
            developer=PartyId(row.developer),
            grant=GrantId(row.grant_id),
            inspection=_inspection(row),
        )
        for row in tx.rows(wanted.where(table.c.id.in_(numbers)).order_by(table.c.id.desc()))
    ]


def _named(wanted: Select[Any], asked: Search) -> Select[Any]:
    if asked.developer is not None or asked.grant is not None:
        wanted = wanted.join(job_table)
    columns = {
        table.c.job: asked.job,
        job_table.c.developer: asked.developer,
        job_table.c.grant_id: asked.grant,
        table.c.output: asked.output,
        table.c.verdict: asked.verdict,
    }
    for column, value in columns.items():
        if value is not None:
            wanted = wanted.where(column == value)
    if asked.rule is None:
        return wanted
    broken = select(inspection_rule.c.inspection).where(inspection_rule.c.rule == asked.rule)
    return wanted.where(table.c.id.in_(broken))


def _within(wanted: Select[Any], asked: Search) -> Select[Any]:
    if asked.since is not None:
        wanted = wanted.where(table.c.at >= stamp(asked.since))
    if asked.until is not None:
        wanted = wanted.where(table.c.at < stamp(asked.until))
    if asked.before is not None:
        wanted = wanted.where(table.c.id < asked.before)
    return wanted


def _holds(tx: Reading, part: str) -> ColumnElement[bool]:
    # One text, so that it is looked through once; no part reaches over the ends of its lines.
    places = table.c.job + "\n" + table.c.output + "\n" + table.c.verdict + "\n" + table.c.findings
    if tx.dialect == SQLITE:
        # its LIKE takes A for a already
        return places.contains(part, autoescape=True)
    # half the work of ILIKE there
    return func.strpos(func.lower(places), func.lower(part)) > 0


def _rules(findings: object) -> Iterator[str]:
    if isinstance(findings, list):
        for item in findings:
            yield from _rules(item)
    if isinstance(findings, dict):
        for key, value in findings.items():
            if key == "rule" and isinstance(value, str):
                yield value
            yield from _rules(value)


def _row(one: InspectionRow) -> dict[str, object]:
    return {
        "job": one.job,
        "epoch": one.epoch,
        "output": one.output,
        "verdict": one.verdict,
        "digest": one.digest,
        "size": one.size,
        "findings": one.findings_json,
        "at": stamp(one.at),
    }


def _inspection(row: Row[Any]) -> InspectionRow:
    return InspectionRow(
        job=JobId(row.job),
        epoch=row.epoch,
        output=OutputName(row.output),
        verdict=row.verdict,
        digest=row.digest,
        size=row.size,
        findings_json=row.findings,
        at=unstamp(row.at),
    )
