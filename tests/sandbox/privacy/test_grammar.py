"""What each construct answers without noise: the same as the plain engine, where no unit is scaled down."""

import csv
import io
import math
from dataclasses import replace
from datetime import date
from fractions import Fraction

import duckdb
import pytest

from sandbox.privacy.answer import answer
from sandbox.privacy.events import EXPONENTIAL, GAUSSIAN_KEYS
from sandbox.privacy.explain import explain
from sandbox.privacy.plan import Plan, PublicTable, Unanswerable, plan
from tests.sandbox.privacy.book import (
    CANARY,
    LABS,
    LABS_VIEW,
    LOANS,
    STATES,
    Gate,
    Row,
    asked,
    lab,
    planned,
    row,
    state,
    table,
)

BOOK: list[Row] = [
    row(
        unit,
        state=("CA", "沪")[unit % 2],
        amount=float(unit),
        terms=unit % 37,
        joint=unit % 3 == 0,
        note=f"n{unit % 4}",
        day=date(2020 + unit % 3, 1 + unit % 12, 15),
    )
    for unit in range(60)
]
TESTS = [
    lab(unit, test=("GLU", "NA")[unit % 2], value=float(unit % 50)) for unit in range(0, 60, 2)
]
REGIONS = [state("CA", "north", 3), state("沪", "south", 5)]
SAME = [
    "SELECT CASE WHEN amount > 30 THEN 'hi' ELSE 'lo' END AS k, COUNT(*) AS n FROM loans GROUP BY k ORDER BY n, k",
    "SELECT month(day) AS k, COUNT(*) AS n FROM loans GROUP BY k ORDER BY k",
    "SELECT least(greatest(year(day), 2020), 2022) AS k, COUNT(*) AS n FROM loans GROUP BY k ORDER BY k",
    "SELECT amount > 7 AS k, COUNT(*) AS n FROM loans GROUP BY k ORDER BY n",
    "SELECT SUM(terms * 2 + 1) AS s, SUM(abs(terms - 20)) AS d, SUM(-terms) AS m FROM loans",
    "SELECT SUM(least(greatest(amount / 4, 2), 9)) AS s FROM loans",
    "SELECT SUM(CASE WHEN joint THEN 1 ELSE 0 END) AS s FROM loans",
    "SELECT COUNT(*) FILTER (WHERE joint) AS n, SUM(terms) FILTER (WHERE state = 'CA') AS s FROM loans",
    "SELECT COUNT(*) AS n FROM loans WHERE note LIKE 'n%' AND length(note) = 2 AND upper(note) <> 'N1'",
    "SELECT COUNT(*) AS n FROM loans WHERE substr(note, 2, 1) IN ('1', '2') OR day >= '2022-01-01'",
    "SELECT COUNT(*) AS n FROM loans WHERE date_trunc('month', day) = '2021-05-01'",
    "SELECT COUNT(*) AS n FROM loans WHERE coalesce(nullif(terms, 3), 36) > 30",
    "SELECT COUNT(*) AS n FROM loans l JOIN labs b ON l.person = b.person WHERE b.value > 10",
    "SELECT test AS k, COUNT(*) AS n, SUM(amount) AS s FROM loans JOIN labs USING (person) GROUP BY k ORDER BY k",
    "SELECT region, COUNT(*) AS n, SUM(weight) AS w FROM loans l JOIN states s ON l.state = s.code GROUP BY region ORDER BY n, region",
    "WITH u AS (SELECT person, SUM(amount) AS s FROM loans GROUP BY person) SELECT COUNT(*) AS n FROM u WHERE s > 12",
    "SELECT k, n FROM (SELECT state AS k, COUNT(*) AS n FROM loans WHERE terms < 9 GROUP BY k) q WHERE n > 1 ORDER BY k",
    "SELECT state, COUNT(*) AS n FROM loans GROUP BY state HAVING COUNT(*) > 3 AND state <> 'CA' ORDER BY n",
    (
        "WITH a AS (SELECT state, COUNT(*) AS n FROM loans GROUP BY state), b AS (SELECT state AS k, n * 2 AS m FROM a)"
        " SELECT k, ROUND(m / 3, 1) AS r FROM b WHERE m > 3 ORDER BY k LIMIT 1"
    ),
    "SELECT ROUND(SUM(terms) / COUNT(*), 3) AS r, CASE WHEN COUNT(*) > 50 THEN 1 ELSE 0 END AS many FROM loans",
    "SELECT ROUND(VAR_POP(terms), 1) AS p, ROUND(VARIANCE(terms), 1) AS s, ROUND(STDDEV(terms), 1) AS d FROM loans",
]


