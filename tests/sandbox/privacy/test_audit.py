"""A black-box audit: thousands of answers on two neighbouring tables, held against the stated cost."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest
from scipy.stats import beta

from sandbox.privacy.accounting import tight_epsilon_of
from sandbox.privacy.answer import Engine, raw
from sandbox.privacy.finish import finished
from sandbox.privacy.noise import Secure
from sandbox.privacy.noising import noised
from sandbox.privacy.plan import Plan
from tests.sandbox.privacy.book import LONG, Gate, Gates, Row, changed, lab, planned, row

pytestmark = pytest.mark.timeout(7_200 if LONG else 120)

RUNS = 8_000 if LONG else 1_600
"""On each table; half choose the event, half judge it."""
ERROR = 1e-6
"""The chance that a sound mechanism fails one such audit."""
EPSILON = Fraction(1)
DELTA = Fraction(1, 100)
"""At which the rho of an answer that is not purely private is held against the audit."""
UNSEEN = -1e9
"""What an answer without rows counts as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question, and the unit that one of two neighbouring tables has and the other has not."""

    sql: str
    loans: Sequence[Row]
    labs: Sequence[Row] = ()
    crowd: Sequence[Row] = field(default_factory=lambda: [row(unit) for unit in range(1, 30)])


HEAVY = [row(0, state="沪", joint=False, amount=100.5, terms=18) for _ in range(50)]
"""All in the last cell of any key, which is the one that is looked at."""
PAIRS = {
    "heavy unit": Pair(sql="SELECT COUNT(*) FROM bp_loans", loans=HEAVY),
    "heavy unit, generic": Pair(sql="SELECT /*+ counted */ COUNT(*) FROM bp_loans", loans=HEAVY),
    "heavy unit, exact": Pair(
        sql="SELECT /*+ exact */ state, COUNT(*) FROM bp_loans GROUP BY state", loans=HEAVY
    ),
    "heavy unit, gaussian": Pair(
        sql="SELECT /*+ gaussian */ joint, COUNT(*) FROM bp_loans GROUP BY joint", loans=HEAVY
    ),
    "outlier": Pair(sql="SELECT SUM(amount) FROM bp_loans", loans=[row(0, amount=1e300)]),
    "mean": Pair(sql="SELECT AVG(amount) FROM bp_loans", loans=HEAVY),
    "quantile": Pair(sql="SELECT QUANTILE(terms, 0.9) AS q FROM bp_loans", loans=HEAVY, crowd=[]),
    "NULL and NaN": Pair(
        sql="SELECT SUM(least(greatest(amount, 0), 100)) AS s FROM bp_loans",
        loans=[row(0, amount=None), row(0, amount=math.nan)],
    ),
    "empty": Pair(sql="SELECT COUNT(*) FROM bp_loans", loans=[row(0)], crowd=[]),
    "raising row": Pair(
        sql="SELECT SUM(least(greatest(terms / (terms - 12), 0), 5)) AS s FROM bp_loans WHERE terms > 1.5",
        loans=[row(0, terms=2**63 - 1), row(0, terms=12)],
    ),
    "rare category": Pair(
        sql="SELECT state, COUNT(DISTINCT person) AS u FROM bp_loans GROUP BY state",
        loans=[row(0, state="沪")],
    ),
    "private key": Pair(
        sql="SELECT note, COUNT(*) FROM bp_loans GROUP BY note HAVING note = 'only'",
        loans=[row(0, note="only") for _ in range(9)],
    ),
    "join fan-out": Pair(
        sql="SELECT COUNT(*) AS n FROM bp_loans l JOIN bp_labs b USING (person)",
        loans=HEAVY[:9],
        labs=[lab(0) for _ in range(9)],
    ),
}


def answers(plan: Plan, gates: Gates) -> list[float]:
    """Return what the last cell said in every run: raw vectors once, then noise and finish anew."""
    vectors = raw(plan, gates, Engine(threads=1))
    runs = (finished(plan, noised(plan, vectors, Secure())) for _ in range(RUNS))
    return [float(rows[-1][-1]) if rows else UNSEEN for rows in runs]


def epsilon_shown(one: list[float], other: list[float], *, delta: float = 0.0) -> float:
    """Return a lower bound of epsilon: the best threshold of half the runs, judged on the other half.

    Clopper-Pearson on both sides; the bound is wrong with probability `ERROR` at most.
    """
    half = RUNS // 2
    thresholds = sorted(set(one[:half] + other[:half]))
    picked = thresholds[:: max(1, len(thresholds) // 200)]
    best = max(picked, key=lambda t: _gap(one[:half], other[:half], t))
    above = sum(value >= best for value in one[half:])
    beside = sum(value >= best for value in other[half:])
    low = float(beta.ppf(ERROR / 2, above, half - above + 1)) if above else 0.0
    high = float(beta.ppf(1 - ERROR / 2, beside + 1, half - beside)) if beside < half else 1.0
    return math.log((low - delta) / high) if low - delta > high else 0.0


def _gap(one: Sequence[float], other: Sequence[float], threshold: float) -> float:
    """Say how well a threshold tells two samples apart; rare events are damped, they prove little."""
    above = sum(value >= threshold for value in one)
    beside = sum(value >= threshold for value in other)
    return above / (beside + 20)


def audited(plan: Plan, pair: Pair, *, gate: Gate) -> float:
    """Return the epsilon that answers with and without a unit show at least, in both directions."""
    delta = 0.0 if plan.pure else float(DELTA + plan.delta)
    present = answers(plan, gate([*pair.crowd, *pair.loans], pair.labs))
    absent = answers(plan, gate(pair.crowd, []))
    mirrored = [[-value for value in side] for side in (present, absent)]
    ways = ((present, absent), (absent, present), mirrored, mirrored[::-1])
    return max(epsilon_shown(one, other, delta=delta) for one, other in ways)


def stated(plan: Plan) -> float:
    """Return the epsilon that a plan allows an audit to show, at its delta."""
    return float(plan.epsilon if plan.pure else tight_epsilon_of(plan.rho, DELTA))


@pytest.mark.parametrize("name", PAIRS)
def test_no_audit_shows_more_than_the_stated_epsilon(gate: Gate, name: str) -> None:
    plan = planned(PAIRS[name].sql, epsilon=EPSILON)

    shown = audited(plan, PAIRS[name], gate=gate)

    assert shown <= stated(plan)


def _quiet(plan: Plan) -> Plan:
    return replace(plan, events=tuple(replace(e, scale=e.scale / 8) for e in plan.events))


def _unweighted(plan: Plan) -> Plan:
    weight = "// greatest(n, 1)"
    return changed(plan, lambda sql: sql.replace(weight, ""))


def _uncounted(plan: Plan) -> Plan:
    return changed(plan, lambda sql: sql.replace("// CASE WHEN n > 1 THEN n ELSE 1 END", ""))


def _open(plan: Plan) -> Plan:
    return replace(plan, events=tuple(replace(e, threshold=0) for e in plan.events))


FAULTS: list[tuple[str, Callable[[Plan], Plan]]] = [
    ("heavy unit", _quiet),
    ("heavy unit", _unweighted),
    ("heavy unit, generic", _uncounted),
    ("heavy unit, gaussian", _quiet),
    ("heavy unit, exact", _quiet),
    ("quantile", _quiet),
    ("quantile", _unweighted),
    ("rare category", _quiet),
    ("empty", _quiet),
    ("private key", _open),
    ("join fan-out", _uncounted),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_the_audit_shows_a_planted_fault(
    gate: Gate, name: str, fault: Callable[[Plan], Plan]
) -> None:
    honest = planned(PAIRS[name].sql, epsilon=EPSILON)

    shown = audited(fault(honest), PAIRS[name], gate=gate)

    assert shown > stated(honest)
