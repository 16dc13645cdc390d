"""How a budget burns down over its time, and when it will be used up if it goes on so."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from jobs.grant import Grant
from jobs.record import budgets
from jobs.record.database import Reading
from jobs.rules.scopes import granted, span_of
from jobs.steps.accounts import Account
from jobs.steps.facts import CHINA

FULL = 1000
"""Parts into which the budget, and its time, are divided for a chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burning:
    """What was left of one budget after each charge, from the first day of its time to now."""

    begins: datetime
    ends: datetime
    now: datetime
    limit: int
    """Pico-rho."""
    used: tuple[tuple[datetime, int], ...]
    """After each charge, oldest first: when it was made, and all that was charged by then, in pico-rho."""

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """Return where the line steps down: thousandths of the time, and of the limit that were left then.

        Charges that fall into one thousandth of the time are one step.
        """
        last = {self.place(at): max(0, self.limit - used) for at, used in self.used}
        return tuple((at, left * FULL // self.limit) for at, left in sorted(last.items()))

    @property
    def runs_out(self) -> date | None:
        """Return the day, in China, on which it is used up at the pace so far; nothing where it lasts its time."""
        if not self.used or self.now <= self.begins:
            return None
        spent, gone = self.used[-1][1], self.now - self.begins
        more = max(0, self.limit - spent) / spent
        if more >= (self.ends - self.now) / gone:
            return None
        return (self.now + gone * more).astimezone(CHINA).date()

    def place(self, at: datetime) -> int:
        """Return where a moment lies in the budget's time, in thousandths; 0 to 1000."""
        share = (at - self.begins) / (self.ends - self.begins)
        return min(FULL, max(0, int(share * FULL)))


def burning(tx: Reading, account: Account, grants: tuple[Grant, ...]) -> Burning | None:
    """Return how an account burns down; nothing where it has no limit or no end, or was never charged."""
    span = _span(account.scope, grants)
    if span is None or not account.balance.limited or account.balance.limit == 0:
        return None
    total, used = 0, []
    for each in budgets.charges(tx, account.scope):
        total += each.charge.rho
        used.append((each.at, total))
    if not used:
        return None
    return Burning(
        begins=span[0], ends=span[1], now=tx.now, limit=account.balance.limit, used=tuple(used)
    )


def _span(scope: str, grants: tuple[Grant, ...]) -> tuple[datetime, datetime] | None:
    """Return a budget's first moment and the first after it: of a year, or of a grant's term, in China's time."""
    _, _, year = scope.partition("@")
    if year.isdigit():
        return span_of(int(year))
    terms = (each for each in grants if granted(each.id) == scope)
    return next(((_midnight(g.valid_from), _midnight(g.valid_to, after=1)) for g in terms), None)


def _midnight(day: date, *, after: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=after), time(), CHINA).astimezone(UTC)
