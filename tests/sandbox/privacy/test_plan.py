"""Planning: what is refused and where, and what an accepted question costs, before data is read."""

from dataclasses import replace
from fractions import Fraction

import pytest

from sandbox.order import Function, OutputColumn, OutputForm, OutputName, OutputTerms, ReleaseClass
from sandbox.privacy.accounting import rho_of_pure
from sandbox.privacy.plan import Plan, Question, Unanswerable, plan
from sandbox.privacy.preview import preview
from tests.sandbox.privacy.book import CANARY, LOANS, asked, planned

FROM = "FROM bp_loans"
REFUSED = [
    ("", "query.statement", 1, 1),
    ("SELECT COUNT(*) FROM", "query.syntax", 1, 17),
    (f"SELECT COUNT(*) {FROM} WHERE state = '{CANARY}", "query.syntax", 1, 45),
    ("SELECT COUNT(*) FROM BP-LOANS", "query.syntax", 1, 24),
    (f"SELECT COUNT(*) {FROM} WHERE {'(' * 3000}joint", "query.syntax", 1, 1),
    (f"SELECT COUNT(*) {FROM} WHERE {'NOT ' * 60}joint", "query.syntax", 1, 277),
    (f"SELECT COUNT(*) {FROM} WHERE {'joint OR ' * 3000}joint", "query.syntax", 1, 20001),
    (f"SELECT COUNT(*) {FROM}; SELECT 1", "query.statement", 1, 39),
    (f"SELECT COUNT(*) {FROM} UNION SELECT COUNT(*) {FROM}", "query.statement", 1, 1),
    ("SET threads = 1", "query.statement", 1, 1),
    (f"COPY loans TO '{CANARY}'", "query.statement", 1, 1),
    ("SELECT COUNT(*)", "query.source", 1, 1),
    (f"SELECT COUNT(*) FROM read_csv('{CANARY}')", "query.source", 1, 22),
    (f"SELECT COUNT(*) FROM '{CANARY}'", "query.asset", 1, 22),
    (f'SELECT COUNT(*)\nFROM "{CANARY}"', "query.asset", 2, 6),
    ("SELECT COUNT(*) FROM main.bp_loans", "query.source", 1, 22),
    (f"SELECT COUNT(*) {FROM}, bp_loans b", "query.join", 1, 32),
    (f"SELECT DISTINCT COUNT(*) {FROM}", "query.clause", 1, 8),
    (f"SELECT COUNT(*) {FROM} OFFSET 3", "query.clause", 1, 31),
    (f"SELECT COUNT(*) {FROM} USING SAMPLE 5", "query.clause", 1, 37),
    (f"SELECT * {FROM}", "query.item", 1, 8),
    (f"SELECT bp_loans.* {FROM}", "query.item", 1, 8),
    (f"SELECT '{CANARY}', COUNT(*) {FROM}", "query.item", 1, 8),
    (f"SELECT SUM(amount) OVER () {FROM}", "query.item", 1, 8),
    (f"SELECT state {FROM} GROUP BY state", "query.item", 1, 1),
    (f"SELECT COUNT(*), nonsense(amount) {FROM}", "query.function", 1, 18),
    (f"SELECT COUNT(DISTINCT state) {FROM}", "query.distinct", 1, 23),
    (f"SELECT SUM(DISTINCT amount) {FROM}", "query.distinct", 1, 21),
    (f"SELECT AVG(broken) {FROM}", "query.bounds", 1, 12),
    (f"SELECT SUM(note) {FROM}", "query.bounds", 1, 12),
    (f"SELECT COUNT(secret) {FROM}", "query.column", 1, 14),
    (f'SELECT COUNT("{CANARY}") {FROM}', "query.column", 1, 14),
    (f"SELECT COUNT(x.amount) {FROM}", "query.column", 1, 14),
    (f"SELECT COUNT(_unit) {FROM}", "query.column", 1, 14),
    (f"SELECT COUNT(person) {FROM}", "query.column", 1, 14),
    (f"SELECT state, COUNT(*) {FROM}", "query.group", 1, 8),
    (f"SELECT COUNT(*) {FROM} GROUP BY state", "query.group", 1, 40),
    (f"SELECT state, COUNT(*) {FROM} GROUP BY 1", "query.group", 1, 47),
    (f"SELECT state, COUNT(*) {FROM} GROUP BY ROLLUP(state)", "query.group", 1, 54),
    (f"SELECT state, COUNT(*) {FROM} GROUP BY ALL", "query.group", 1, 38),
    (f"SELECT COUNT(*) AS n, SUM(amount) AS N {FROM}", "query.name", 1, 8),
    (f'SELECT COUNT(*) AS "=1+1" {FROM}', "query.name", 1, 8),
    (f"SELECT COUNT(*) {FROM} ORDER BY amount", "query.order", 1, 40),
    (f"SELECT COUNT(*) {FROM} LIMIT 0", "query.limit", 1, 37),
    (f"SELECT COUNT(*) {FROM} LIMIT 5 PERCENT", "query.limit", 1, 37),
    (f"SELECT /*+ anything */ COUNT(*) {FROM}", "query.hint", 1, 10),
    (f"SELECT /*+ rows_per_unit(0) */ COUNT(*) {FROM}", "query.hint", 1, 10),
    (f"SELECT wide, state, COUNT(*) {FROM} GROUP BY wide, state", "query.cells", 1, 1),
    (f"SELECT COUNT(*) {FROM} WHERE CAST(note AS INT) = 1", "query.cast", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE random() < 0.5", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE amount > (SELECT 1)", "query.condition", 1, 54),
    (f"SELECT COUNT(*) {FROM} WHERE grade IN (SELECT 1)", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE amount > SUM(amount)", "query.condition", 1, 46),
    (f"SELECT COUNT(*) {FROM} WHERE joint IS TRUE", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE terms = ?", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE terms BETWEEN SYMMETRIC 2 AND 1", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE terms = '{CANARY}'", "query.type", 1, 45),
    (f"SELECT COUNT(*) {FROM} WHERE terms < 1e999", "query.type", 1, 45),
    (f"SELECT COUNT(*) {FROM} WHERE day = '{CANARY}'", "query.type", 1, 43),
    (f"SELECT COUNT(*) {FROM} WHERE seen > '2026-01-01T00:00:00+08:00'", "query.type", 1, 44),
    (f"SELECT COUNT(*) {FROM} WHERE day = seen", "query.type", 1, 43),
    (f"SELECT COUNT(*) {FROM} WHERE note", "query.type", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE person = '{CANARY}'", "query.column", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE '沪沪' = 沪", "query.column", 1, 44),
    (f"SELECT SUM(amount / terms) {FROM}", "query.bounds", 1, 12),
    (f"SELECT SUM(sqrt(amount)) {FROM}", "query.condition", 1, 12),
    (f"SELECT SUM(amount % 2) {FROM}", "query.condition", 1, 12),
    (f"SELECT SUM(ln(amount)) {FROM}", "query.condition", 1, 12),
    (f"SELECT SUM(length(note)) {FROM} WHERE hour(day) = 1", "query.type", 1, 51),
    (
        f"SELECT COUNT(*) {FROM} WHERE date_trunc('hour', seen) > '2020-01-01'",
        "query.condition",
        1,
        37,
    ),
    (f"SELECT COUNT(*) {FROM} WHERE substr(note, 0, 5) = 'a'", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE note LIKE state", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE length(terms) > 1", "query.type", 1, 44),
    (f"SELECT COUNT(*) {FROM} WHERE current_setting('threads') = '2'", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE getenv('HOME') = '/'", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE nextval('s') = 1", "query.condition", 1, 37),
    (f"SELECT COUNT(*) {FROM} WHERE strptime(note, '%Y') IS NULL", "query.condition", 1, 37),
    (f"SELECT SUM(CASE WHEN joint THEN 1 ELSE 'x' END) {FROM}", "query.type", 1, 40),
    (f"SELECT SUM(TRY_CAST(note AS INT)) {FROM}", "query.cast", 1, 12),
    (f"SELECT SUM({'least(' * 20}amount{', terms + amount)' * 20}) {FROM}", "query.syntax", 1, 102),
    ("SELECT COUNT(*) FROM bp_loans CROSS JOIN bp_labs", "query.join", 1, 42),
    ("SELECT COUNT(*) FROM bp_loans a JOIN bp_labs b ON a.amount = b.value", "query.join", 1, 38),
    ("SELECT COUNT(*) FROM bp_loans a JOIN bp_labs b ON a.person > b.person", "query.join", 1, 38),
    ("SELECT COUNT(*) FROM bp_loans a RIGHT JOIN bp_labs b USING (person)", "query.join", 1, 44),
    ("SELECT COUNT(*) FROM bp_loans a JOIN states s ON a.state = s.region", "query.join", 1, 38),
    ("SELECT COUNT(*) FROM states", "query.source", 1, 22),
    (f"WITH RECURSIVE q AS (SELECT state {FROM}) SELECT COUNT(*) FROM q", "query.with", 1, 16),
    (
        f"WITH q AS (SELECT state {FROM}), q AS (SELECT 1) SELECT COUNT(*) FROM q",
        "query.with",
        1,
        41,
    ),
    (f"WITH q(a) AS (SELECT state {FROM}) SELECT COUNT(*) FROM q", "query.with", 1, 6),
    (f"SELECT COUNT(*) FROM (SELECT state {FROM} LIMIT 5) q", "query.clause", 1, 56),
    (f"SELECT COUNT(*) FROM (SELECT state {FROM} ORDER BY state) q", "query.clause", 1, 59),
    (f"SELECT COUNT(*) FROM (SELECT DISTINCT state {FROM}) q", "query.clause", 1, 30),
    (f"SELECT COUNT(DISTINCT person) FROM (SELECT state {FROM}) q", "query.distinct", 1, 23),
    (
        f"SELECT SUM(n) AS s FROM (SELECT person, COUNT(*) AS n {FROM} GROUP BY person) q",
        "query.bounds",
        1,
        12,
    ),
    (f"SELECT person, STDDEV(terms) AS n {FROM} GROUP BY person", "query.function", 1, 16),
    (
        f"SELECT SUM(n) AS s FROM (SELECT state, COUNT(*) AS n {FROM} GROUP BY state) q",
        "query.noised",
        1,
        8,
    ),
    (
        f"SELECT n FROM (SELECT COUNT(*) AS n {FROM}) q JOIN bp_loans USING (n)",
        "query.noised",
        1,
        59,
    ),
    (f"SELECT m FROM (SELECT COUNT(*) AS n {FROM}) q", "query.column", 1, 8),
    (f"SELECT COUNT(*) {FROM} HAVING amount > 1", "query.group", 1, 38),
    (f"SELECT COUNT(*) + 1 {FROM}", "query.name", 1, 8),
    (f"SELECT sin(COUNT(*)) AS s {FROM}", "query.function", 1, 8),
    (f"SELECT QUANTILE(amount, 1.5) {FROM}", "query.function", 1, 8),
    (f"SELECT QUANTILE(amount, 0.12345) {FROM}", "query.function", 1, 8),
    (f"SELECT MAX(amount) {FROM}", "query.function", 1, 8),
    (f"SELECT COUNT(DISTINCT person) FILTER (WHERE joint) AS u {FROM}", "query.function", 1, 8),
    (f"SELECT histogram(amount, 0) AS h, COUNT(*) {FROM} GROUP BY h", "query.histogram", 1, 8),
    (f"SELECT histogram(amount, [3, 1]) AS h, COUNT(*) {FROM} GROUP BY h", "query.histogram", 1, 8),
    (f"SELECT amount, COUNT(*) {FROM} GROUP BY amount", "query.group", 1, 48),
    (f"SELECT /*+ exact exact */ COUNT(*) {FROM}", "query.hint", 1, 10),
    (f"SELECT /*+ keys_per_unit(0) */ COUNT(*) {FROM}", "query.hint", 1, 10),
]


@pytest.mark.parametrize(("sql", "rule", "line", "column"), REFUSED)
def test_a_text_outside_the_grammar_is_refused_with_its_place(
    sql: str, rule: str, line: int, column: int
) -> None:
    answer = plan(asked(sql))

    assert isinstance(answer, Unanswerable)
    first = answer.reasons[0]
    assert (first.rule, first.place) == (rule, f"line {line}, column {column}")
    assert all(said.zh and said.en for r in answer.reasons for said in (r.why, r.fix))
    assert CANARY not in repr(answer)


def test_every_fault_of_a_text_is_told_in_its_order() -> None:
    answer = plan(asked("SELECT MAX(amount), note\nFROM bp_loans\nWHERE phone = '1'"))

    assert isinstance(answer, Unanswerable)
    assert [(r.rule, r.place) for r in answer.reasons] == [
        ("query.function", "line 1, column 8"),
        ("query.column", "line 3, column 7"),
    ]


def test_an_asset_without_a_granted_view_is_unknown() -> None:
    answer = plan(
        Question(
            sql="SELECT COUNT(*) FROM bp_loans", assets=(LOANS,), views=(), epsilon=Fraction(1)
        )
    )

    assert isinstance(answer, Unanswerable)
    assert answer.reasons[0].rule == "query.asset"


def test_a_column_outside_the_view_is_refused_like_one_that_does_not_exist() -> None:
    secret = plan(asked("SELECT COUNT(secret) FROM bp_loans"))
    absent = plan(asked("SELECT COUNT(absent) FROM bp_loans"))

    assert secret == absent


@pytest.mark.parametrize("name", ['"BP-LOANS"', "bp_loans", '"bp-loans"', "BP_Loans AS b"])
def test_an_asset_may_be_named_in_either_way(name: str) -> None:
    assert planned(f"SELECT COUNT(*) FROM {name}").asset == "BP-LOANS"


def test_no_text_of_the_developer_reaches_the_trusted_sql_unparsed() -> None:
    sql = "SELECT COUNT(*) FROM bp_loans WHERE state = 'x''; DROP TABLE y --' /* hidden */"

    made = planned(sql)

    assert """AND (t1."state" = 'x''; DROP TABLE y --'))""" in made.sql[0]


@pytest.mark.parametrize("epsilon", [Fraction(1), Fraction(1, 3), Fraction(7, 10)])
def test_shares_of_epsilon_sum_to_it_exactly(epsilon: Fraction) -> None:
    made = planned(
        "SELECT state, COUNT(*), SUM(terms), AVG(amount) FROM bp_loans GROUP BY state",
        epsilon=epsilon,
    )

    assert sum(event.epsilon for event in made.events) == epsilon
    assert [event.epsilon * 6 / epsilon for event in made.events] == [2, 2, 1, 1]
    assert all(event.sensitivity / event.scale <= event.epsilon for event in made.events)
    assert made.rho == sum(rho_of_pure(event.epsilon) for event in made.events)
    assert made.rho <= rho_of_pure(epsilon)


def test_a_category_declared_twice_is_answered_once() -> None:
    state = LOANS.column("state")
    assert state is not None
    twice = replace(state, domain=("CA", "CA", "NY"))
    asset = replace(LOANS, columns=tuple(twice if c is state else c for c in LOANS.columns))
    sql = "SELECT state, COUNT(*) FROM bp_loans GROUP BY state"

    made = plan(replace(asked(sql), assets=(asset,)))

    assert isinstance(made, Plan)
    assert made.cells == [("CA",), ("NY",)]


def test_a_plan_does_not_depend_on_the_number_of_rows() -> None:
    sql = "SELECT state, SUM(amount) FROM bp_loans GROUP BY state"
    larger = replace(LOANS, rows=10**9)

    made = plan(replace(asked(sql), assets=(larger,)))

    assert made == planned(sql)


def test_the_statement_names_epsilon_the_unit_and_the_bounds() -> None:
    made = planned("SELECT SUM(amount) FROM bp_loans", epsilon=Fraction(1, 2))

    assert "epsilon = 1/2" in made.statement.en
    assert "自然人" in made.statement.zh
    assert "amount [-20, 100.5]" in made.statement.zh
    assert "one unit with all of its rows is added or removed" in made.statement.en


def test_a_preview_tells_the_expected_error_without_data() -> None:
    made = planned("SELECT COUNT(*) AS n, AVG(amount) FROM bp_loans")

    assert "n: standard deviation about 2.83" in preview(made).en
    assert "2.83" in preview(made).zh
    assert "in a cell of 1,000 rows" in preview(made).en


def output(**more: object) -> OutputTerms:
    terms = OutputTerms(
        name=OutputName("O1"),
        form=OutputForm.STATISTICAL_TABLE,
        release=ReleaseClass.DP,
        columns=(
            OutputColumn(name="state", type="string", function=Function.DIMENSION, source="state"),
            OutputColumn(name="n", type="int", function=Function.COUNT),
            OutputColumn(name="total", type="int", function=Function.SUM, source="terms"),
        ),
        max_rows=10,
        max_bytes=10_000,
        epsilon=Fraction(1),
    )
    return replace(terms, **more)  # type: ignore[arg-type]


FITTING = "SELECT SUM(terms) total, state, COUNT(*) n FROM bp_loans GROUP BY state"


def test_an_answer_with_the_declared_columns_fits_its_output() -> None:
    made = planned(FITTING, output=output())

    assert [(c.name, c.type, c.digits) for c in made.columns] == [
        ("total", "int", 0),
        ("state", "string", 0),
        ("n", "int", 0),
    ]


@pytest.mark.parametrize(
    ("sql", "terms", "epsilon", "rule"),
    [
        (FITTING, output(release=ReleaseClass.SDC), Fraction(1), "query.output"),
        (FITTING, output(max_rows=2), Fraction(1), "query.size"),
        (FITTING, output(max_bytes=64), Fraction(1), "query.size"),
        (FITTING, output(epsilon=Fraction(1, 2)), Fraction(1), "query.epsilon"),
        (FITTING, output(), Fraction(0), "query.epsilon"),
        (FITTING, None, Fraction(-1), "query.epsilon"),
        (FITTING, None, Fraction(101), "query.epsilon"),
        (FITTING.replace("COUNT(*) n", "COUNT(*)"), output(), Fraction(1), "query.columns"),
        (FITTING.replace("SUM(terms)", "SUM(amount)"), output(), Fraction(1), "query.columns"),
        (FITTING.replace("SUM(terms)", "AVG(terms)"), output(), Fraction(1), "query.columns"),
    ],
)
def test_an_answer_that_its_output_does_not_allow_is_refused_before_the_charge(
    sql: str, terms: OutputTerms | None, epsilon: Fraction, rule: str
) -> None:
    answer = plan(asked(sql, epsilon=epsilon, output=terms))

    assert isinstance(answer, Unanswerable)
    assert [reason.rule for reason in answer.reasons] == [rule]
    assert answer.reasons[0].place == "line 1, column 1"


def test_a_limit_makes_a_large_answer_fit() -> None:
    made = planned(f"{FITTING} ORDER BY n DESC LIMIT 2", output=output(max_rows=2))

    assert made.limit == 2
