"""Takes the keys that a developer asks about past the enumeration guard: what is kept of them is their marks."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.errors import NotFoundError
from jobs.grant import Grant, GrantState, PartyId, ScenarioId
from jobs.proof import bodies
from jobs.record import blobs, documents, grants
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.admit import Refused
from jobs.rules.consents import refusal
from jobs.rules.enumeration import Day, enumeration_reasons
from jobs.steps.consenting import live
from jobs.steps.facts import CHINA, catalogue
from jobs.steps.submit import Submitter
from sandbox.asset import Digest, Kind
from sandbox.data.consent_marks import mark_of
from sandbox.errors import DataError
from sandbox.order import ViewTerms

KIND = "asking"
"""The kind of document that an asking is counted as; its state is the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """Of whom it is asked."""

    grant: Grant
    view: ViewTerms
    kind: Kind
    """Of the column that the asset keys its units by."""


def ask(
    units: Sequence[str], scenario: ScenarioId, *, by: Submitter, key: bytes, record: Record
) -> Digest | Refused:
    """Return where the marks of `units` lie, in their order, for a job to ask about; or why they may not be asked about.

    Every asking counts, and a refused one is noted as a security event: with counts, and no key and no mark. Raises
    `NotFoundError` where the party holds no such grant.
    """
    with record.writing() as tx:
        scope = _scope(tx, scenario, by.party)
        if scope is None:
            return Refused((refusal("scenario"),))
        marks = _marks(units, scope.kind, key)
        if marks is None:
            return Refused((refusal("unit"),))
        here = Day(asked=len(marks), hits=len({*marks} & live(tx, scope.grant, scope.view).keys()))
        day = _today(tx, by.party, here)
        reasons = tuple(enumeration_reasons(units, day))
        told: dict[str, str | int] = {"scenario": scenario, "asked": here.asked, "today": day.asked}
        if reasons:
            told["rules"] = ",".join(sorted(each.rule for each in reasons))
        event = Event("ask.refused" if reasons else "ask.counted", by.party, by.person, told)
        documents.add(tx, _paper(tx, by.party, here), event)
        return Refused(reasons) if reasons else blobs.put(tx, "\n".join(marks).encode())


def _scope(tx: Reading, scenario: ScenarioId, party: PartyId) -> _Scope | None:
    """Return the consented view of the newest live grant, of several the first; others of another key see nobody asked."""
    mine = [
        each
        for each in grants.listed(tx, developer=party)
        if each.signed.grant.scenario == scenario
    ]
    if not mine:
        raise NotFoundError(f"no scenario {scenario} was granted to {party}")
    live_now = [each.signed.grant for each in mine if each.state is GrantState.LIVE]
    grant = max(live_now, key=lambda each: each.version, default=None)
    known = catalogue(tx, grant) if grant else {}
    for view in grant.assets if grant else ():
        asset = known.get(view.asset)
        column = asset.column(asset.unit_column) if asset and view.consented else None
        if grant and column:
            return _Scope(grant=grant, view=view, kind=column.kind)
    return None


def _marks(units: Sequence[str], kind: Kind, key: bytes) -> list[str] | None:
    try:
        return [mark_of(unit, kind, key) for unit in units]
    except DataError:
        return None


def _today(tx: Reading, party: PartyId, here: Day) -> Day:
    papers = documents.listed(tx, KIND, state=_day(tx.now), org=party)
    days = [bodies.load(Day, paper.body) for paper in papers]
    return Day(
        asked=here.asked + sum(each.asked for each in days),
        hits=here.hits + sum(each.hits for each in days),
    )


def _paper(tx: Writing, party: PartyId, here: Day) -> Document:
    name = "A-" + base64.b32hexencode(os.urandom(15)).decode()
    return Document(
        kind=KIND, id=name, state=_day(tx.now), org=party, body=bodies.dump(here), at=tx.now
    )


def _day(now: datetime) -> str:
    return now.astimezone(CHINA).date().isoformat()
