"""What leaves: every cell, noisy, in canonical CSV, and nothing else that depends on the data."""

import math
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from sandbox.privacy.answer import Engine, answer
from sandbox.privacy.errors import AnswerError
from sandbox.privacy.events import DpEvent
from sandbox.privacy.plan import Plan
from tests.sandbox.privacy.book import (
    CANARY,
    LOANS,
    Gate,
    Gates,
    Row,
    Shaped,
    changed,
    planned,
    row,
    table,
)

BOOK = [
    row(0, amount=10.0, terms=12),
    row(1, state="沪", amount=1e9, terms=36),
    row(2, state="沪", amount=None, terms=None),
    row(3, state=None, amount=5.0),
    row(4, joint=False, amount=math.nan),
    row(5, joint=False, amount=-math.inf, note=None),
]


def test_every_cell_of_the_public_domains_is_answered_in_catalogue_order(gate: Gate) -> None:
    plan = planned("SELECT joint, COUNT(*) AS n, state FROM bp_loans GROUP BY state, joint")

    found = table(plan, gate(BOOK))

    assert found == [
        ["joint", "n", "state"],
        ["true", "1", "CA"],
        ["true", "0", 'N"Y, x'],
        ["true", "2", "沪"],
        ["false", "2", "CA"],
        ["false", "0", 'N"Y, x'],
        ["false", "0", "沪"],
    ]


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("COUNT(*)", "6"),
        ("COUNT(amount)", "5"),
        ("COUNT(note)", "5"),
        ("COUNT(DISTINCT person)", "6"),
        ("SUM(amount)", "96"),
        ("SUM(terms)", "84.0"),
        ("AVG(terms)", "16.800"),
        ("AVG(amount)", "23.88"),
    ],
)
def test_an_aggregate_without_noise_is_exact_over_clamped_values(
    gate: Gate, item: str, value: str
) -> None:
    found = table(planned(f"SELECT {item} AS x FROM bp_loans"), gate(BOOK))

    assert found == [["x"], [value]]


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("joint", 4),
        ("NOT joint", 2),
        ("state = '沪' OR state IS NULL", 3),
        ("state IN ('CA', '沪') AND NOT (amount >= 10.5)", 2),
        ("terms BETWEEN 12 AND 35.5", 4),
        ("amount <= terms", 3),
        ("1e0 <= grade AND grade < 99999999999999999999", 6),
        ("terms <> -1 AND note IS NOT NULL", 4),
        ("day = DATE '2026-01-31' OR seen < '2026-01-31 10:00:00'", 0),
        ("TRUE", 6),
        ("bp_loans.joint = FALSE", 2),
    ],
)
def test_a_condition_selects_the_rows_that_it_says(gate: Gate, where: str, rows: int) -> None:
    found = table(planned(f"SELECT COUNT(*) FROM BP_LOANS WHERE {where}"), gate(BOOK))

    assert found[1] == [str(rows)]


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), None])
def test_no_integer_makes_a_comparison_fail(gate: Gate, value: int | None) -> None:
    rows = [row(0, terms=value, amount=1e308), row(1, terms=3, amount=-math.inf)]
    where = "terms > 1.5 OR terms < 1e300 OR terms = amount OR terms IN (0.1, 9223372036854775808)"

    found = table(planned(f"SELECT SUM(terms), COUNT(*) FROM bp_loans WHERE {where}"), gate(rows))

    assert len(found) == 2


def test_a_unit_in_many_cells_is_counted_once_in_all(gate: Gate) -> None:
    rows = [row(0), row(0, state="沪"), row(1), row(1)]
    plan = planned("SELECT state, COUNT(DISTINCT person) AS u FROM bp_loans GROUP BY state")
    exact = replace(plan, columns=tuple(replace(c, digits=1) for c in plan.columns))

    found = table(exact, gate(rows))

    assert found[1:] == [["CA", "1.5"], ['N"Y, x', "0.0"], ["沪", "0.5"]]


def test_a_hint_raises_how_many_rows_of_a_unit_count_in_full(gate: Gate) -> None:
    rows = [row(0), row(0, state="沪"), row(1)]
    plan = planned("SELECT /*+ rows_per_unit(2) */ COUNT(*), COUNT(DISTINCT person) FROM bp_loans")

    found = table(plan, gate(rows))

    assert found[1] == ["3", "2"]
    assert [event.sensitivity for event in plan.events] == [2**21, 2**20]


