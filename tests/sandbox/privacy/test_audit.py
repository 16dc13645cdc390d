"""A black-box audit: thousands of answers on two neighbouring tables, held against the stated epsilon."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from scipy.stats import beta  # type: ignore[import-untyped]

from sandbox.privacy.answer import Engine, raw_vectors
from sandbox.privacy.finish import finished
from sandbox.privacy.noise import secure
from sandbox.privacy.plan import Plan
from tests.sandbox.privacy.book import Gate, Row, planned, row

RUNS = 3_000
"""On each table; half choose the event, half judge it."""
ERROR = 1e-6
"""The chance that a sound mechanism fails one such audit."""
EPSILON = Fraction(1)
CROWD = [row(unit) for unit in range(1, 40)]
HEAVY = [row(0, amount=100.5, terms=36) for _ in range(50)]


def answers(plan: Plan, gate: Path) -> list[float]:
    """Return what the last cell said in every run: raw vectors once, then noise and finish anew."""
    vectors = raw_vectors(plan, gate, Engine(threads=1))
    noisy = [
        secure(vector * RUNS, scale=event.scale)
        for event, vector in zip(plan.events, vectors, strict=True)
    ]
    cells = len(plan.cells)
    runs = ([some[i * cells : (i + 1) * cells] for some in noisy] for i in range(RUNS))
    return [float(finished(plan, run)[-1][-1]) for run in runs]


def epsilon_shown(one: list[float], other: list[float]) -> float:
    """Return a lower bound of epsilon: the best threshold of half the runs, judged on the other half.

    Clopper-Pearson on both sides; the bound is wrong with probability `ERROR` at most.
    """
    half = RUNS // 2
    thresholds = sorted(set(one[:half] + other[:half]))
    best = max(thresholds, key=lambda t: _gap(one[:half], other[:half], t))
    above = sum(value >= best for value in one[half:])
    beside = sum(value >= best for value in other[half:])
    low = float(beta.ppf(ERROR / 2, above, half - above + 1)) if above else 0.0
    high = float(beta.ppf(1 - ERROR / 2, beside + 1, half - beside)) if beside < half else 1.0
    return math.log(low / high) if low > high else 0.0


def _gap(one: Sequence[float], other: Sequence[float], threshold: float) -> float:
    """Say how well a threshold tells two samples apart; rare events are damped, they prove little."""
    above = sum(value >= threshold for value in one)
    beside = sum(value >= threshold for value in other)
    return above / (beside + 20)


def audited(plan: Plan, unit: Sequence[Row], *, gate: Gate) -> float:
    """Return the epsilon that answers with and without a unit show at least, in both directions."""
    present, absent = (answers(plan, gate(rows)) for rows in ([*CROWD, *unit], CROWD))
    return max(epsilon_shown(present, absent), epsilon_shown(absent, present))


@pytest.mark.parametrize(
    ("sql", "unit"),
    [
        pytest.param("SELECT COUNT(*) FROM bp_loans", HEAVY, id="heavy unit"),
        pytest.param("SELECT SUM(amount) FROM bp_loans", [row(0, amount=1e300)], id="outlier"),
        pytest.param("SELECT AVG(amount) FROM bp_loans", HEAVY, id="average"),
        pytest.param(
            "SELECT state, COUNT(DISTINCT person) FROM bp_loans GROUP BY state",
            [row(0, state="沪")],
            id="rare category",
        ),
    ],
)
def test_no_audit_shows_more_than_the_stated_epsilon(gate: Gate, sql: str, unit: list[Row]) -> None:
    shown = audited(planned(sql, epsilon=EPSILON), unit, gate=gate)

    assert shown <= EPSILON


def _quiet(plan: Plan) -> Plan:
    return replace(plan, events=tuple(replace(e, scale=e.scale / 4) for e in plan.events))


def _unweighted(plan: Plan) -> Plan:
    weight = "// CASE WHEN _unit_rows > 1 THEN _unit_rows WHEN _unit_rows >= 1 THEN 1 END"
    return replace(plan, sql=tuple(sql.replace(weight, "") for sql in plan.sql))


@pytest.mark.parametrize("fault", [_quiet, _unweighted])
def test_the_audit_shows_a_planted_fault(gate: Gate, fault: Callable[[Plan], Plan]) -> None:
    plan = planned("SELECT COUNT(*) FROM bp_loans", epsilon=EPSILON)

    shown = audited(fault(plan), HEAVY, gate=gate)

    assert shown > EPSILON
