"""A fuzzer over the grammar and over mutated texts: no exception from planning, none from the data, no foreign SQL."""

import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.privacy.finish import finished
from sandbox.privacy.noising import noised
from sandbox.privacy.plan import Plan, Unanswerable, plan
from sandbox.privacy.raw import found
from sandbox.privacy.value import quoted
from tests.sandbox.privacy.book import CANARY, LONG, Silent, asked, lab, row, state, write_gates
from tests.sandbox.privacy.test_plan import REFUSED
from tests.sandbox.privacy.test_sensitivity import HINTS, QUESTIONS, WHERES

pytestmark = pytest.mark.timeout(7_200 if LONG else 120)

FOREIGN = (
    "read_csv('/etc/passwd')",
    "getenv('HOME')",
    "current_setting('threads')",
    "nextval('s')",
    "random()",
    "(SELECT note FROM bp_loans)",
    "pragma_version()",
    "duckdb_settings()",
    "error(note)",
    "CAST(note AS INT)",
    "_unit",
    "_unit_rows",
    ";",
    "--",
    "/*",
    "'",
    '"',
    "$$",
    "?",
    "$1",
    "::INT",
    "UNION",
    "OVER ()",
    "*",
    "NULL",
    "1e999",
    "99999999999999999999",
    "-0.0",
    "'" + CANARY + "'",
)
OURS = frozenset(
    re.findall(
        r"\w+",
        """
        list v abs sum count min max isnan floor ceil round sqrt hash unnest length lower
        upper substr coalesce nullif year quarter month day dayofweek hour date_trunc any_value cast try_cast
        try in and or not on as by when then else from select where
        is filter with using join materialized between like ilike select distinct
        """,
    )
)
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - the gate's timestamps have no zone
ODD = [
    row(0, terms=2**63 - 1, amount=math.inf, day=date.max, seen=LAST, note=""),
    row(0, terms=-(2**63), amount=-math.inf, day=date.min, seen=FIRST, note="x" * 5000),
    row(1, terms=None, amount=math.nan, state=None, joint=None, note=None),
    row(2, terms=0, amount=-0.0, day=date(2020, 2, 29), note="%_\\'"),
    row(3, amount=5e-324, terms=1, note="沪" * 40, grade=None),
    row(4, amount=1.7e308, terms=2**53 + 1, state="elsewhere", grade=-7),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine with odd data, open for all examples."""
    folder = tmp_path_factory.mktemp("fuzz")
    labs = [lab(0, value=math.nan), lab(0, test=None), lab(2, value=None), lab(7, value=1e300)]
    gates = write_gates(Path(folder), ODD, labs, [state("CA", "north"), state("CA", "south")])
    with duckdb.connect(":memory:") as connection:
        for asset, path in gates.items():
            connection.execute(f"CREATE VIEW {quoted(asset)} AS FROM read_parquet('{path}')")
        yield connection


numbers = st.sampled_from(
    ("amount", "terms", "grade", "0", "1", "-3", "2.5", "1e300", "9223372036854775807", "l.terms")
)
texts = st.sampled_from(("state", "note", "'CA'", "''", "'%'", "'x''y'"))
moments = st.sampled_from(("day", "seen", "DATE '2020-02-29'", "TIMESTAMP '1999-12-31 23:59:59'"))


def _number(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.builds("({0[0]} {1} {0[1]})".format, two, st.sampled_from("+-*/")),
        st.builds("{1}({0[0]}, {0[1]})".format, two, st.sampled_from(("least", "greatest"))),
        st.builds(
            "{1}({0})".format, inner, st.sampled_from(("abs", "round", "floor", "ceil", "-"))
        ),
        st.builds("CAST({0} AS {1})".format, inner, st.sampled_from(("BIGINT", "DOUBLE", "INT"))),
        st.builds("CASE WHEN {0[0]} > {0[1]} THEN {0[0]} ELSE {0[1]} END".format, two),
        st.builds("coalesce({0[0]}, nullif({0[1]}, 0))".format, two),
        st.builds("{1}({0})".format, moments, st.sampled_from(("year", "month", "dayofweek"))),
        st.builds("length({0})".format, texts),
        st.builds("least(greatest({0}, -5), 20)".format, inner),
    )


expressions = st.recursive(numbers, _number, max_leaves=8)
conditions = st.one_of(
    st.builds("{0} {2} {1}".format, expressions, expressions, st.sampled_from(("<", "=", ">="))),
    st.builds("{0} BETWEEN {1} AND 7".format, expressions, numbers),
    st.builds("{0} IS NOT NULL AND NOT joint".format, expressions),
    st.builds("upper({0}) LIKE {1}".format, texts, st.sampled_from(("'%A_'", "'\\'", "''"))),
    st.builds("{0} IN (1, 2.5, {1})".format, expressions, numbers),
    st.builds(
        "date_trunc('{1}', {0}) > '2019-05-01'".format, moments, st.sampled_from(("week", "year"))
    ),
    st.builds("substr({0}, 2, 3) = {1}".format, texts, texts),
)
measures = st.one_of(
    st.just("COUNT(*)"),
    st.builds("COUNT({0})".format, expressions),
    st.builds(
        "{1}(least(greatest({0}, -9), 99))".format,
        expressions,
        st.sampled_from(("SUM", "AVG", "MEDIAN", "STDDEV")),
    ),
    st.builds("SUM(amount) FILTER (WHERE {0})".format, conditions),
    st.just("SUM(amount) / COUNT(*)"),
)
keys = st.one_of(
    st.sampled_from(
        ("state", "note", "joint", "day", "date_trunc('month', day)", "histogram(amount, 3)")
    ),
    st.builds("least(greatest(floor({0}), 0), 4)".format, expressions),
    st.builds("CASE WHEN {0} THEN 'a' WHEN {0} THEN state ELSE 'c' END".format, conditions),
)
FROMS = (
    "bp_loans l",
    "bp_loans l JOIN bp_labs b USING (person)",
    "bp_loans l LEFT JOIN states s ON l.state = s.code",
    (
        "(SELECT person, state, note, joint, day, seen, MAX(amount) AS amount, MAX(terms) AS terms,"
        " MIN(grade) AS grade FROM bp_loans GROUP BY person, state, note, joint, day, seen) l"
    ),
    "(SELECT person, state, note, joint, day, seen, amount, terms / 2 AS terms, grade FROM bp_loans WHERE terms > 0) l",
)
questions = st.builds(
    "SELECT {h} {k} AS k, {m} AS m FROM {f} WHERE {c} GROUP BY k HAVING COUNT(*) > {n} ORDER BY m".format,
    h=st.sampled_from(HINTS),
    k=keys,
    m=measures,
    f=st.sampled_from(FROMS),
    c=conditions,
    n=st.integers(-3, 3),
)


def foreign(sql: str) -> set[str]:
    """Return the names that stand before a parenthesis and are not of the planner's own grammar."""
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "''", sql)
    bare = re.sub(r"// greatest\(n, \d+\)", "", bare)  # the weight: a developer's is no function
    return {name.lower() for name in re.findall(r"([A-Za-z_]\w*)\s*\(", bare)} - OURS


