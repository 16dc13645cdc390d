from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest

from jobs.errors import BudgetExhaustedError, ConflictError, NotFoundError, StaleError
from jobs.record import budgets, jobs, log
from jobs.record.budgets import (
    UNLIMITED,
    Balance,
    Charge,
    ChargeError,
    ChargeState,
    Earlier,
    ScopeExhaustedError,
    Uncounted,
)
from jobs.record.database import Record, Writing
from tests.jobs.record.examples import event, job
from tests.jobs.record.wanting import want, want_elsewhere

ASSET, GRANTED = "asset:LOANS", "grant:SC-1.v1"


def charge(number: int, rho: int, *scopes: str, epoch: int = 1) -> Charge:
    return Charge(
        job=job(number).id,
        epoch=epoch,
        scopes=scopes or (ASSET, GRANTED),
        rho=rho,
        events_json='[{"mechanism":"laplace"}]',
    )


def prepare(tx: Writing, *, asset: int, grant: int, jobs_wanted: int = 3) -> None:
    for number in range(jobs_wanted):
        jobs.add(tx, job(number), event())
    budgets.set_limit(tx, ASSET, asset, event("budget.set"))
    budgets.set_limit(tx, GRANTED, grant, event("budget.set"))


def test_a_charge_is_reserved_in_every_scope_then_spent(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=5)
        budgets.reserve(tx, charge(1, 4), event())
        assert budgets.balance(tx, GRANTED) == Balance(limit=5, reserved=4, spent=0)

        budgets.commit(tx, job(1).id, 1, event())

    with record.reading() as tx:
        assert budgets.balance(tx, ASSET) == Balance(limit=10, reserved=0, spent=4)
        assert budgets.balance(tx, GRANTED).left == 1
        (charged,) = budgets.charges(tx, ASSET)
        assert (charged.charge, charged.state) == (charge(1, 4), ChargeState.SPENT)
        assert budgets.charged(tx, job(1).id) == charge(1, 4)
        assert budgets.charged(tx, job(2).id) is None


def test_a_scope_that_cannot_bear_it_leaves_every_scope_uncharged(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=3)
        size = log.head(tx).size
        with pytest.raises(BudgetExhaustedError, match=GRANTED):
            budgets.reserve(tx, charge(1, 4), event())
        assert log.head(tx).size == size

    with record.reading() as tx:
        assert budgets.balance(tx, ASSET).left == 10
        assert budgets.charges(tx, ASSET) == []


