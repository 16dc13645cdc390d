"""Brute force on neighbouring tables: no unit changes a vector by more than its stated sensitivity, in any construct."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.privacy.answer import Engine, raw
from sandbox.privacy.events import EXPONENTIAL, PURE
from sandbox.privacy.plan import Plan
from sandbox.privacy.raw import Found
from sandbox.privacy.trusted import Shape
from tests.sandbox.privacy.book import LONG, Gate, Gates, Row, changed, lab, planned, row, state

pytestmark = pytest.mark.timeout(7_200 if LONG else 120)

MANY = (
    "COUNT(*), COUNT(amount), COUNT(DISTINCT person), SUM(amount), SUM(terms), AVG(amount) AS mean,"
    " VARIANCE(terms) AS v, MEDIAN(amount) AS med, SUM(amount * terms - 3) AS product,"
    " COUNT(*) FILTER (WHERE terms > 3) AS some, QUANTILE(terms, 0.9) FILTER (WHERE joint) AS q"
)
FEW = "COUNT(*) AS n, SUM(amount) AS s, AVG(terms) AS t"
BY_PERSON = "(SELECT person, COUNT(*) AS n, SUM(amount) AS s, MAX(terms) AS t FROM bp_loans GROUP BY person)"
QUESTIONS = {
    "public keys": f"SELECT {{hint}} state, joint, {MANY} FROM bp_loans {{where}} GROUP BY state, joint",
    "no keys": f"SELECT {{hint}} {MANY} FROM bp_loans {{where}}",
    "private keys": f"SELECT {{hint}} note, {MANY} FROM bp_loans {{where}} GROUP BY note",
    "mixed keys": f"SELECT {{hint}} note, joint, {MANY} FROM bp_loans {{where}} GROUP BY note, joint",
    "computed keys": (
        f"SELECT {{hint}} CASE WHEN amount > 5 THEN 'a' ELSE 'b' END AS k, month(day) AS m, {FEW}"
        " FROM bp_loans {where} GROUP BY k, m"
    ),
    "bins": f"SELECT {{hint}} histogram(amount, 5) AS h, {FEW} FROM bp_loans {{where}} GROUP BY h",
    "rows of a subquery": (
        "SELECT {hint} k, COUNT(*) AS n, SUM(a) AS s FROM (SELECT state AS k, person, amount / 2 AS a"
        " FROM bp_loans {where}) q GROUP BY k"
    ),
    "units": (
        f"SELECT {{hint}} least(n, 3) AS k, COUNT(*) AS c, SUM(least(greatest(s, -5), 50)) AS s,"
        f" MEDIAN(t) AS m, COUNT(DISTINCT person) AS u FROM {BY_PERSON} q GROUP BY k"
    ),
    "units and states": (
        "SELECT {hint} state, COUNT(*) AS c, AVG(m) AS a FROM (SELECT person, state, MIN(amount) AS m"
        " FROM bp_loans {where} GROUP BY person, state) q GROUP BY state"
    ),
    "fan-out": (
        f"SELECT {{hint}} state, {FEW}, SUM(value) AS v, COUNT(DISTINCT l.person) AS u FROM bp_loans l"
        " JOIN bp_labs b ON l.person = b.person {where} GROUP BY state"
    ),
    "left join": (
        f"SELECT {{hint}} test, {FEW} FROM bp_loans l LEFT JOIN bp_labs b USING (person) {{where}}"
        " GROUP BY test"
    ),
    "unit joined": (
        f"SELECT {{hint}} state, {FEW} FROM bp_loans l JOIN (SELECT person, COUNT(*) AS c FROM bp_labs"
        " GROUP BY person) b ON b.person = l.person {where} GROUP BY state"
    ),
    "unit joins": (
        "SELECT {hint} test, COUNT(*) AS n, SUM(value) AS s FROM (SELECT person, COUNT(*) AS c FROM"
        " bp_loans {where} GROUP BY person) l JOIN bp_labs b ON b.person = l.person GROUP BY test"
    ),
    "public table": (
        f"SELECT {{hint}} region, {FEW}, SUM(weight) AS w FROM bp_loans l JOIN states s ON l.state = s.code"
        " {where} GROUP BY region"
    ),
}
HINTS = (
    "",
    "/*+ rows_per_unit(3) */",
    "/*+ counted rows_per_unit(2) */",
    "/*+ gaussian rows_per_unit(2) */",
    "/*+ exact keys_per_unit(2) rows_per_unit(2) */",
    "/*+ exact gaussian keys_per_unit(2) */",
    "/*+ laplace keys_per_unit(3) */",
)
WHERES = ("", "WHERE amount > 0", "WHERE NOT (amount <= 3.5 OR terms IN (1, 12)) OR note IS NULL")
ODD = (None, math.nan, math.inf, -math.inf, -0.0, 1e308, -20.0, 100.5, 33.3333)
rows_of_one = st.builds(
    row,
    st.just(0),
    state=st.sampled_from(("CA", 'N"Y, x', "沪", None, "elsewhere")),
    joint=st.sampled_from((True, False, None)),
    amount=st.sampled_from(ODD) | st.floats(width=64),
    terms=st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 36),
    note=st.sampled_from(("a", "b", "c", "x" * 80, None)),
    day=st.none() | st.dates(date(2020, 1, 1), date(2020, 12, 31)),
)
labs_of_one = st.builds(
    lab, st.just(0), test=st.sampled_from(("a", "b", None)), value=st.sampled_from(ODD)
)
units = st.lists(rows_of_one, min_size=1, max_size=7)
tables = st.lists(st.tuples(units, st.lists(labs_of_one, max_size=5)), min_size=1, max_size=3)
Units = Sequence[tuple[Sequence[Row], Sequence[Row]]]
"""Each unit's loans and laboratory rows."""
STATES = [
    state("CA", "north", 9),
    *[state("CA", "south")] * 3,
    state("沪", "south"),
    state("", "north"),
]


