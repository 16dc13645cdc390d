"""A small loan book with canaries, and gate files as ingest and views would write them."""

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import OutputTerms, ViewTerms
from sandbox.privacy.plan import Plan, Question, plan
from sandbox.reason import Said

CANARY = "CANARY-7f3a91c2"
TITLE = Said(zh="字段", en="field")
SNAPSHOT = Digest("sha256:" + "0" * 64)
SCHEMA = pa.schema(
    {
        "person": pa.string(),
        "state": pa.string(),
        "grade": pa.int64(),
        "joint": pa.bool_(),
        "amount": pa.float64(),
        "terms": pa.int64(),
        "day": pa.date32(),
        "seen": pa.timestamp("us"),
        "note": pa.string(),
        "_unit": pa.int64(),
        "_unit_rows": pa.int64(),
    }
)

Row = dict[str, object]
Gate = Callable[[Sequence[Row]], Path]


def column(
    name: str,
    kind: Kind,
    role: Role,
    *,
    domain: tuple[str, ...] = (),
    bounds: tuple[str, str] = ("", ""),
) -> Column:
    return Column(
        name=name,
        kind=kind,
        role=role,
        grade=Grade.L2,
        title=TITLE,
        domain=domain,
        lower=bounds[0],
        upper=bounds[1],
    )


COLUMNS = (
    column("person", Kind.STRING, Role.UNIT),
    column("phone", Kind.STRING, Role.IDENTIFIER),
    column("state", Kind.STRING, Role.DIMENSION, domain=("CA", 'N"Y, x', "沪")),
    column("grade", Kind.INT, Role.DIMENSION, domain=("1", "2")),
    column("joint", Kind.BOOL, Role.DIMENSION, domain=("true", "false")),
    column("amount", Kind.FLOAT, Role.MEASURE, bounds=("-20", "100.5")),
    column("terms", Kind.INT, Role.MEASURE, bounds=("0", "36")),
    column("broken", Kind.FLOAT, Role.MEASURE, bounds=("5", "5")),
    column("day", Kind.DATE, Role.ATTRIBUTE),
    column("seen", Kind.TIMESTAMP, Role.ATTRIBUTE),
    column("note", Kind.STRING, Role.ATTRIBUTE),
    column("secret", Kind.STRING, Role.ATTRIBUTE),
    column("wide", Kind.STRING, Role.DIMENSION, domain=tuple(f"w{i}" for i in range(5_001))),
)
LOANS = Asset(
    id=AssetId("BP-LOANS"),
    version=1,
    title=TITLE,
    provider="P-1",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="person",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="city",
    columns=COLUMNS,
    snapshot=SNAPSHOT,
    rows=6,
)
VIEW = ViewTerms(
    asset=LOANS.id,
    snapshot=SNAPSHOT,
    columns=tuple(c.name for c in COLUMNS if c.name != "secret"),
    pseudonyms=("person", "phone"),
)


def asked(
    sql: str, *, epsilon: Fraction = Fraction(1), output: OutputTerms | None = None
) -> Question:
    return Question(sql=sql, assets=(LOANS,), views=(VIEW,), epsilon=epsilon, output=output)


def planned(
    sql: str, *, epsilon: Fraction = Fraction(1), output: OutputTerms | None = None
) -> Plan:
    made = plan(asked(sql, epsilon=epsilon, output=output))
    assert isinstance(made, Plan), made
    return made


def row(unit: int, **values: object) -> Row:
    usual: Row = {
        "person": f"p{unit}",
        "state": "CA",
        "grade": 1,
        "joint": True,
        "amount": 10.0,
        "terms": 12,
        "note": CANARY,
    }
    return usual | {"_unit": unit} | values


def write_gate(path: Path, rows: Sequence[Row]) -> Path:
    """Write a gate file; `_unit_rows` is counted as ingest counts it, unless a row states its own."""
    counted = Counter(one["_unit"] for one in rows)
    whole = [{"_unit_rows": counted[one["_unit"]]} | one for one in rows]
    pq.write_table(pa.Table.from_pylist(whole, schema=SCHEMA), path)
    return path


def silent(values: Sequence[int], *, scale: Fraction) -> Sequence[int]:
    """Add nothing: for tests of everything but the noise."""
    assert scale > 0
    return values
