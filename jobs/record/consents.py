"""Consents by the mark of their subject, and the releases that were made under each."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, case, func, not_, select, update

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import PartyId, ScenarioId
from jobs.proof import bodies
from jobs.proof.bodies import stamp, unstamp
from jobs.proof.consent import Consent, ConsentId, ConsentState, Receipt, Use
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import consent as table
from jobs.record.schema import consent_use as use_table
from jobs.release import ReleaseId
from sandbox.asset import AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be read, of which units' consent is needed."""

    scenario: ScenarioId
    recipient: PartyId
    asset: AssetId
    columns: frozenset[str]
    """All of them must be consented to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many consents one channel has given to one scenario for one asset."""

    scenario: str
    asset: str
    recipient: str
    channel: str
    live: int
    """Those that will begin among them."""
    withdrawn: int
    over: int
    used_up: int
    releases: int
    """How many releases were made under any of them."""


def add(tx: Writing, receipt: Receipt, event: Event) -> None:
    """Keep a consent; raise `ConflictError` where its very statement was given before, whatever became of it."""
    said = receipt.statement
    row = {
        "id": receipt.id,
        "mark": receipt.mark,
        "asset": said.asset,
        "columns": json.dumps(sorted(said.columns), ensure_ascii=False),
        "scenario": said.scenario,
        "recipient": said.recipient,
        "channel": said.channel,
        "starts": stamp(said.valid_from),
        "ends": stamp(said.valid_to),
        "remaining": said.times,
        "state": ConsentState.LIVE,
        "body": bodies.dump(receipt),
    }
    tx.insert(table, row)
    tx.note(event)


def get(tx: Reading, consent: ConsentId) -> Consent:
    """Return the consent; raise `NotFoundError` where there is none."""
    row = tx.one(select(table).where(table.c.id == consent))
    if row is None:
        raise NotFoundError(f"no consent {consent}")
    return _consent(row)


def withdraw(tx: Writing, consent: ConsentId, event: Event) -> None:
    """Withdraw a consent; raise `OutOfOrderError` where it is withdrawn already."""
    same = (table.c.id == consent, table.c.state == ConsentState.LIVE)
    if not tx.change(update(table).where(*same).values(state=ConsentState.WITHDRAWN)):
        raise OutOfOrderError(f"consent {consent} is withdrawn already")
    tx.note(event)


def live(tx: Reading, wanted: Wanted, *, at: datetime) -> Mapping[str, ConsentId]:
    """Return the consent of each unit that allows `wanted` at this moment, by mark; of several the first to end."""
    now = stamp(at)
    rows = (
        select(table.c.mark, table.c.id, table.c.columns)
        .where(
            table.c.scenario == wanted.scenario,
            table.c.asset == wanted.asset,
            table.c.recipient == wanted.recipient,
            table.c.state == ConsentState.LIVE,
            table.c.remaining > 0,
            table.c.starts <= now,
            table.c.ends > now,
        )
        .order_by(table.c.ends.desc(), table.c.id.desc())
    )
    # plain tuples: to ask a row for a column by name costs more than all the rest
    found: list[tuple[Any, ...]] = list(map(tuple, tx.rows(rows)))
    listed = {columns for _, _, columns in found}
    covering = {text for text in listed if wanted.columns <= {*json.loads(text)}}
    return {mark: ConsentId(name) for mark, name, columns in found if columns in covering}


def of_marks(tx: Reading, marks: Collection[str]) -> list[Consent]:
    """Return every consent of one unit, which may have several marks, the oldest first."""
    found = map(_consent, tx.rows(select(table).where(table.c.mark.in_(sorted(marks)))))
    return sorted(found, key=lambda each: (each.receipt.at, each.receipt.id))


def counted(tx: Reading, *, at: datetime) -> list[Counted]:
    """Return how many consents there are of each kind, by scenario, asset and channel."""
    now, c = stamp(at), table.c
    told = (c.scenario, c.asset, c.recipient, c.channel)
    withdrawn = c.state == ConsentState.WITHDRAWN
    states = {
        "withdrawn": withdrawn,
        "used_up": and_(not_(withdrawn), c.remaining == 0),
        "over": and_(not_(withdrawn), c.remaining > 0, c.ends <= now),
        "live": and_(not_(withdrawn), c.remaining > 0, c.ends > now),
    }
    sums = (func.sum(case((holds, 1), else_=0)).label(name) for name, holds in states.items())
    released = func.count(func.distinct(use_table.c.release)).label("releases")
    used = {
        (row.scenario, row.asset, row.recipient, row.channel): row.releases
        for row in tx.rows(select(*told, released).join(use_table).group_by(*told))
    }
    rows = tx.rows(select(*told, *sums).group_by(*told).order_by(*told))
    return [Counted(**row._asdict(), releases=used.get(tuple(row)[: len(told)], 0)) for row in rows]


def use(tx: Writing, consents: Collection[ConsentId], release: ReleaseId) -> None:
    """Count one release under each of these consents, which are live; the release's own event tells of it."""
    at = stamp(tx.now)
    rows = [{"consent": each, "release": release, "at": at} for each in sorted(consents)]
    tx.insert_all(use_table, rows)
    used = select(use_table.c.consent).where(use_table.c.release == release)
    tx.change(update(table).where(table.c.id.in_(used)).values(remaining=table.c.remaining - 1))


def uses(tx: Reading, consents: Collection[ConsentId]) -> list[Use]:
    """Return what was released under these consents, the oldest first."""
    wanted = select(use_table).where(use_table.c.consent.in_(sorted(consents)))
    return list(_uses(tx.rows(wanted.order_by(use_table.c.at, use_table.c.release))))


def _uses(rows: Sequence[Row[Any]]) -> Iterator[Use]:
    for row in rows:
        yield Use(
            consent=ConsentId(row.consent), release=ReleaseId(row.release), at=unstamp(row.at)
        )


def _consent(row: Row[Any]) -> Consent:
    return Consent(
        receipt=bodies.load(Receipt, row.body), state=ConsentState(row.state), left=row.remaining
    )