@pytest.mark.parametrize("sql", SAME)
def test_a_construct_means_what_it_means_in_plain_sql(gate: Gate, sql: str) -> None:
    gates = gate(BOOK, TESTS, REGIONS)
    names = {"loans": LOANS.id, "labs": LABS.id, "states": STATES.id}
    with duckdb.connect(":memory:") as plain:
        for name, asset in names.items():
            plain.execute(f"CREATE VIEW {name} AS FROM read_parquet('{gates[asset]}')")
        wanted = plain.execute(sql).fetchall()
    ours = sql.replace("loans", "bp_loans").replace("labs", "bp_labs")

    found = [line for line in table(planned(ours), gates)[1:] if not _is_zero(line)]

    assert len(found) == len(wanted)
    for line, row_wanted in zip(found, wanted, strict=True):
        assert [_value(text) for text in line] == [_near(value) for value in row_wanted]


def _is_zero(line: list[str]) -> bool:
    """Say whether a line is of a cell without rows, which plain SQL does not answer."""
    return len(line) > 1 and all(text in {"0", "0.0", "0.00"} for text in line[1:])


def _value(text: str) -> object:
    try:
        return pytest.approx(float(text), abs=0.06)
    except ValueError:
        return text


def _near(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | date) else float(str(value))


def test_a_missing_value_is_not_the_largest_one(gate: Gate) -> None:
    rows = [row(0, amount=None), row(1, amount=math.nan), row(2, amount=7.0)]
    plan = planned(
        "SELECT SUM(least(greatest(amount, 0), 100)) AS s, SUM(greatest(terms, amount)) AS g FROM bp_loans"
    )

    found = table(plan, gate(rows))

    assert [float(text) for text in found[1]] == [7, 12]


def test_a_division_by_zero_adds_nothing(gate: Gate) -> None:
    plan = planned("SELECT SUM(least(greatest(amount / terms, 0), 5)) AS s FROM bp_loans")

    assert float(table(plan, gate([row(0, terms=0), row(1, terms=5)]))[1][0]) == 2


def test_bins_hold_their_lower_edge_and_the_last_one_both(gate: Gate) -> None:
    rows = [
        row(i, amount=value) for i, value in enumerate((-30.0, 0.0, 9.9, 10.0, 20.0, 20.1, None))
    ]
    plan = planned(
        "SELECT histogram(amount, [0, 10, 20]) AS h, COUNT(*) AS n FROM bp_loans GROUP BY h"
    )

    assert table(plan, gate(rows))[1:] == [["[0, 10)", "2"], ["[10, 20]", "2"]]


def test_equal_bins_take_values_beyond_the_bounds_into_the_outer_ones(gate: Gate) -> None:
    rows = [row(0, terms=-5), row(1, terms=17), row(2, terms=18), row(3, terms=99)]
    plan = planned("SELECT histogram(terms, 2) AS h, COUNT(*) AS n FROM bp_loans GROUP BY h")

    assert table(plan, gate(rows))[1:] == [["[0, 18)", "2"], ["[18, 36]", "2"]]


@pytest.mark.parametrize(
    ("item", "low", "high"), [("MEDIAN(amount)", 48, 51), ("QUANTILE(amount, 0.9)", 88, 91)]
)
def test_a_quantile_without_noise_is_within_a_bin_of_the_true_one(
    gate: Gate, item: str, low: float, high: float
) -> None:
    rows = [row(unit, amount=float(unit)) for unit in range(100)]

    found = table(planned(f"SELECT {item} AS q FROM bp_loans"), gate(rows))

    assert low <= float(found[1][0]) <= high


def test_one_epsilon_serves_the_quantiles_of_all_keys() -> None:
    made = planned("SELECT state, joint, MEDIAN(amount) AS m FROM bp_loans GROUP BY state, joint")

    [event] = made.events
    assert event.mechanism == EXPONENTIAL
    assert event.epsilon == Fraction(1)
    assert made.rho == 125 * 10**9


def test_private_keys_are_answered_where_enough_units_vote(gate: Gate) -> None:
    rows = [row(unit, note=CANARY if unit == 0 else "common") for unit in range(200)]
    plan = planned("SELECT note, COUNT(*) AS n FROM bp_loans GROUP BY note")

    content, facts = answer(plan, gate(rows))

    lines = list(csv.reader(io.StringIO(content.decode())))
    assert [line[0] for line in lines[1:]] == ["common"]
    assert facts.delta == Fraction(1, 10**9)
    assert CANARY.encode() not in content


def test_a_positive_control_shows_the_rare_key_without_its_threshold(gate: Gate) -> None:
    rows = [row(unit, note=CANARY if unit == 0 else "common") for unit in range(200)]
    made = planned("SELECT note, COUNT(*) AS n FROM bp_loans GROUP BY note")
    opened = replace(made, events=tuple(replace(e, threshold=-(2**40)) for e in made.events))

    assert [line[0] for line in table(opened, gate(rows))[1:]] == [CANARY, "common"]


