"""Privacy budgets: exact, charged to every scope at once or to none, and never given back.

Amounts are whole pico-rho (10^-12 of zero-concentrated DP's rho), so that sums are exact. A scope is opened
with a limit or without one; where it was never opened, nothing may be charged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Row,
    Select,
    Text,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from jobs.errors import BudgetExhaustedError, JobsError, NotFoundError, StaleError
from jobs.job import JobId
from jobs.proof.bodies import stamp, unstamp
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import budget, charge, charge_scope
from jobs.record.schema import job as job_table

MAX_RHO = 2**62
"""The largest charge, in pico-rho: sums of two still fit the database's integers."""
UNLIMITED = MAX_RHO
"""The limit of a scope that has none: what falls on it is counted all the same."""

# Statements are built once: building one costs more than sending it.
_SCOPES: BindParameter[Any] = bindparam("scopes", expanding=True)
_AMOUNT = bindparam("amount", type_=BigInteger)
_BALANCES = select(budget).where(budget.c.scope.in_(_SCOPES))
_bearing = budget.alias("bearing")
_ABLE = (
    select(func.count())
    .select_from(_bearing)
    .where(
        _bearing.c.scope.in_(_SCOPES),
        _bearing.c.ceiling - _bearing.c.reserved - _bearing.c.spent >= _AMOUNT,
    )
    .scalar_subquery()
)
_HELD = (
    update(budget)
    .where(budget.c.scope.in_(_SCOPES), bindparam("all", type_=BigInteger) == _ABLE)
    .values(reserved=budget.c.reserved + _AMOUNT)
)
"""Charges every scope, or none where one of them cannot bear it."""
_FALLS_ON_EACH = insert(charge_scope).from_select(
    ["job", "epoch", "scope"],
    select(
        bindparam("of_job", type_=Text), bindparam("of_epoch", type_=BigInteger), budget.c.scope
    ).where(budget.c.scope.in_(_SCOPES)),
)
"""One statement for all scopes: half the time of a row for each."""
_LIMITED = (
    update(budget).where(budget.c.scope == bindparam("name")).values(ceiling=bindparam("limit"))
)
_START: tuple[BindParameter[Any], ...] = (bindparam("of_job"), bindparam("of_epoch"))
_SAME = tuple_(charge.c.job, charge.c.epoch) == tuple_(*_START)
_SPENT = update(charge).where(_SAME, charge.c.state == "reserved").values(state="spent")
_PRICE = select(charge.c.rho).where(_SAME).scalar_subquery()
_MOVED = (
    update(budget)
    .where(
        budget.c.scope.in_(
            select(charge_scope.c.scope).where(
                tuple_(charge_scope.c.job, charge_scope.c.epoch) == tuple_(*_START)
            )
        )
    )
    .values(reserved=budget.c.reserved - _PRICE, spent=budget.c.spent + _PRICE)
)


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
    """Such as `asset:BP-LOANS@2026` and `grant:SC-1.v1`; each is charged in full."""
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
    """`UNLIMITED` where it has none."""
    reserved: int = 0
    spent: int = 0

    @property
    def left(self) -> int:
        """What may still be charged: never below 0, even where the limit was lowered."""
        return max(0, self.limit - self.used)

    @property
    def used(self) -> int:
        """What was charged, whether or not it came to a release."""
        return self.reserved + self.spent

    @property
    def limited(self) -> bool:
        """Say whether it has a limit."""
        return self.limit < UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Which charges of the past a scope takes in: those that fell on a scope, or were a party's."""

    scopes: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    since: datetime
    until: datetime
    """The first moment that no longer counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """Charges of the past that a scope does not count yet, and what they come to in pico-rho."""

    starts: tuple[tuple[JobId, int], ...] = ()
    """Of each charge, the job and the epoch."""
    reserved: int = 0
    spent: int = 0


class ScopeExhaustedError(BudgetExhaustedError):
    """One scope cannot bear the charge; nothing was charged."""

    def __init__(self, scope: str) -> None:
        """Name the scope."""
        super().__init__(f"the budget of {scope} does not cover the charge")
        self.scope = scope


def set_limit(tx: Writing, scope: str, rho: int, event: Event) -> None:
    """Let `scope` cost `rho` pico-rho in all; what was charged before still counts."""
    if not 0 <= rho <= MAX_RHO:
        raise ChargeError("a limit is a whole number of pico-rho, 0 or more")
    if not tx.change(_LIMITED, {"name": scope, "limit": rho}):
        tx.insert(budget, {"scope": scope, "ceiling": rho, "reserved": 0, "spent": 0})
    tx.note(event)


def balance(tx: Reading, scope: str) -> Balance:
    """Return what is left of `scope`; nothing where it was never opened."""
    return balances(tx, (scope,)).get(scope, Balance())


def balances(tx: Reading, scopes: Sequence[str]) -> Mapping[str, Balance]:
    """Return the balance of each of `scopes` that was opened, asked all at once."""
    rows = tx.rows(_BALANCES, {"scopes": list(scopes)})
    return {
        row.scope: Balance(limit=row.ceiling, reserved=row.reserved, spent=row.spent)
        for row in rows
    }


def opened(tx: Reading, prefix: str) -> list[str]:
    """Return the names of all scopes that begin with `prefix`, by name."""
    named = select(budget.c.scope).where(budget.c.scope.startswith(prefix, autoescape=True))
    return sorted(row.scope for row in tx.rows(named))


def reserve(tx: Writing, wanted: Charge, event: Event) -> None:
    """Charge every scope before the data is read.

    Raise `ScopeExhaustedError` naming the first scope that cannot bear it, with nothing charged
    anywhere, and `ConflictError` where this start of the job was charged before: that transaction
    must be given up.
    """
    scopes = list(wanted.scopes)
    if not tx.change(_HELD, {"scopes": scopes, "amount": wanted.rho, "all": len(scopes)}):
        known = balances(tx, scopes)
        short = (each for each in scopes if known.get(each, Balance()).left < wanted.rho)
        raise ScopeExhaustedError(next(short))
    key = {"job": wanted.job, "epoch": wanted.epoch}
    facts = {"rho": wanted.rho, "events": wanted.events_json, "at": stamp(tx.now)}
    tx.insert(charge, {**key, **facts, "state": ChargeState.RESERVED})
    start = {"of_job": wanted.job, "of_epoch": wanted.epoch}
    tx.change(_FALLS_ON_EACH, {**start, "scopes": scopes})  # type: ignore[arg-type] # an insert changes too
    tx.note(event)


def commit(tx: Writing, job: JobId, epoch: int, event: Event) -> None:
    """Mark a reserved charge as spent; raise `StaleError` where it already is."""
    start = {"of_job": job, "of_epoch": epoch}
    if not tx.change(_SPENT, start):
        get(tx, job, epoch)
        raise StaleError(f"the charge of job {job}, epoch {epoch} is already spent")
    tx.change(_MOVED, start)
    tx.note(event)


def get(tx: Reading, job: JobId, epoch: int) -> Charged:
    """Return the charge for this start of the job; raise `NotFoundError` where it cost nothing."""
    found = _words(tx.rows(_ONE, {"of_job": job, "of_epoch": epoch}))
    if not found:
        raise NotFoundError(f"no charge of job {job}, epoch {epoch}")
    return found[0]


def charged(tx: Reading, job: JobId) -> Charge | None:
    """Return the newest charge of the job, whichever of its starts it was for, or nothing."""
    found = _words(tx.rows(_OF_JOB, {"of_job": job}))
    return max((each.charge for each in found), key=lambda each: each.epoch, default=None)


def charges(tx: Reading, scope: str) -> list[Charged]:
    """Return all that was ever charged to `scope`, oldest first."""
    return _words(tx.rows(_OF_SCOPE, {"name": scope}))


def earlier(tx: Reading, which: Earlier, *, beside: str) -> Uncounted:
    """Return those charges of the past that the scope `beside` does not count yet."""
    rows = tx.rows(
        _EARLIER,
        {
            "since": stamp(which.since),
            "until": stamp(which.until),
            "parties": list(which.parties),
            "scopes": list(which.scopes),
            "beside": beside,
        },
    )
    spent = sum(row.rho for row in rows if row.state == ChargeState.SPENT)
    return Uncounted(
        starts=tuple((JobId(row.job), row.epoch) for row in rows),
        reserved=sum(row.rho for row in rows) - spent,
        spent=spent,
    )


def take_in(tx: Writing, scope: str, found: Uncounted, event: Event) -> None:
    """Count earlier charges into an open `scope` too: each will be spent there when it is spent."""
    rows = [{"job": job, "epoch": epoch, "scope": scope} for job, epoch in found.starts]
    tx.insert_all(charge_scope, rows)
    more = {
        "reserved": budget.c.reserved + found.reserved,
        "spent": budget.c.spent + found.spent,
    }
    tx.change(update(budget).where(budget.c.scope == scope).values(**more))
    tx.note(event)


def _falls_on(which: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (charge_scope.c.job == charge.c.job) & (charge_scope.c.epoch == charge.c.epoch)
    return exists().where(same, which)


_EARLIER = (
    select(charge.c.job, charge.c.epoch, charge.c.rho, charge.c.state)
    .join(job_table, job_table.c.id == charge.c.job)
    .where(
        charge.c.at >= bindparam("since"),
        charge.c.at < bindparam("until"),
        or_(
            job_table.c.developer.in_(bindparam("parties", expanding=True)),
            _falls_on(charge_scope.c.scope.in_(_SCOPES)),
        ),
        ~_falls_on(charge_scope.c.scope == bindparam("beside")),
    )
)


def _with_scopes(which: ColumnElement[bool]) -> Select[Any]:
    both = (charge_scope.c.job == charge.c.job) & (charge_scope.c.epoch == charge.c.epoch)
    wanted = select(charge, charge_scope.c.scope).join(charge_scope, both).where(which)
    return wanted.order_by(charge.c.at, charge.c.job, charge.c.epoch, charge_scope.c.scope)


_ONE = _with_scopes(_SAME)
_OF_JOB = _with_scopes(charge.c.job == bindparam("of_job"))
_OF_SCOPE = _with_scopes(
    tuple_(charge.c.job, charge.c.epoch).in_(
        select(charge_scope.c.job, charge_scope.c.epoch).where(
            charge_scope.c.scope == bindparam("name")
        )
    )
)


def _words(rows: Iterable[Row[Any]]) -> list[Charged]:
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
