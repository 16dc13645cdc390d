"""The ledger against a plain model of it: dictionaries and sets."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from jobs.errors import BudgetExhaustedError, JobsError
from jobs.record import budgets, jobs
from jobs.record.budgets import UNLIMITED, Balance, Charge, Earlier
from jobs.record.database import Record
from tests.jobs.record.examples import event, job

PARTIES = ("acme", "rival")
GROUPS = ("G-A", "G-B", *PARTIES)
ASSETS = ("LOANS", "TAXES")
AMOUNTS = st.integers(1, 5)
LIMITS = st.one_of(st.integers(0, 12), st.just(UNLIMITED))


class PowerCutError(JobsError):
    """The process dies in the middle of a transaction."""


@dataclass
class Paid:
    """A charge, as the model has it."""

    rho: int
    party: str
    year: int
    scopes: set[str]
    spent: bool = False


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@dataclass
class Model:
    limits: dict[str, int] = field(default_factory=dict)
    paid: dict[int, Paid] = field(default_factory=dict)
    member: dict[str, str] = field(default_factory=lambda: {each: each for each in PARTIES})
    year: int = 2026

    def balance(self, scope: str) -> Balance:
        mine = [each for each in self.paid.values() if scope in each.scopes]
        spent = sum(each.rho for each in mine if each.spent)
        used = sum(each.rho for each in mine)
        return Balance(limit=self.limits[scope], reserved=used - spent, spent=spent)

    def bears(self, scopes: list[str], rho: int) -> bool:
        return all(self.balance(scope).left >= rho for scope in scopes)


class Ledger(RuleBasedStateMachine):
    """Charges, commits, limits, years, moves and crashes, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.clock = Clock()
        self.record = Record.open(f"sqlite:///{self.folder.name}/record.db", clock=self.clock)
        self.record.migrate()
        self.model = Model()
        self._open_year()

    @override
    def teardown(self) -> None:
        if hasattr(self, "record"):
            self.record.close()
            self.folder.cleanup()

    def _open_year(self) -> None:
        groups = [f"developer:{group}@{self.model.year}" for group in GROUPS]
        years = [f"asset:{asset}@{self.model.year}" for asset in ASSETS]
        opened = {**dict.fromkeys(groups, UNLIMITED), **dict.fromkeys(years, 10)}
        with self.record.writing() as tx:
            for scope, limit in opened.items():
                budgets.set_limit(tx, scope, limit, event("budget.opened"))
        self.model.limits |= opened

    def _scopes(self, party: str, asset: str) -> list[str]:
        year = self.model.year
        return [f"asset:{asset}@{year}", f"developer:{self.model.member[party]}@{year}"]

    @rule(
        party=st.sampled_from(PARTIES), asset=st.sampled_from(ASSETS), rho=AMOUNTS,
        dies=st.booleans(),
    )  # fmt: skip
    def charge(self, party: str, asset: str, rho: int, *, dies: bool) -> None:
        number, scopes = len(self.model.paid), self._scopes(party, asset)
        fits = self.model.bears(scopes, rho)
        asked = Charge(job=job(number).id, epoch=1, scopes=tuple(scopes), rho=rho, events_json="[]")
        try:
            with self.record.writing() as tx:
                jobs.add(tx, job(number, developer=party), event())
                budgets.reserve(tx, asked, event())
                _cut(power=dies)
        except PowerCutError:
            assert fits
        except BudgetExhaustedError:
            assert not fits
        else:
            assert fits
            self.model.paid[number] = Paid(rho, party, self.model.year, set(scopes))

    @precondition(lambda self: any(not each.spent for each in self.model.paid.values()))
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        open_ones = sorted(n for n, each in self.model.paid.items() if not each.spent)
        number = data.draw(st.sampled_from(open_ones))
        with self.record.writing() as tx:
            budgets.commit(tx, job(number).id, 1, event())
        self.model.paid[number].spent = True

    @rule(data=st.data(), limit=LIMITS)
    def set_limit(self, data: st.DataObject, limit: int) -> None:
        scope = data.draw(st.sampled_from(sorted(self.model.limits)))
        with self.record.writing() as tx:
            budgets.set_limit(tx, scope, limit, event("budget.set"))
        self.model.limits[scope] = limit

    @rule(party=st.sampled_from(PARTIES), group=st.sampled_from(GROUPS))
    def move(self, party: str, group: str) -> None:
        scope, year = f"developer:{group}@{self.model.year}", self.model.year
        since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        theirs = Earlier(parties=(party,), since=since, until=until)
        with self.record.writing() as tx:
            found = budgets.earlier(tx, theirs, beside=scope)
            budgets.take_in(tx, scope, found, event("budget.moved"))
        for each in self.model.paid.values():
            if (each.party, each.year) == (party, year):
                each.scopes.add(scope)
        self.model.member[party] = group

    @precondition(lambda self: self.model.year < 2028)
    @rule()
    def turn_the_year(self) -> None:
        self.model.year += 1
        self.clock.now = datetime(self.model.year, 1, 1, tzinfo=UTC)
        self._open_year()

    @rule()
    def start_again(self) -> None:
        self.record.close()
        self.record = Record.open(f"sqlite:///{self.folder.name}/record.db", clock=self.clock)

    @invariant()
    def every_balance_is_the_models(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.record.reading() as tx:
            found = budgets.balances(tx, sorted(self.model.limits))
            lines = {scope: budgets.charges(tx, scope) for scope in found}
        assert found == {scope: self.model.balance(scope) for scope in self.model.limits}
        for scope, balance in found.items():
            assert sum(each.charge.rho for each in lines[scope]) == balance.used


def _cut(*, power: bool) -> None:
    if power:
        raise PowerCutError


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
