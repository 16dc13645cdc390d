import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.data.predicate import bound_predicate, check_predicate
from sandbox.errors import ViewError
from sandbox.reason import Said

TITLE = Said(zh="列", en="column")
ROLES = {"person": Role.UNIT, "card": Role.IDENTIFIER}
KINDS = {
    "person": Kind.STRING,
    "card": Kind.STRING,
    "state": Kind.STRING,
    "状态": Kind.STRING,
    'Odd "name': Kind.STRING,
    "amount": Kind.FLOAT,
    "term": Kind.INT,
    "late": Kind.BOOL,
    "opened": Kind.DATE,
    "seen": Kind.TIMESTAMP,
}
LOANS = Asset(
    id=AssetId("BP-LOANS"),
    version=1,
    title=TITLE,
    provider="P-PROV",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="person",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="district",
    columns=tuple(
        Column(
            name=name,
            kind=kind,
            role=ROLES.get(name, Role.ATTRIBUTE),
            grade=Grade.L2,
            title=TITLE,
        )
        for name, kind in KINDS.items()
    ),
    snapshot=Digest("sha256:" + "0" * 64),
    rows=1,
)


@pytest.mark.parametrize(
    ("sql", "bound"),
    [
        ("term = 36", '"term" = 36'),
        ("TERM <> -1 and amount >= 1.5", '"term" <> -1 AND "amount" >= 1.5'),
        ("state in ('CA', 'it''s')", "\"state\" IN ('CA', 'it''s')"),
        ("not (term between 1 and 2 or late)", 'NOT ("term" BETWEEN 1 AND 2 OR "late")'),
        ("状态 = '正常' -- fine", "\"状态\" = '正常'"),
        ('"odd ""name" IS NULL', '"Odd ""name" IS NULL'),
        ("late IS NOT TRUE", 'NOT "late" IS TRUE'),
        ("opened >= '2024-02-29'", "\"opened\" >= '2024-02-29'"),
        ("seen < DATE '2024-01-01'", "\"seen\" < CAST('2024-01-01' AS DATE)"),
        ("seen < TIMESTAMP '2024-01-01 10:00:00'", None),
        ("amount < term", '"amount" < "term"'),
        ("1 < term", '1 < "term"'),
        ("state NOT IN ('CA')", "NOT \"state\" IN ('CA')"),
    ],
)
def test_a_condition_of_the_closed_form_is_allowed(sql: str, bound: str | None) -> None:
    assert check_predicate(sql, LOANS) == ()
    assert bound is None or bound_predicate(sql, LOANS) == bound


@pytest.mark.parametrize(
    ("sql", "rule", "place"),
    [
        ("", "predicate.syntax", "line 1, column 1"),
        ("term = ", "predicate.syntax", "line 1, column 6"),
        ("term = 'x", "predicate.syntax", "line 1, column 1"),
        ("term = 1; term = 2", "predicate.syntax", "line 1, column 1"),
        ("term = 1) OR (term = 2", "predicate.syntax", "line 1, column 9"),
        ("SELECT 1", "predicate.form", "line 1, column 1"),
        ("\n DROP TABLE x", "predicate.form", "line 2, column 2"),
        ("term = 1 UNION SELECT 1", "predicate.form", "line 1, column 1"),
        ("income > 3", "predicate.column", "line 1, column 1"),
        ("term > 1 AND\n  rowid > 3", "predicate.column", "line 2, column 3"),
        ("person = 'x'", "predicate.identifier", "line 1, column 1"),
        ("card IS NULL", "predicate.identifier", "line 1, column 1"),
        ("term = 'x'", "predicate.type", "line 1, column 8"),
        ("state = 1", "predicate.type", "line 1, column 9"),
        ("state < term", "predicate.type", "line 1, column 9"),
        ("opened > '2024-02-30'", "predicate.type", "line 1, column 10"),
        ("opened > '2024-02-03 10:00:00'", "predicate.type", "line 1, column 10"),
        ("term BETWEEN 1 AND 'x'", "predicate.type", "line 1, column 20"),
        ("term IN (1, 'x')", "predicate.type", "line 1, column 13"),
        ("term", "predicate.type", "line 1, column 1"),
        ("TRUE", "predicate.form", "line 1, column 1"),
        ("1 = 1", "predicate.form", "line 1, column 1"),
        ("term + 1 = 2", "predicate.form", "line 1, column 1"),
        ("term = 1e400", "predicate.form", "line 1, column 8"),
        ("term = 9999999999999999999", "predicate.form", "line 1, column 8"),
        ("term = NULL", "predicate.form", "line 1, column 1"),
        ("term IN (1, NULL)", "predicate.form", "line 1, column 1"),
        ("term IN (SELECT 1)", "predicate.form", "line 1, column 1"),
        ("term IN term", "predicate.form", "line 1, column 1"),
        ("term = (SELECT 1)", "predicate.form", "line 1, column 16"),
        ("EXISTS (SELECT 1)", "predicate.form", "line 1, column 1"),
        ("random() < 0.5", "predicate.form", "line 1, column 1"),
        ("lower(state) = 'ca'", "predicate.form", "line 1, column 1"),
        ("state = getenv('HOME')", "predicate.form", "line 1, column 9"),
        ("state LIKE 'C%'", "predicate.form", "line 1, column 1"),
        ("state IS DISTINCT FROM 'x'", "predicate.form", "line 1, column 1"),
        ("CASE WHEN late THEN late END", "predicate.form", "line 1, column 1"),
        ("CAST(state AS INT) = 1", "predicate.form", "line 1, column 6"),
        ("TRY_CAST('1' AS INT) = term", "predicate.form", "line 1, column 10"),
        ("opened > DATE '2024-13-01'", "predicate.form", "line 1, column 15"),
        ("x.term = 1", "predicate.form", "line 1, column 1"),
        ("term = ?", "predicate.form", "line 1, column 1"),
        ("term = $1", "predicate.form", "line 1, column 1"),
        ("(term, late) = (1, TRUE)", "predicate.form", "line 1, column 2"),
        ("read_csv('/etc/passwd')", "predicate.form", "line 1, column 1"),
        ("state = current_user", "predicate.form", "line 1, column 1"),
        ("opened < current_date", "predicate.form", "line 1, column 1"),
        ("term BETWEEN SYMMETRIC 1 AND 2", "predicate.form", "line 1, column 1"),
        ("state COLLATE NOCASE = 'x'", "predicate.form", "line 1, column 1"),
        ("term = 1 OR " * 400 + "late", "predicate.length", "line 1, column 1"),
        ("(" * 2000 + "late" + ")" * 2000, "predicate.length", "line 1, column 1"),
    ],
)
def test_anything_else_is_refused_with_its_place(sql: str, rule: str, place: str) -> None:
    reasons = check_predicate(sql, LOANS)

    assert (reasons[0].rule, reasons[0].place) == (rule, place)
    assert all(reason.fix.zh and reason.fix.en for reason in reasons)