def test_private_keys_cost_rho_and_delta_and_only_where_they_are_allowed() -> None:
    sql = "SELECT note, COUNT(*) AS n FROM bp_loans GROUP BY note"

    made, refused = planned(sql), plan(asked(sql, delta=Fraction(0)))

    assert [event.mechanism for event in made.events][-1] == GAUSSIAN_KEYS
    assert (made.pure, made.delta) == (False, Fraction(1, 10**9))
    assert "delta = 1e-09" in made.statement.en
    assert isinstance(refused, Unanswerable)
    assert refused.reasons[0].rule == "query.group"


def test_a_hint_gives_the_choice_of_keys_its_share() -> None:
    made = planned("SELECT /*+ key_share(20) */ note, COUNT(*) AS n FROM bp_loans GROUP BY note")

    assert [event.epsilon for event in made.events] == [Fraction(4, 5), Fraction(1, 5)]


def test_public_and_private_keys_are_crossed(gate: Gate) -> None:
    plan = planned("SELECT joint, note, COUNT(*) AS n FROM bp_loans GROUP BY joint, note")

    found = table(plan, gate(BOOK * 3))

    assert len(found) % 2 == 1
    assert {line[0] for line in found[1:]} <= {"true", "false"}


def test_a_gaussian_answer_costs_the_same_rho_with_less_noise() -> None:
    sql = "SELECT {} state, COUNT(*) AS n, SUM(terms) AS s FROM bp_loans GROUP BY state"

    pure, gaussian = planned(sql.format("")), planned(sql.format("/*+ gaussian */"))

    assert pure.rho == gaussian.rho
    assert gaussian.columns[1].deviation < 0.72 * pure.columns[1].deviation


def test_a_join_is_charged_to_every_asset_that_it_protects() -> None:
    made = planned(
        "SELECT COUNT(*) AS n FROM bp_loans l JOIN bp_labs b USING (person) JOIN states s ON l.state = s.code"
    )

    assert made.assets == (LOANS.id, LABS.id)
    assert made.reads == (LOANS.id, LABS.id, STATES.id)


def test_a_join_needs_the_units_pseudonym_in_both_views() -> None:
    question = asked("SELECT COUNT(*) AS n FROM bp_loans l JOIN bp_labs b USING (person)")
    bare = replace(LABS_VIEW, columns=("test", "value"), pseudonyms=())
    views = (question.views[0], bare, question.views[2])

    answered = plan(replace(question, views=views))

    assert isinstance(answered, Unanswerable)
    assert "pseudonym" in answered.reasons[0].why.en


def test_a_table_is_public_only_where_the_institution_says_so() -> None:
    question = asked("SELECT COUNT(*) AS n FROM bp_loans l JOIN states s ON l.state = s.code")

    assert isinstance(plan(question), Plan)
    assert isinstance(plan(replace(question, public=())), Unanswerable)
    assert isinstance(
        plan(replace(question, public=(PublicTable(asset=STATES.id, key="region"),))), Unanswerable
    )


def test_a_name_that_doubles_and_doubles_is_refused_before_it_grows() -> None:
    chain = ", ".join(
        f"a{i} AS (SELECT x.person FROM a{i - 1} x JOIN a{i - 1} y USING (person))"
        for i in range(1, 20)
    )
    sql = f"WITH a0 AS (SELECT person FROM bp_loans), {chain} SELECT COUNT(*) AS n FROM a19"

    answered = plan(asked(sql))

    assert isinstance(answered, Unanswerable)
    assert answered.reasons[0].rule == "query.syntax"


def test_products_of_noisy_values_stay_small(gate: Gate) -> None:
    inner = "SELECT COUNT(*) AS n FROM bp_loans"
    for _ in range(20):
        inner = f"SELECT n * n / 3 AS n FROM ({inner}) q"

    assert table(planned(inner), gate(BOOK))[1] == [""]


def test_an_explanation_names_the_steps_the_price_and_the_error_without_data() -> None:
    told = explain(
        planned(
            "SELECT state, COUNT(*) AS n FROM bp_loans GROUP BY state ORDER BY n",
            epsilon=Fraction(1, 100),
        )
    )

    assert [step.depth for step in told.steps] == [0, 1, 2, 3, 4]
    assert "BP-LOANS" in told.steps[-1].does.en
    assert told.mechanisms[0].norm == "L1"
    assert told.mechanisms[0].sensitivity == 1
    assert told.columns[0].deviation == pytest.approx(141.4, abs=0.1)
    assert told.columns[0].interval == pytest.approx(2.12 * 141.42, abs=0.1)
    assert any("14% error" in advice.en for advice in told.advice)
    assert all(advice.zh for advice in told.advice)
    assert told.rho == 50 * 10**6
