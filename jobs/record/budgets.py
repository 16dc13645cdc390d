"""Privacy budgets: exact, charged to every scope at once or to none, and never given back.

Amounts are whole pico-rho (10^-12 of zero-concentrated DP's rho), so that sums are exact.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, select, tuple_, update

from jobs.errors import BudgetExhaustedError, JobsError, NotFoundError, StaleError
from jobs.job import JobId
from jobs.proof.bodies import stamp, unstamp
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import budget, charge, charge_scope

MAX_RHO = 2**62
"""The largest limit or charge, in pico-rho: sums of two still fit the database's integers."""


class ChargeError(JobsError):
    """A charge or a limit is not one: no scope, the same scope twice, or an impossible amount."""


class ChargeState(StrEnum):
    """How far a charge has come; both states count as used."""

    RESERVED = "reserved"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one start of one job costs, in each of its scopes."""

    job: JobId
    epoch: int
    scopes: tuple[str, ...]
    """Such as `asset:BP-LOANS` and `grant:SC-1.v1`; each is charged in full."""
    rho: int
    """Pico-rho, at least 1."""
    events_json: str
    """The DP events that it pays for, as JSON: another accountant can recompute it."""

    def __post_init__(self) -> None:
        """Refuse a charge that would charge nothing."""
        if not self.scopes or len(set(self.scopes)) != len(self.scopes):
            raise ChargeError("a charge names its scopes, each once")
        if not 0 < self.rho <= MAX_RHO:
            raise ChargeError("a charge is a positive whole number of pico-rho")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """A charge as the record keeps it."""

    charge: Charge
    state: ChargeState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a scope may cost in all, and what of it is used; whole pico-rho."""

    limit: int = 0
    reserved: int = 0
    spent: int = 0

    @property
    def left(self) -> int:
        """What may still be charged: never below 0, even where the limit was lowered."""
        return max(0, self.limit - self.reserved - self.spent)


def set_limit(tx: Writing, scope: str, rho: int, event: Event) -> None:
    """Let `scope` cost `rho` pico-rho in all; what was charged before still counts."""
    if not 0 <= rho <= MAX_RHO:
        raise ChargeError("a limit is a whole number of pico-rho, 0 or more")
    if not tx.change(update(budget).where(budget.c.scope == scope).values(ceiling=rho)):
        tx.insert(budget, {"scope": scope, "ceiling": rho, "reserved": 0, "spent": 0})
    tx.note(event)


def balance(tx: Reading, scope: str) -> Balance:
    """Return what is left of `scope`; nothing where no limit was ever set."""
    row = tx.one(select(budget).where(budget.c.scope == scope))
    if row is None:
        return Balance()
    return Balance(limit=row.ceiling, reserved=row.reserved, spent=row.spent)


def reserve(tx: Writing, wanted: Charge, event: Event) -> None:
    """Charge every scope before the data is read.

    Raise `BudgetExhaustedError` naming the first scope that cannot bear it, with nothing charged
    anywhere, and `ConflictError` where this start of the job was charged before.
    """
    for scope in wanted.scopes:
        if balance(tx, scope).left < wanted.rho:
            raise BudgetExhaustedError(f"the budget of {scope} does not cover the charge")
    _keep(tx, wanted)
    held = budget.c.reserved + wanted.rho
    tx.change(update(budget).where(budget.c.scope.in_(wanted.scopes)).values(reserved=held))
    tx.note(event)


def commit(tx: Writing, job: JobId, epoch: int, event: Event) -> None:
    """Mark a reserved charge as spent; raise `StaleError` where it already is."""
    found = get(tx, job, epoch)
    if found.state is not ChargeState.RESERVED:
        raise StaleError(f"the charge of job {job}, epoch {epoch} is already spent")
    rho, scopes = found.charge.rho, found.charge.scopes
    same = (charge.c.job == job, charge.c.epoch == epoch)
    tx.change(update(charge).where(*same).values(state=ChargeState.SPENT))
    moved = {"reserved": budget.c.reserved - rho, "spent": budget.c.spent + rho}
    tx.change(update(budget).where(budget.c.scope.in_(scopes)).values(**moved))
    tx.note(event)


def get(tx: Reading, job: JobId, epoch: int) -> Charged:
    """Return the charge for this start of the job; raise `NotFoundError` where it cost nothing."""
    found = _charged(tx, (charge.c.job == job) & (charge.c.epoch == epoch))
    if not found:
        raise NotFoundError(f"no charge of job {job}, epoch {epoch}")
    return found[0]


def charged(tx: Reading, job: JobId) -> Charge | None:
    """Return the newest charge of the job, whichever of its starts it was for, or nothing."""
    found = _charged(tx, charge.c.job == job)
    return max((each.charge for each in found), key=lambda each: each.epoch, default=None)


def charges(tx: Reading, scope: str) -> list[Charged]:
    """Return all that was ever charged to `scope`, oldest first."""
    mine = select(charge_scope.c.job, charge_scope.c.epoch).where(charge_scope.c.scope == scope)
    return _charged(tx, tuple_(charge.c.job, charge.c.epoch).in_(mine))


def _keep(tx: Writing, wanted: Charge) -> None:
    key = {"job": wanted.job, "epoch": wanted.epoch}
    facts = {"rho": wanted.rho, "events": wanted.events_json, "at": stamp(tx.now)}
    tx.insert(charge, {**key, **facts, "state": ChargeState.RESERVED})
    for scope in wanted.scopes:
        tx.insert(charge_scope, {**key, "scope": scope})


def _charged(tx: Reading, which: ColumnElement[bool]) -> list[Charged]:
    both = (charge_scope.c.job == charge.c.job) & (charge_scope.c.epoch == charge.c.epoch)
    wanted = select(charge, charge_scope.c.scope).join(charge_scope, both).where(which)
    rows = tx.rows(wanted.order_by(charge.c.at, charge.c.job, charge.c.epoch, charge_scope.c.scope))
    return [_word(list(group)) for _, group in groupby(rows, key=lambda row: (row.job, row.epoch))]


def _word(rows: list[Row[Any]]) -> Charged:
    first = rows[0]
    paid = Charge(
        job=JobId(first.job),
        epoch=first.epoch,
        scopes=tuple(row.scope for row in rows),
        rho=first.rho,
        events_json=first.events,
    )
    return Charged(charge=paid, state=ChargeState(first.state), at=unstamp(first.at))
