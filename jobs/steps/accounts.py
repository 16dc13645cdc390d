"""Looks up what a charge would draw on, as it stands or as it would open, and opens what is new.

A yearly scope opens by itself with its first charge of the year, in China's time. It takes in the year's charges
that were made before it was there: those of an older version of this program, which knew no years, and those
that a new member brings along. What is not spent in a year is not carried over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jobs.grant import Grant
from jobs.record import budgets
from jobs.record.budgets import UNLIMITED, Balance, Earlier
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.rules.scopes import (
    Drawn,
    Grouping,
    alone,
    asset_year,
    granted,
    group_year,
    lifetime,
    span_of,
    year_of,
)
from jobs.steps.allowances import Group, group_of, limit_of, rule_of
from sandbox.asset import AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One scope that a charge would fall on."""

    scope: str
    balance: Balance
    """What holds for a charge now: under the limit that is the least of all that are set."""
    kept: Balance | None = None
    """What the record has; nothing where the scope is not open yet."""
    takes: Earlier | None = None
    """Which charges of the past it counts from its opening on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What the accounts of one charge are made up from."""

    tx: Reading
    drawn: Drawn
    units: Group | None
    developers: Group
    kept: Mapping[str, Balance]
    rulebook: str


def accounts(tx: Reading, asset: AssetId, grant: Grant) -> tuple[Account, ...]:
    """Return every scope that a charge over `asset` under `grant` falls on now."""
    units = group_of(tx, Grouping.UNIT, asset)
    developers = group_of(tx, Grouping.DEVELOPER, grant.developer) or _itself(grant)
    drawn = Drawn(
        asset=asset,
        unit=units.name if units else "",
        developer=developers.name,
        grant=grant.id,
        year=year_of(tx.now),
    )
    book = _Book(
        tx=tx,
        drawn=drawn,
        units=units,
        developers=developers,
        kept=budgets.balances(tx, drawn.scopes),
        rulebook=grant.rulebook.partition("@")[0],
    )
    return tuple(_accounts(book))


def all_accounts(tx: Reading, assets: tuple[AssetId, ...], grant: Grant) -> tuple[Account, ...]:
    """Return every scope that a charge over all of these assets falls on now, each once."""
    found = (account for asset in assets for account in accounts(tx, asset, grant))
    return tuple({account.scope: account for account in found}.values())


def open_accounts(tx: Writing, found: tuple[Account, ...]) -> None:
    """Open those that are not open, and lower those whose ceiling was lowered since."""
    for account in found:
        if account.kept is None and account.balance.limit > 0:
            open_account(tx, account)
        elif account.kept is not None and account.balance.limit < account.kept.limit:
            told = {"pico_rho": account.balance.limit}
            event = Event("budget.lowered", account.scope, "system", told)
            budgets.set_limit(tx, account.scope, account.balance.limit, event)


def group_account(
    tx: Reading, group: Group, kept: Balance | None, *, ceiling: int | None = None
) -> Account:
    """Return the account of a group in this year; `ceiling` is the rulebook's, in pico-rho."""
    year = year_of(tx.now)
    scope = group_year(group.grouping, group.name, year)
    limits = (group.limit, ceiling, UNLIMITED)
    return _account(tx, scope, kept, takes=charges_of(group, year), limits=limits)


def charges_of(group: Group, year: int) -> Earlier:
    """Return which charges of a year are those of the group's members, whoever counted them."""
    since, until = span_of(year)
    if group.grouping is Grouping.DEVELOPER:
        return Earlier(parties=group.members, since=since, until=until)
    assets = tuple(lifetime(AssetId(each)) for each in group.members)
    return Earlier(scopes=assets, since=since, until=until)


def open_account(tx: Writing, account: Account) -> None:
    """Open a scope with its limit, and let it count what it is to count of the past."""
    limit = account.balance.limit
    limited = account.balance.limited
    told: dict[str, str | int] = {"pico_rho": limit} if limited else {"limit": "none"}
    opened = Event("budget.opened", account.scope, "system", told)
    budgets.set_limit(tx, account.scope, limit, opened)
    if account.takes is not None:
        take_in(tx, account.scope, account.takes)


def take_in(tx: Writing, scope: str, which: Earlier) -> int:
    """Count those charges into an open scope that it does not count yet; return their pico-rho."""
    found = budgets.earlier(tx, which, beside=scope)
    rho = found.reserved + found.spent
    if found.starts:
        told = {"pico_rho": rho, "charges": len(found.starts)}
        budgets.take_in(tx, scope, found, Event("budget.taken_in", scope, "system", told))
    return rho


def _accounts(book: _Book) -> Iterator[Account]:
    rule = rule_of(book.tx, book.rulebook)
    yield _whole_life(book)
    yield _year(book, rule.asset if rule else None)
    for group in (book.units, book.developers):
        if group:
            kept = book.kept.get(group_year(group.grouping, group.name, book.drawn.year))
            ceiling = rule.ceiling(group.grouping) if rule else None
            yield group_account(book.tx, group, kept, ceiling=ceiling)
    scope = granted(book.drawn.grant)
    kept = book.kept.get(scope)
    yield Account(scope=scope, balance=kept or Balance(), kept=kept)


def _whole_life(book: _Book) -> Account:
    scope = lifetime(book.drawn.asset)
    kept = book.kept.get(scope)
    return Account(scope=scope, balance=kept or Balance(limit=UNLIMITED), kept=kept)


def _year(book: _Book, ceiling: int | None) -> Account:
    asset, year = book.drawn.asset, book.drawn.year
    own = limit_of(book.tx, asset)
    limits = (ceiling, own.rho if own else None)
    if limits == (None, None):
        # a record of before there were years: its one limit for the asset bounds each year too
        whole = _whole_life(book).balance
        limits = (whole.limit if whole.limited else 0, None)
    since, until = span_of(year)
    takes = Earlier(scopes=(lifetime(asset),), since=since, until=until)
    scope = asset_year(asset, year)
    return _account(book.tx, scope, book.kept.get(scope), takes=takes, limits=limits)


def _account(
    tx: Reading,
    scope: str,
    kept: Balance | None,
    *,
    takes: Earlier,
    limits: tuple[int | None, ...],
) -> Account:
    least = min(limit for limit in limits if limit is not None)
    if kept is not None:
        balance = Balance(limit=min(least, kept.limit), reserved=kept.reserved, spent=kept.spent)
        return Account(scope=scope, balance=balance, kept=kept)
    before = budgets.earlier(tx, takes, beside=scope)
    foreseen = Balance(limit=least, reserved=before.reserved, spent=before.spent)
    return Account(scope=scope, balance=foreseen, takes=takes)


def _itself(grant: Grant) -> Group:
    name = alone(grant.developer)
    return Group(grouping=Grouping.DEVELOPER, name=name, members=(grant.developer,))
