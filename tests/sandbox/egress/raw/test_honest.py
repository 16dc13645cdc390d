"""Honest aggregates, charts' tables, reports and model cards of real tables: at most one in a hundred is blocked."""

import os
from pathlib import Path

import pytest

from sandbox.egress.verdict import Blocked
from tests.sandbox.egress.examples import CANARY, told
from tests.sandbox.egress.raw.books import REPORTED_ON, TUNED_ON, Book, sealed_book
from tests.sandbox.egress.raw.catching import judged, rules
from tests.sandbox.egress.raw.honest import MAKERS, honest

MOST_BLOCKED = 0.01
MOST_WARNED = 0.1
"""Outputs at which a person is told to look twice: of a curve over even bins, x has the shape of its column."""
QUICK = ("food", "incomes", "flights")
long_only = pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="SHUYU_EGRESS=long runs it"
)


def shares(books: list[Book], each: int) -> tuple[float, float, list[str]]:
    """Return the share of honest outputs that are blocked for anything, the share with a warning, and which are blocked."""
    blocked, warned = [], 0
    for source in books:
        for seed in range(each):
            name, file = honest(source, seed)
            verdicts = judged([(file[0], file[1].encode())], source)
            assert all(CANARY not in told(verdict) for verdict in verdicts)
            if any(isinstance(verdict, Blocked) for verdict in verdicts):
                blocked.append(f"{source.name} {seed} {name}: {rules(verdicts)}")
            warned += bool(rules(verdicts) & {"egress.like_a_row", "egress.like_a_column"})
    total = len(books) * each
    return len(blocked) / total, warned / total, blocked


def test_of_honest_outputs_hardly_any_is_blocked(tmp_path: Path) -> None:
    books = [sealed_book(name, tmp_path) for name in QUICK]

    blocked, warned, which = shares(books, 40)

    assert blocked <= MOST_BLOCKED, which
    assert warned <= MOST_WARNED


@long_only
@pytest.mark.timeout(3600)
def test_of_hundreds_of_honest_outputs_of_all_tables_hardly_any_is_blocked(tmp_path: Path) -> None:
    books = [sealed_book(name, tmp_path) for name in TUNED_ON | REPORTED_ON]

    blocked, warned, which = shares(books, 5 * len(MAKERS))

    assert blocked <= MOST_BLOCKED, which
    assert warned <= MOST_WARNED