def written(units: Units, gate: Gate, *, without: int | None = None) -> Gates:
    """Write the tables of these units, each numbered by its place, without one of them."""
    kept = [(i, unit) for i, unit in enumerate(units) if i != without]
    loans = [one | {"_unit": i, "person": f"p{i}"} for i, (rows, _) in kept for one in rows]
    labs = [one | {"_unit": i, "person": f"p{i}"} for i, (_, rows) in kept for one in rows]
    return gate(loans, labs, STATES)


def norm(one: Found, other: Found, place: int, *, pure: bool) -> float:
    """Return how far the vector of an event is from its neighbour, in the L1 or the L2 norm."""
    cells = one.cells.keys() | other.cells.keys()
    far = [
        one.cells.get(cell, one.empty)[place] - other.cells.get(cell, other.empty)[place]
        for cell in cells
    ]
    return sum(map(abs, far)) if pure else math.sqrt(sum(step * step for step in far))


def weight(one: Found, other: Found) -> int:
    """Return how much of a quantile's weight differs, over all cells and bins."""
    cells = one.cells.keys() | other.cells.keys()
    pairs = ((one.cells.get(c, one.empty), other.cells.get(c, other.empty)) for c in cells)
    return sum(abs(x - y) for left, right in pairs for x, y in zip(left, right, strict=True))


def excesses(plan: Plan, here: Sequence[Found], there: Sequence[Found]) -> list[float]:
    """Return for each event by how much its distance is above its sensitivity; 0 or less is sound."""
    found: list[float] = []
    for one, other in zip(here, there, strict=True):
        for place, index in enumerate(one.statement.events):
            event = plan.events[index]
            if one.statement.shape is Shape.BINS:
                assert event.mechanism == EXPONENTIAL
                [q] = [e.quantile for e in plan.estimates if e.events == (index,)]
                far = max(q.numerator, q.denominator - q.numerator)
                found.append(far * weight(one, other) - event.sensitivity)
            else:
                moved = norm(one, other, place, pure=event.mechanism in PURE)
                found.append(moved - event.sensitivity)
    return found


