"""Prices a private answer before it is made: what it would cost and leave of each budget; nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jobs.job import Job, JobId, PrivateWork
from jobs.record.budgets import Balance
from jobs.record.database import Reading
from jobs.record.grants import Granted
from jobs.rules.admission import Forecast, Price, Refused, shortfalls
from jobs.rules.admit import admit
from jobs.rules.scopes import said
from jobs.steps.accounts import Account, all_accounts
from jobs.steps.facts import Clock, facts
from jobs.steps.submit import Submitter
from sandbox.asset import AssetId
from sandbox.privacy.accounting import rho_text
from sandbox.reason import Reason, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a charge would do to one scope."""

    scope: str
    balance: Balance
    """As it stands, or would open."""
    price: int
    """Pico-rho."""

    @property
    def bears(self) -> bool:
        """Say whether the scope can bear the charge."""
        return self.balance.left >= self.price

    @property
    def told(self) -> Said:
        """Say it in a sentence, in exact decimals of rho."""
        name, now, cost = said(self.scope), self.balance, rho_text(self.price)
        if not now.limited:
            used, then = rho_text(now.used), rho_text(now.used + self.price)
            return Said(
                zh=f"{name.zh}：没有上限，已用 ρ {used}，本次之后为 ρ {then}",
                en=f"{name.en}: no limit; rho {used} used, {then} after it",
            )
        left = rho_text(now.left)
        if not self.bears:
            return Said(
                zh=f"{name.zh}：余额不足，剩余 ρ {left}，本次需要 ρ {cost}",
                en=f"{name.en}: not enough; rho {left} left, it costs {cost}",
            )
        then = rho_text(now.left - self.price)
        return Said(
            zh=f"{name.zh}：剩余 ρ {left}，本次之后剩余 ρ {then}",
            en=f"{name.en}: rho {left} left, {then} after it",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What an answer would cost: its forecast, and what it would leave of each budget."""

    plan: Forecast
    price: Price
    effects: tuple[Effect, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return why it would be refused now: a reason for each budget that cannot bear it."""
        left = {each.scope: each.balance.left for each in self.effects}
        return tuple(shortfalls(left, price=self.price.rho))


def price(  # noqa: PLR0913 - what a job is asked with, each by name
    tx: Reading,
    work: PrivateWork,
    granted: Granted,
    *,
    by: Submitter,
    clock: Clock,
    assets: tuple[AssetId, ...] = (),
) -> Priced | Refused:
    """Hold a job that is never written down against the grant, and say what it would cost.

    `Refused` is for what no budget could help; a budget that falls short is part of the answer.
    """
    grant = granted.signed.grant
    job = Job(
        id=JobId("J-0"),
        grant=grant.id,
        developer=by.party,
        submitted_by=by.person,
        assets=assets,
        work=work,
        submitted_at=clock(),
    )
    known = replace(facts(tx, granted, clock=clock), left=_unasked)
    admission = admit(job, grant, known)
    if isinstance(admission, Refused):
        return admission
    assert admission.plan is not None, "a private work is admitted with its forecast"
    assert admission.price is not None, "and with its price"
    found = all_accounts(tx, admission.price.assets, grant)
    effects = tuple(_effects(found, admission.price.rho))
    return Priced(plan=admission.plan, price=admission.price, effects=effects)


def _unasked(_: AssetId) -> dict[str, int]:
    return {}


def _effects(found: tuple[Account, ...], price: int) -> Iterator[Effect]:
    return (Effect(scope=each.scope, balance=each.balance, price=price) for each in found)