@settings(
    max_examples=3_000 if LONG else 100,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(sql=questions)
def test_no_data_makes_a_planned_question_fail(engine: duckdb.DuckDBPyConnection, sql: str) -> None:
    made = plan(asked(sql))

    if isinstance(made, Plan):
        raw = [found(engine, statement) for statement in made.statements]
        rows = finished(made, noised(made, raw, Silent()))
        assert all(len(line) == len(made.columns) for line in rows)
        assert not set().union(*map(foreign, made.sql))
    else:
        assert made.reasons


SEEDS = [
    *(sql for sql, *_ in REFUSED if len(sql) < 400),
    *(sql.format(where=WHERES[2], hint=HINTS[4]) for sql in QUESTIONS.values()),
]
TOKEN = re.compile(r"\s+|\w+|'[^']*'|.", re.DOTALL)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    tokens = TOKEN.findall(draw(st.sampled_from(SEEDS)))
    pool = [*FOREIGN, *TOKEN.findall(draw(st.sampled_from(SEEDS)))]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(tokens) - 1, 0)))
        act = draw(st.sampled_from(("drop", "swap", "put", "twice")))
        if act == "drop":
            tokens[place : place + 1] = []
        elif act == "twice":
            tokens[place:place] = tokens[place : place + draw(st.integers(1, 8))]
        else:
            tokens[place : place + (act == "swap")] = [draw(st.sampled_from(pool)), " "]
    return "".join(tokens)


@settings(
    max_examples=20_000 if LONG else 250,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(sql=mutants())
def test_a_mutated_text_is_planned_in_our_own_words_or_refused(sql: str) -> None:
    made = plan(asked(sql))

    if isinstance(made, Unanswerable):
        assert made.reasons
        assert CANARY not in repr(made)
    else:
        assert not set().union(*map(foreign, made.sql))


def test_the_fuzzer_would_notice_foreign_sql() -> None:
    assert foreign("SELECT read_csv('x') FROM r") == {"read_csv"}
    assert foreign("SELECT 'read_csv(x)' FROM r") == set()