def test_every_fault_is_told() -> None:
    reasons = check_predicate("income > 3 AND state = 1 OR random() < 1", LOANS)

    assert [reason.rule.partition(".")[2] for reason in reasons] == ["column", "type", "form"]


def test_a_refused_condition_cannot_be_bound() -> None:
    with pytest.raises(ViewError, match=r"predicate\.form at line 1, column 1"):
        bound_predicate("random() < 0.5", LOANS)


COLUMNS = st.sampled_from([name for name in KINDS if name not in ROLES]).map(
    lambda name: '"' + name.replace('"', '""') + '"'
)
LITERALS = st.sampled_from(
    [
        "0",
        "-1",
        "999999999999999999",
        "0.000000000000000001",
        "-123456789012345678.123456789012345678",
        "'x'",
        "'2024-01-01'",
        "'0001-01-01 00:00:00'",
        "DATE '9999-12-31'",
        "TRUE",
    ]
)
OPERANDS = COLUMNS | LITERALS
SIMPLE = (
    st.tuples(OPERANDS, st.sampled_from(["=", "<>", "<", ">="]), OPERANDS).map(" ".join)
    | st.tuples(COLUMNS, LITERALS, OPERANDS).map(lambda parts: "{} IN ({}, {})".format(*parts))
    | st.tuples(COLUMNS, LITERALS, OPERANDS).map(
        lambda parts: "{} BETWEEN {} AND {}".format(*parts)
    )
    | COLUMNS.map(lambda column: f"{column} IS NULL")
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(
        lambda parts: "NOT ({}{}{})".format(*parts)
    ),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def extremes() -> duckdb.DuckDBPyConnection:
    """Give a table of each kind's extremes and NULL."""
    connection = duckdb.connect()
    types = {Kind.STRING: "VARCHAR", Kind.INT: "BIGINT", Kind.FLOAT: "DOUBLE", Kind.BOOL: "BOOLEAN"}
    columns = ", ".join(
        '"' + name.replace('"', '""') + '" ' + types.get(kind, kind.name)
        for name, kind in KINDS.items()
    )
    connection.execute(f"CREATE TABLE loans ({columns})")
    extreme: dict[Kind, list[object]] = {
        Kind.STRING: ["", "\0", "x"],
        Kind.INT: [-(2**63), 2**63 - 1, 0],
        Kind.FLOAT: [-1.7e308, 5e-324, 1e17],
        Kind.BOOL: [True, False, None],
        Kind.DATE: ["0001-01-01", "9999-12-31", None],
        Kind.TIMESTAMP: ["0001-01-01", "9999-12-31 23:59:59", None],
    }
    for place in range(3):
        row = [extreme[kind][place] for kind in KINDS.values()]
        connection.execute(f"INSERT INTO loans VALUES ({', '.join('?' * len(row))})", row)
    return connection


@settings(max_examples=150, deadline=None, derandomize=True)
@given(sql=CONDITIONS)
def test_a_condition_that_is_allowed_cannot_fail_on_any_row(
    sql: str, extremes: duckdb.DuckDBPyConnection
) -> None:
    if check_predicate(sql, LOANS):
        return

    bound = bound_predicate(sql, LOANS)

    asked = f"SELECT count(*) FROM loans WHERE ({sql}) IS DISTINCT FROM ({bound})"
    assert extremes.execute(asked).fetchall() == [(0,)]
