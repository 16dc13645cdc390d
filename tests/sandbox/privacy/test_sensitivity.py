"""Brute force on neighbouring tables: no unit changes a vector by more than its stated sensitivity."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.privacy.answer import Engine, raw_vectors
from sandbox.privacy.plan import Plan
from tests.sandbox.privacy.book import Gate, Row, planned, row

ALL = (
    "SELECT {hint} state, joint, COUNT(*), COUNT(amount), COUNT(DISTINCT person), SUM(amount),"
    " SUM(terms), AVG(amount) AS mean, AVG(terms) FROM bp_loans {where} GROUP BY state, joint"
)
WHERES = (
    "",
    "WHERE amount > 0",
    "WHERE NOT (amount <= 3.5 OR terms IN (1, 12)) OR note IS NULL",
    "WHERE amount BETWEEN -20 AND 50 AND joint",
)
ODD = (None, math.nan, math.inf, -math.inf, -0.0, 1e308, -20.0, 100.5, 33.3333)
amounts = st.sampled_from(ODD) | st.floats(width=64)
rows_of_one = st.builds(
    row,
    st.just(0),
    state=st.sampled_from(("CA", 'N"Y, x', "沪", None, "elsewhere")),
    joint=st.sampled_from((True, False, None)),
    amount=amounts,
    terms=st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 36),
)
units = st.lists(rows_of_one, min_size=1, max_size=9)
tables = st.lists(units, min_size=1, max_size=5)


def numbered(units: Sequence[Sequence[Row]]) -> list[Row]:
    return [one | {"_unit": unit} for unit, rows in enumerate(units) for one in rows]


def distances(plan: Plan, one: Sequence[Row], other: Sequence[Row], *, gate: Gate) -> list[int]:
    """Return for each event the L1 distance of its raw vectors on two tables."""
    sides = [raw_vectors(plan, gate(rows), Engine(threads=1)) for rows in (one, other)]
    return [
        sum(abs(x - y) for x, y in zip(left, right, strict=True))
        for left, right in zip(*sides, strict=True)
    ]


def breaches(plan: Plan, units: Sequence[Sequence[Row]], *, gate: Gate) -> int:
    """Count the events that some unit changes by more than their sensitivity."""
    whole = numbered(units)
    without = [[one for one in whole if one["_unit"] != gone] for gone in range(len(units))]
    moved = [distances(plan, whole, rest, gate=gate) for rest in without[:2]]
    return sum(
        max(found) > event.sensitivity
        for found, event in zip(zip(*moved, strict=True), plan.events, strict=True)
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(units=tables, where=st.sampled_from(WHERES), bound=st.sampled_from((1, 2, 7)))
def test_no_unit_moves_any_vector_beyond_its_sensitivity(
    module_gate: Gate, units: list[list[Row]], where: str, bound: int
) -> None:
    plan = planned(ALL.format(where=where, hint=f"/*+ rows_per_unit({bound}) */"))

    found = breaches(plan, units, gate=module_gate)

    assert found == 0


@pytest.mark.parametrize("bound", [1, 3])
def test_a_unit_at_the_bounds_reaches_the_sensitivity_exactly(gate: Gate, bound: int) -> None:
    plan = planned(ALL.format(where="", hint=f"/*+ rows_per_unit({bound}) */"))
    states = ("CA", 'N"Y, x', "沪")
    unit = [row(0, state=states[i], amount=1e9, terms=99) for i in range(bound)]

    moved = distances(plan, unit, [], gate=gate)

    assert moved == [event.sensitivity for event in plan.events]


def test_a_unit_with_more_rows_than_the_bound_is_scaled_to_the_bound(gate: Gate) -> None:
    plan = planned("SELECT COUNT(*), SUM(terms) FROM bp_loans")
    heavy = [row(0, terms=36) for _ in range(1_000)]

    moved = distances(plan, heavy, [], gate=gate)

    shares = [near / event.sensitivity for near, event in zip(moved, plan.events, strict=True)]
    assert all(0.999 < share <= 1 for share in shares)


def test_rows_without_a_row_count_of_their_unit_add_nothing(gate: Gate) -> None:
    plan = planned(ALL.format(where="", hint=""))
    rows = [row(0, _unit_rows=count) for count in (None, 0, -3)]

    moved = distances(plan, rows, [], gate=gate)

    of_rows = [m for m, e in zip(moved, plan.events, strict=True) if e.measure != "count_units"]
    assert of_rows == [0] * 8


HEAVY = [row(0, state=s, amount=-20.0 if i % 2 else 1e6) for i, s in enumerate(["CA", "沪"] * 4)]
WEIGHT = "// CASE WHEN _unit_rows > 1 THEN _unit_rows WHEN _unit_rows >= 1 THEN 1 END"
OFFSET = "AS BIGINT) END - CAST(0 AS BIGINT)"
COUNTED = "CAST(1048576 AS BIGINT) // CASE WHEN _unit_rows"
ROUNDED_UP = "(CAST(1048576 AS BIGINT) + _unit_rows) // CASE WHEN _unit_rows"
CLAMP = "WHEN CAST(\"amount\" AS DOUBLE) >= CAST('100.5' AS DOUBLE)"


def _without(text: str, *, instead: str = "") -> Callable[[Plan], Plan]:
    def fault(plan: Plan) -> Plan:
        assert any(text in sql for sql in plan.sql), "the fault must be planted"
        return replace(plan, sql=tuple(sql.replace(text, instead) for sql in plan.sql))

    return fault


def _halved(plan: Plan) -> Plan:
    events = tuple(replace(e, sensitivity=e.sensitivity // 2) for e in plan.events)
    return replace(plan, events=events)


@pytest.mark.parametrize(
    ("fault", "unit"),
    [
        pytest.param(_halved, [row(0, amount=100.5)], id="sensitivity halved"),
        pytest.param(_without(WEIGHT), HEAVY, id="rows counted instead of units"),
        pytest.param(
            _without(CLAMP, instead="WHEN NULL"), [row(0, amount=1e6)], id="no clamp above"
        ),
        pytest.param(
            _without("// CASE WHEN _cells > 1 THEN _cells ELSE 1 END", instead="// 1"),
            HEAVY,
            id="a unit counted in every cell",
        ),
        pytest.param(
            _without(OFFSET, instead=OFFSET.replace("CAST(0 ", "CAST(20000000000 ")),
            [row(0, amount=-20.0)],
            id="sum off centre",
        ),
        pytest.param(_without(COUNTED, instead=ROUNDED_UP), HEAVY, id="rounded up"),
    ],
)
def test_a_planted_fault_is_caught(
    gate: Gate, fault: Callable[[Plan], Plan], unit: list[Row]
) -> None:
    honest = planned(ALL.format(where="", hint=""))

    found = breaches(fault(honest), [unit], gate=gate)

    assert breaches(honest, [unit], gate=gate) == 0
    assert found > 0