def test_sorting_and_limiting_happen_after_the_noise(gate: Gate) -> None:
    def rising(values: Sequence[int], event: DpEvent) -> Sequence[int]:
        return [int(event.scale) * i for i in range(len(values))]

    plan = planned("SELECT state, COUNT(*) n FROM bp_loans GROUP BY state ORDER BY n DESC LIMIT 2")

    content, facts = answer(plan, gate(BOOK), noise=Shaped(rising))

    assert content.decode() == 'state,n\n沪,2\n"N""Y, x",1\n'
    assert facts.rows == 2


def test_categories_sort_as_the_catalogue_has_them(gate: Gate) -> None:
    plan = planned("SELECT state AS s, COUNT(*) FROM bp_loans GROUP BY state ORDER BY s DESC")

    found = table(plan, gate([]))

    assert [line[0] for line in found[1:]] == ["沪", 'N"Y, x', "CA"]


def test_an_average_over_nothing_stays_within_the_declared_bounds(gate: Gate) -> None:
    def wild(values: Sequence[int], event: DpEvent) -> Sequence[int]:
        return [-1000 * int(event.scale)] * len(values)

    content, _ = answer(planned("SELECT AVG(amount) FROM bp_loans"), gate([]), noise=Shaped(wild))

    assert content == b"avg_amount\n-20.00\n"


def test_an_answer_has_noise_and_differs_from_run_to_run(gate: Gate) -> None:
    plan = planned(
        "SELECT state, SUM(amount) FROM bp_loans GROUP BY state", epsilon=Fraction(1, 10)
    )
    path = gate(BOOK)

    answers = {answer(plan, path)[0] for _ in range(3)}

    assert len(answers) == 3


def test_a_plan_travels_to_another_process_and_back() -> None:
    plan = planned("SELECT state, AVG(amount) FROM bp_loans GROUP BY state ORDER BY state")

    assert pickle.loads(pickle.dumps(plan)) == plan


def _corrupt(gates: Gates) -> Plan:
    gate = gates[LOANS.id]
    gate.write_bytes(gate.read_bytes()[:-64] + CANARY.encode() * 4)
    return planned("SELECT COUNT(*) FROM bp_loans")


def _missing(gates: Gates) -> Plan:
    gates[LOANS.id].unlink()
    return planned("SELECT COUNT(*) FROM bp_loans")


def _raising(gates: Gates) -> Plan:
    assert gates[LOANS.id].exists()
    plan = planned("SELECT COUNT(*) FROM bp_loans")
    return changed(plan, lambda _: 'SELECT sum(CAST("note" AS BIGINT)) FROM "BP-LOANS"')


@pytest.mark.parametrize("broken", [_corrupt, _missing, _raising])
def test_every_failure_is_one_constant_error_without_a_value(gate: Gate, broken: object) -> None:
    path = gate(BOOK)
    assert callable(broken)
    plan = broken(path)

    with pytest.raises(AnswerError) as caught:
        answer(plan, path)

    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told
    assert str(caught.value) == str(AnswerError())
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM read_csv('{other}')",
        "SELECT count(*) FROM '{other}'",
        "COPY (SELECT 1) TO '{other}'",
        "SET threads = 1",
        "INSTALL httpfs",
    ],
)
def test_even_a_forged_plan_reaches_nothing_but_its_view(
    gate: Gate, tmp_path: Path, sql: str
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(CANARY)
    forged = changed(planned("SELECT COUNT(*) FROM bp_loans"), lambda _: sql.format(other=other))

    with pytest.raises(AnswerError):
        answer(forged, gate(BOOK))

    assert other.read_text() == CANARY


def test_an_answer_past_its_memory_fails_closed(gate: Gate) -> None:
    rows: list[Row] = [row(unit) for unit in range(2_000)]
    path = gate(rows)

    with pytest.raises(AnswerError):
        answer(
            planned("SELECT COUNT(DISTINCT person) FROM bp_loans"),
            path,
            engine=Engine(memory_bytes=1),
        )