def test_a_scope_without_a_limit_bears_nothing(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        with pytest.raises(BudgetExhaustedError, match="asset:OTHER"):
            budgets.reserve(tx, charge(1, 1, ASSET, "asset:OTHER"), event())


def test_one_start_of_a_job_is_charged_once(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        budgets.reserve(tx, charge(1, 1), event())
        budgets.reserve(tx, charge(1, 1, epoch=2), event())

    with pytest.raises(ConflictError), record.writing() as tx:
        budgets.reserve(tx, charge(1, 1), event())
    with record.reading() as tx:
        assert budgets.balance(tx, ASSET).left == 8


def test_a_charge_is_spent_once_and_only_where_there_is_one(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        budgets.reserve(tx, charge(1, 1), event())
        budgets.commit(tx, job(1).id, 1, event())

    with pytest.raises(StaleError), record.writing() as tx:
        budgets.commit(tx, job(1).id, 1, event())
    with pytest.raises(NotFoundError), record.writing() as tx:
        budgets.commit(tx, job(2).id, 1, event())


def test_a_lowered_limit_leaves_nothing_and_forgets_nothing(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        budgets.reserve(tx, charge(1, 6), event())
        budgets.set_limit(tx, ASSET, 4, event())

    with record.reading() as tx:
        assert budgets.balance(tx, ASSET) == Balance(limit=4, reserved=6, spent=0)
        assert budgets.balance(tx, ASSET).left == 0


@pytest.mark.req("H-04")
def test_of_a_hundred_threads_that_want_the_last_unit_exactly_one_gets_it(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=1, grant=1000, jobs_wanted=100)

    with ThreadPoolExecutor(100) as threads:
        got = list(threads.map(lambda number: want(record, number, (ASSET, GRANTED)), range(100)))

    assert got.count(True) == 1
    with record.reading() as after:
        assert budgets.balance(after, ASSET) == Balance(limit=1, reserved=1, spent=0)
        assert budgets.balance(after, GRANTED).reserved == 1


@pytest.mark.req("H-04")
def test_of_a_hundred_wishes_of_separate_processes_for_the_last_unit_one_comes_true(
    record: Record, url: str
) -> None:
    with record.writing() as tx:
        prepare(tx, asset=1, grant=1000, jobs_wanted=100)
    parts = [(url, range(first, 100, 3), (ASSET, GRANTED)) for first in range(3)]

    context = get_context("forkserver")
    context.set_forkserver_preload([want_elsewhere.__module__])  # imported once, not by each

    with ProcessPoolExecutor(3, mp_context=context) as processes:
        got = [each for part in processes.map(want_elsewhere, parts) for each in part]

    assert (len(got), got.count(True)) == (100, 1)
    with record.reading() as after:
        assert budgets.balance(after, ASSET) == Balance(limit=1, reserved=1, spent=0)


@pytest.mark.parametrize(
    ("scopes", "rho"),
    [((), 1), ((ASSET, ASSET), 1), ((ASSET,), 0), ((ASSET,), -1), ((ASSET,), 2**63)],
)
def test_a_charge_that_would_charge_nothing_or_anything_is_none(
    scopes: tuple[str, ...], rho: int
) -> None:
    with pytest.raises(ChargeError):
        Charge(job=job(1).id, epoch=1, scopes=scopes, rho=rho, events_json="[]")


def test_no_limit_is_negative(sqlite_record: Record) -> None:
    with pytest.raises(ChargeError), sqlite_record.writing() as tx:
        budgets.set_limit(tx, ASSET, -1, event())


def test_a_scope_without_a_limit_counts_what_falls_on_it(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        budgets.set_limit(tx, "unit:G@2026", UNLIMITED, event("budget.opened"))
        budgets.reserve(tx, charge(1, 4, ASSET, "unit:G@2026"), event())
        counted = budgets.balance(tx, "unit:G@2026")

    assert (counted.limited, counted.used) == (False, 4)


def test_a_charge_that_one_scope_of_many_cannot_bear_names_it_and_leaves_no_trace(
    record: Record,
) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=3)
        with pytest.raises(ScopeExhaustedError) as short:
            budgets.reserve(tx, charge(1, 4), event())
        left = budgets.balances(tx, (ASSET, GRANTED, "grant:none"))

    assert short.value.scope == GRANTED
    assert left == {ASSET: Balance(limit=10), GRANTED: Balance(limit=3)}
    with record.reading() as after:
        assert budgets.charged(after, job(1).id) is None


def test_earlier_charges_are_taken_in_once_and_spent_where_they_were_taken_in(
    record: Record,
) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        budgets.reserve(tx, charge(1, 1), event())
        budgets.reserve(tx, charge(2, 2), event())
        budgets.commit(tx, job(2).id, 1, event())
        budgets.set_limit(tx, "unit:G@2026", 2, event())
    theirs = Earlier(scopes=(ASSET,), since=tx.now - timedelta(1), until=tx.now + timedelta(1))

    with record.writing() as tx:
        first = budgets.earlier(tx, theirs, beside="unit:G@2026")
        budgets.take_in(tx, "unit:G@2026", first, event("budget.taken_in"))
        again = budgets.earlier(tx, theirs, beside="unit:G@2026")
        budgets.commit(tx, job(1).id, 1, event())
        overdrawn = budgets.balance(tx, "unit:G@2026")

    assert (first.reserved, first.spent, again) == (1, 2, Uncounted())
    assert (overdrawn, overdrawn.left) == (Balance(limit=2, spent=3), 0)


def test_only_a_partys_own_charges_within_the_span_are_earlier_ones(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=10, grant=10)
        jobs.add(tx, job(7, developer="rival"), event())
        budgets.reserve(tx, charge(1, 1), event())
        budgets.reserve(tx, charge(7, 2), event())
    day = timedelta(1)
    ours = Earlier(parties=("rival",), since=tx.now - day, until=tx.now + day)
    over = Earlier(parties=("rival",), since=tx.now - day, until=tx.now)

    with record.reading() as after:
        found = budgets.earlier(after, ours, beside="developer:G@2026")

        assert (found.starts, found.reserved) == (((job(7).id, 1),), 2)
        assert budgets.earlier(after, over, beside="developer:G@2026") == Uncounted()
