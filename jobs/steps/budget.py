"""Sets what privacy may cost: of a grant by its plan, of an asset or a group by the institution.

What people set is (epsilon, delta); what is kept is the most rho that stays within it, rounded down
(`sandbox.privacy.approximate.rho_limit_of`).
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from jobs.grant import Grant, PartyId
from jobs.record import budgets
from jobs.record.budgets import MAX_RHO, UNLIMITED, ChargeError
from jobs.record.database import Writing
from jobs.record.event import Event
from jobs.rules.scopes import (
    Grouping,
    alone,
    asset_year,
    granted,
    group_year,
    lifetime,
    year_of,
)
from jobs.steps.accounts import charges_of, group_account, open_account, take_in
from jobs.steps.allowances import (
    Group,
    YearLimit,
    group_named,
    group_of,
    keep_group,
    keep_limit,
)
from sandbox.asset import AssetId
from sandbox.privacy.approximate import rho_limit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a change of membership came to."""

    scope: str
    """Where the member's charges count from now on; empty for an asset in no group."""
    rho: int
    """What it brought along that was not counted there before, in pico-rho."""


def open_grant(tx: Writing, grant: Grant) -> None:
    """Let a grant cost what its plan asked for, in the transaction that issues it."""
    scope = granted(grant.id)
    rho = _rho(grant.epsilon_total, grant.delta)
    budgets.set_limit(tx, scope, rho, _event(scope, "system", rho))


def set_asset(
    tx: Writing, asset: AssetId, *, epsilon: Fraction, delta: Fraction, actor: str
) -> int:
    """Let an asset cost (epsilon, delta) in each year, this one included; return it in pico-rho.

    The year's budget may lie below it where the rulebook's ceiling does.
    """
    rho = _rho(epsilon, delta)
    keep_limit(tx, asset, YearLimit(rho=rho), _event(lifetime(asset), actor, rho))
    _reset(tx, asset_year(asset, year_of(tx.now)), rho, actor)
    return rho


def set_lifetime(tx: Writing, asset: AssetId, rho: int | None, *, actor: str) -> None:
    """Let an asset cost `rho` pico-rho in all its years together, or set no such limit."""
    scope = lifetime(asset)
    limit = UNLIMITED if rho is None else rho
    budgets.set_limit(tx, scope, limit, _event(scope, actor, rho))


def set_group(tx: Writing, grouping: Grouping, name: str, rho: int | None, *, actor: str) -> None:
    """Let a group cost `rho` pico-rho in each year, this one included, or only count what it costs."""
    group = replace(group_named(tx, grouping, name), limit=rho)
    keep_group(tx, group, _event(f"{grouping}:{name}", actor, rho))
    scope = group_year(grouping, name, year_of(tx.now))
    _reset(tx, scope, UNLIMITED if rho is None else rho, actor)


def move(tx: Writing, grouping: Grouping, member: str, *, to: str, actor: str) -> Moved:
    """Let `member` count with the group `to` from now on; empty: with none.

    Its charges of this year go along: the group counts each of them, once, however often the member
    comes and goes. What it leaves keeps them too, so that no move gives anything back. A group that is
    overdrawn by it may charge nothing more.
    """
    year = year_of(tx.now)
    was = group_of(tx, grouping, member)
    if was and was.name == to:
        return Moved(scope=group_year(grouping, to, year), rho=0)
    told: dict[str, str | int] = {"from": was.name if was else "", "to": to, "year": year}
    subject = f"{grouping}:{member}"
    if was:
        rest = tuple(each for each in was.members if each != member)
        keep_group(tx, replace(was, members=rest), Event("budget.left", subject, actor, told))
    if to:
        group = group_named(tx, grouping, to)
        members = tuple(sorted({*group.members, member}))
        event = Event("budget.joined", subject, actor, told)
        keep_group(tx, replace(group, members=members), event)
    return _carried(tx, grouping, member, to=to)


def _carried(tx: Writing, grouping: Grouping, member: str, *, to: str) -> Moved:
    if not to and grouping is Grouping.UNIT:
        return Moved(scope="", rho=0)
    itself = Group(grouping=grouping, name=to or alone(PartyId(member)), members=(member,))
    group = group_named(tx, grouping, to) if to else itself
    year = year_of(tx.now)
    scope = group_year(grouping, group.name, year)
    kept = budgets.balances(tx, (scope,)).get(scope)
    if kept is None:
        account = group_account(tx, group, None)
        open_account(tx, account)
        return Moved(scope=scope, rho=account.balance.used)
    return Moved(scope=scope, rho=take_in(tx, scope, charges_of(itself, year)))


def _reset(tx: Writing, scope: str, rho: int, actor: str) -> None:
    """Give a scope that is open another limit; one that is not will open with it."""
    if scope in budgets.balances(tx, (scope,)):
        budgets.set_limit(tx, scope, rho, _event(scope, actor, rho))


def _rho(epsilon: Fraction, delta: Fraction) -> int:
    """Return the limit in pico-rho; raise `ChargeError` where it is none that can be kept."""
    rho = rho_limit_of(epsilon, delta)
    if rho >= MAX_RHO:
        raise ChargeError("no such limit: it is above all that can be counted")
    return rho


def _event(scope: str, actor: str, rho: int | None) -> Event:
    none = rho is None or rho >= UNLIMITED
    told: dict[str, str | int] = {"limit": "none"} if none else {"pico_rho": rho or 0}
    return Event("budget.set", scope, actor, told)
