"""Wants budget from a process of its own; it imports little, for each process imports it anew."""

from datetime import UTC, datetime

from jobs.errors import BudgetExhaustedError
from jobs.record import budgets
from jobs.record.budgets import Charge
from jobs.record.database import Record
from tests.jobs.record.examples import event, job


def want(record: Record, number: int, scopes: tuple[str, ...]) -> bool:
    """Charge a pico-rho for job `number`, and say whether the budget bore it."""
    asked = Charge(job=job(number).id, epoch=1, scopes=scopes, rho=1, events_json="[]")
    try:
        with record.writing() as tx:
            budgets.reserve(tx, asked, event())
    except BudgetExhaustedError:
        return False
    return True


def want_elsewhere(asked: tuple[str, range, tuple[str, ...]]) -> list[bool]:
    """Want for many jobs, over a record of its own at this URL."""
    url, numbers, scopes = asked
    record = Record.open(url, clock=lambda: datetime.now(UTC))
    got = [want(record, number, scopes) for number in numbers]
    record.close()
    return got
