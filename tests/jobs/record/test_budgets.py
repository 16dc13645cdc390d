from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.errors import BudgetExhaustedError, ConflictError, NotFoundError, StaleError
from jobs.record import budgets, jobs, log
from jobs.record.budgets import Balance, Charge, ChargeError, ChargeState
from jobs.record.database import Record, Writing
from tests.jobs.record.examples import event, job

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


def test_of_a_hundred_that_want_the_last_unit_exactly_one_gets_it(record: Record) -> None:
    with record.writing() as tx:
        prepare(tx, asset=1, grant=1000, jobs_wanted=100)

    def want(number: int) -> bool:
        try:
            with record.writing() as tx:
                budgets.reserve(tx, charge(number, 1), event())
        except BudgetExhaustedError:
            return False
        return True

    with ThreadPoolExecutor(32) as threads:
        got = list(threads.map(want, range(100)))

    assert got.count(True) == 1
    with record.reading() as after:
        assert budgets.balance(after, ASSET) == Balance(limit=1, reserved=1, spent=0)
        assert budgets.balance(after, GRANTED).reserved == 1


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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limits=st.lists(st.integers(0, 20), min_size=2, max_size=2),
    wanted=st.lists(
        st.tuples(st.integers(1, 8), st.sets(st.sampled_from("ab"), min_size=1)), max_size=8
    ),
    spent=st.sets(st.integers(0, 7)),
)
def test_no_order_of_charges_ever_overdraws_or_gives_back(
    sqlite_record: Record,
    limits: list[int],
    wanted: list[tuple[int, set[str]]],
    spent: set[int],
) -> None:
    with sqlite_record.writing() as tx:
        base = tx.peaks().size * 10  # each example has scopes and jobs of its own
        left = {f"{name}{base}": limit for name, limit in zip("ab", limits, strict=True)}
        for scope, limit in left.items():
            budgets.set_limit(tx, scope, limit, event())
        for number, (rho, names) in enumerate(wanted, base):
            scopes = sorted(f"{name}{base}" for name in names)
            jobs.add(tx, job(number), event())
            fits = all(left[scope] >= rho for scope in scopes)
            commit = number - base in spent
            assert _try(tx, charge(number, rho, *scopes), commit=commit) == fits
            left.update({scope: left[scope] - rho for scope in scopes if fits})
            assert {scope: budgets.balance(tx, scope).left for scope in left} == left


def _try(tx: Writing, wanted: Charge, *, commit: bool) -> bool:
    try:
        budgets.reserve(tx, wanted, event())
    except BudgetExhaustedError:
        return False
    if commit:
        budgets.commit(tx, wanted.job, wanted.epoch, event())
    return True