def breaches(plan: Plan, units: Units, *, gate: Gate) -> int:
    """Count the events that some unit changes by more than their sensitivity."""
    engine = Engine(threads=1)
    whole = raw(plan, written(units, gate), engine)
    rests = [raw(plan, written(units, gate, without=i), engine) for i in range(len(units))[:2]]
    return sum(any(excess > 1e-6 for excess in excesses(plan, whole, rest)) for rest in rests)


@pytest.mark.parametrize("name", QUESTIONS)
@settings(max_examples=60 if LONG else 4, deadline=None, derandomize=True)
@given(units=tables, where=st.sampled_from(WHERES), hint=st.sampled_from(HINTS))
def test_no_unit_moves_any_vector_beyond_its_sensitivity(
    module_gate: Gate, name: str, units: Units, where: str, hint: str
) -> None:
    plan = planned(QUESTIONS[name].format(where=where, hint=hint))

    found = breaches(plan, units, gate=module_gate)

    assert found == 0


@pytest.mark.parametrize("hint", HINTS)
def test_every_hint_holds_for_a_heavy_unit_in_every_cell(gate: Gate, hint: str) -> None:
    plan = planned(QUESTIONS["public keys"].format(where="", hint=hint))
    heavy = [
        row(0, state=s, joint=j, amount=100.5, terms=36, note=str(i))
        for i in range(5)
        for s in ("CA", "沪", 'N"Y, x')
        for j in (True, False)
    ]

    assert breaches(plan, [(heavy, []), ([row(1)], [])], gate=gate) == 0


@pytest.mark.parametrize("bound", [1, 3])
def test_a_unit_at_the_bounds_reaches_the_sensitivity_exactly(gate: Gate, bound: int) -> None:
    plan = planned(
        f"SELECT /*+ rows_per_unit({bound}) */ state, joint, COUNT(*), COUNT(DISTINCT person),"
        " SUM(amount), SUM(terms), AVG(amount) AS mean FROM bp_loans GROUP BY state, joint"
    )
    states = ("CA", 'N"Y, x', "沪")
    unit = [row(0, state=states[i], amount=1e9, terms=99) for i in range(bound)]
    engine = Engine(threads=1)

    here, there = (raw(plan, gate(rows), engine) for rows in (unit, []))

    assert excesses(plan, here, there) == [0] * len(plan.events)


def test_a_unit_with_more_rows_than_the_bound_is_scaled_to_the_bound(gate: Gate) -> None:
    plan = planned("SELECT COUNT(*), SUM(terms) FROM bp_loans")
    heavy = [row(0, terms=36) for _ in range(1_000)]

    [found] = raw(plan, gate(heavy), Engine())

    shares = [x / e.sensitivity for x, e in zip(found.cells[()], plan.events, strict=True)]
    assert all(0.999 < share <= 1 for share in shares)


def test_rows_without_a_row_count_of_their_unit_add_nothing(gate: Gate) -> None:
    plan = planned("SELECT COUNT(*), SUM(amount), AVG(terms), MEDIAN(terms) AS m FROM bp_loans")
    rows = [row(0, _unit_rows=count) for count in (None, 0, -3)]

    found = raw(plan, gate(rows), Engine())

    assert all(not any(cell) for one in found for cell in one.cells.values())


def test_a_public_table_that_repeats_a_key_multiplies_no_row(gate: Gate) -> None:
    plan = planned("SELECT COUNT(*) AS n FROM bp_loans l JOIN states s ON l.state = s.code")
    rows = [row(unit) for unit in range(5)]

    [found] = raw(plan, gate(rows, [], STATES), Engine())

    assert found.cells[()] == (5 * 2**20,)


