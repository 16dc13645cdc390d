"""Privacy budgets as the institution keeps them: the rulebooks' ceilings, limits, groups, statements."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from gateway.governance.assets import catalogue
from gateway.governance.errors import IneligibleError
from gateway.governance.parties import Caller, parties
from gateway.governance.rulebook import Rulebook
from gateway.governance.rules import Rules
from gateway.governance.sentences import reason
from jobs.grant import Grant
from jobs.record import budgets
from jobs.record.budgets import Balance, Charged, ChargeState
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.rules.events import PrivacyEvent, delta_spent, events_of
from jobs.rules.prices import equal_epsilon
from jobs.rules.scopes import Grouping, family_of, said
from jobs.steps.accounts import Account, accounts
from jobs.steps.allowances import YearRule, keep_rule
from jobs.steps.budget import Moved, move
from sandbox.privacy.accounting import epsilon_of, tight_epsilon_of
from sandbox.privacy.approximate import rho_limit_of
from sandbox.privacy.events import DpEvent
from sandbox.reason import Reason, Said

INSTITUTION = "implementing_institution"
DELTA = "privacy.delta"
_ASSET = "privacy.epsilon_per_asset_year"
_UNIT = "privacy.epsilon_per_unit_group_year"
_DEVELOPER = "privacy.epsilon_per_developer_group_year"
_GROUP = re.compile(r"[A-Z][A-Z0-9-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One charge, as a statement shows it."""

    charged: Charged
    events: tuple[PrivacyEvent, ...]

    @property
    def epsilon(self) -> Fraction:
        """Return what its pure events sum to; of others, the epsilon of a query that costs the same."""
        pure = [each for each in self.events if isinstance(each, DpEvent)]
        if len(pure) < len(self.events):
            return equal_epsilon(self.charged.charge.rho)
        return sum((event.epsilon for event in pure), Fraction(0))

    @property
    def delta(self) -> Fraction:
        """Return what its events may spend of delta."""
        return sum(map(delta_spent, self.events), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one scope may cost, what was charged to it, and what that amounts to."""

    scope: str
    balance: Balance
    lines: tuple[Line, ...]
    delta_asked: Fraction
    """At which its epsilon is told; of it the charges' own delta is taken, as far as half of it goes."""

    @property
    def delta(self) -> Fraction:
        """Return the delta at which its epsilon holds: the one that was asked for, or a little more."""
        return self._conversion + self._spent

    @property
    def _spent(self) -> Fraction:
        return sum((line.delta for line in self.lines), Fraction(0))

    @property
    def _conversion(self) -> Fraction:
        return max(self.delta_asked - self._spent, self.delta_asked / 2)

    @property
    def name(self) -> Said:
        """Return what people call the scope."""
        return said(self.scope)

    @property
    def epsilon(self) -> Fraction:
        """Return the epsilon at `delta` that all charges amount to, as limits are set."""
        return epsilon_of(self.balance.used, self._conversion)

    @property
    def tight_epsilon(self) -> Fraction:
        """Return the smaller epsilon at `delta` by their Renyi divergences."""
        return tight_epsilon_of(self.balance.used, self._conversion)

    @property
    def adds_up(self) -> bool:
        """Say whether the charges make up the balance, and their events each charge."""
        paid = [line.charged for line in self.lines]
        spent = sum(each.charge.rho for each in paid if each.state is ChargeState.SPENT)
        used = sum(each.charge.rho for each in paid)
        priced = all(
            line.charged.charge.rho == sum(event.rho for event in line.events)
            for line in self.lines
        )
        return priced and (spent, used) == (self.balance.spent, self.balance.used)


def publish_ceilings(record: Record, rules: Rules, *, by: str) -> None:
    """Make each rulebook's ceilings over a year known to the record, where charges are held to them.

    A ceiling that was lowered stops further charges with the next one that is asked for.
    """
    with record.writing() as tx:
        for name, book in rules.rulebooks.items():
            told = {"rulebook": book.reference}
            keep_rule(tx, name, _rule(book), Event("budget.ruled", name, by, told))


def known_accounts(tx: Reading, grants: Iterable[Grant], *, reader: Caller) -> tuple[Account, ...]:
    """Return the accounts behind these grants that the reader may know of, by scope.

    What was never charged and has no limit is left out. A developer group's spending is for its own
    parties and the institution.
    """
    found: dict[str, Account] = {}
    for account in _accounts(tx, grants, reader):
        other = found.get(account.scope)
        if other is None or account.balance.limit < other.balance.limit:
            found[account.scope] = account
    return tuple(found[scope] for scope in sorted(found))


def move_member(record: Record, grouping: Grouping, member: str, *, to: str, by: str) -> Moved:
    """Let an asset or a party count with the group `to`; with an empty name, with none.

    Raise `IneligibleError` where there is no such asset or party, or the name is none for a group.
    """
    with record.writing() as tx:
        _demand(_move_reasons(tx, grouping, member, to))
        return move(tx, grouping, member, to=to, actor=by)


def stated(tx: Reading, scope: str, *, delta: Fraction) -> Statement:
    """Return the statement of `scope`; one that was never opened has nothing in it."""
    lines = tuple(
        Line(charged=each, events=events_of(each.charge.events_json))
        for each in budgets.charges(tx, scope)
    )
    return Statement(
        scope=scope, balance=budgets.balance(tx, scope), lines=lines, delta_asked=delta
    )


def _rule(book: Rulebook) -> YearRule:
    return YearRule(
        rulebook=book.reference,
        asset=_ceiling(book, _ASSET),
        unit=_ceiling(book, _UNIT),
        developer=_ceiling(book, _DEVELOPER),
    )


def _ceiling(book: Rulebook, key: str) -> int | None:
    if key not in book.rules:
        return None
    return rho_limit_of(book.exact(key), book.exact(DELTA))


def _accounts(tx: Reading, grants: Iterable[Grant], reader: Caller) -> Iterator[Account]:
    for grant in grants:
        own = reader.party == grant.developer or reader.party_kind == INSTITUTION
        for view in grant.assets:
            for account in accounts(tx, view.asset, grant):
                is_told = account.balance.limited or account.balance.used
                if is_told and (own or family_of(account.scope) != Grouping.DEVELOPER):
                    yield account


def _move_reasons(tx: Writing, grouping: Grouping, member: str, to: str) -> Iterator[Reason]:
    party_ids = {party.id for party in parties(tx)}
    if grouping is Grouping.UNIT:
        known = {str(asset) for asset, _ in catalogue(tx)}
    else:
        known = {str(party) for party in party_ids}
    if member not in known:
        yield reason("group.member", place="member")
    if to and (not _GROUP.fullmatch(to) or to in party_ids):
        yield reason("group.name", place="name")


def _demand(reasons: Iterator[Reason]) -> None:
    found = tuple(reasons)
    if found:
        raise IneligibleError(found)