STATES_OF_HEAVY = ["CA", "沪", 'N"Y, x'] * 3
HEAVY: Units = [
    (
        [
            row(0, state=s, amount=-20.0 if i % 2 else 1e6, terms=36, note=f"{i}")
            for i, s in enumerate(STATES_OF_HEAVY)
        ],
        [lab(0, test=f"{i}", value=50.0) for i in range(4)],
    )
]
STORED = "greatest(n, 1)"
FAULTS: dict[str, tuple[str, str, str]] = {
    "rows counted instead of units": ("public keys", "", f"// {STORED}"),
    "a unit counted in every cell": ("public keys", "", "// CASE WHEN c > 1 THEN c ELSE 1 END"),
    "no clamp above": ("public keys", "", "WHEN m3 >= CAST('100.5' AS DOUBLE)"),
    "the count of a join left out": ("fan-out", "", "// CASE WHEN n > 1 THEN n ELSE 1 END"),
    "a norm taken for one": ("public keys", "/*+ gaussian */", "// w)"),
    "cells not left out": ("public keys", "/*+ exact */", ", 1), max_depth"),
    "cells not clamped": (
        "no keys",
        "/*+ exact */",
        "WHEN sum(CAST(1048576 AS BIGINT)) > 1048576 THEN 1048576",
    ),
    "votes of equal weight": ("private keys", "", "// CAST(ceil(1024 * sqrt(CAST(c AS DOUBLE)))"),
    "a join with a public table that repeats": ("public table", "", 'DISTINCT ON ("code") '),
}
INSTEAD = {
    "no clamp above": "WHEN NULL",
    "cells not left out": ", 9), max_depth",
    "cells not clamped": "WHEN NULL THEN 0",
    "votes of equal weight": "// CAST(1024 *  ((CAST(1 AS DOUBLE)))",
    "a norm taken for one": "// 1024)",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(gate: Gate, name: str) -> None:
    question, hint, text = FAULTS[name]
    honest = planned(QUESTIONS[question].format(where="", hint=hint))
    assert any(text in sql for sql in honest.sql), "the fault must be planted"

    faulty = changed(honest, lambda sql: sql.replace(text, INSTEAD.get(name, "")))

    assert breaches(honest, HEAVY, gate=gate) == 0
    assert breaches(faulty, HEAVY, gate=gate) > 0


def _halved(plan: Plan) -> Plan:
    return replace(
        plan, events=tuple(replace(e, sensitivity=e.sensitivity // 2) for e in plan.events)
    )


def _uncentred(plan: Plan) -> Plan:
    return changed(plan, lambda sql: sql.replace("AS BIGINT) END) - ", "AS BIGINT) END) - 4 * "))


def _rounded_up(plan: Plan) -> Plan:
    return changed(plan, lambda sql: sql.replace(f"// {STORED}", f"// {STORED} + 1"))


@pytest.mark.parametrize("fault", [_halved, _uncentred, _rounded_up])
def test_a_fault_of_the_numbers_is_caught(gate: Gate, fault: Callable[[Plan], Plan]) -> None:
    honest = planned(QUESTIONS["public keys"].format(where="", hint=""))

    assert breaches(fault(honest), HEAVY, gate=gate) > 0


FLOATS = [0.1, 0.2, 0.3, 1e16, -1e16, 1 / 3, 5e-324, 33.333333333333336, 2.0**-40]


def test_sums_are_integers_that_no_order_of_rows_can_change(gate: Gate) -> None:
    plan = planned(
        "SELECT SUM(amount) AS a, AVG(amount) AS m, SUM(s) AS s FROM (SELECT person, MAX(amount) AS amount,"
        " least(greatest(SUM(amount), -5), 50) AS s FROM bp_loans GROUP BY person) q"
    )
    rows = [row(i % 3, amount=value) for i, value in enumerate(FLOATS * 40)]

    found = [
        raw(plan, gate(order), Engine())[0].cells
        for order in (rows, rows[::-1], sorted(rows, key=repr))
    ]

    assert found[0] == found[1] == found[2]


def test_the_float_attack_on_the_grid_tells_two_tables_apart_by_nothing(gate: Gate) -> None:
    """Mironov 2012: low bits of a float answer may be reachable from one table alone. Here both have one grid."""
    plan = planned("SELECT SUM(amount) AS a FROM bp_loans")
    with_unit, without = [row(i, amount=v) for i, v in enumerate(FLOATS)], [row(1, amount=0.2)]

    here, there = (raw(plan, gate(rows), Engine())[0].cells[()] for rows in (with_unit, without))

    assert all(isinstance(step, int) for step in (*here, *there))
    assert plan.events[0].grid.denominator & (plan.events[0].grid.denominator - 1) == 0
