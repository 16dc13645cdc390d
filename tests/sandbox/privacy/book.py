"""A small loan book with canaries, and gate files as ingest and views would write them."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import OutputTerms, ViewTerms
from sandbox.privacy.answer import answer
from sandbox.privacy.choosing import Scores
from sandbox.privacy.events import DpEvent
from sandbox.privacy.plan import Plan, PublicTable, Question, plan
from sandbox.privacy.question import KEYS_DELTA
from sandbox.reason import Said

LONG = os.environ.get("SHUYU_PRIVACY") == "long"
"""Whether the long part of the proofs runs."""
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

LABS_SCHEMA = pa.schema(
    {
        "person": pa.string(),
        "test": pa.string(),
        "value": pa.float64(),
        "_unit": pa.int64(),
        "_unit_rows": pa.int64(),
    }
)
STATES_SCHEMA = pa.schema({"code": pa.string(), "region": pa.string(), "weight": pa.int64()})

Row = dict[str, object]
Gates = dict[AssetId, Path]
Gate = Callable[..., Gates]


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


LABS = replace(
    LOANS,
    id=AssetId("BP-LABS"),
    columns=(
        column("person", Kind.STRING, Role.UNIT),
        column("test", Kind.STRING, Role.ATTRIBUTE),
        column("value", Kind.FLOAT, Role.MEASURE, bounds=("0", "50")),
    ),
)
LABS_VIEW = replace(
    VIEW, asset=LABS.id, columns=("person", "test", "value"), pseudonyms=("person",)
)
STATES = replace(
    LOANS,
    id=AssetId("STATES"),
    columns=(
        column("code", Kind.STRING, Role.ATTRIBUTE),
        column("region", Kind.STRING, Role.DIMENSION, domain=("north", "south")),
        column("weight", Kind.INT, Role.MEASURE, bounds=("0", "9")),
    ),
    unit_column="",
)
STATES_VIEW = replace(VIEW, asset=STATES.id, columns=("code", "region", "weight"), pseudonyms=())


def asked(
    sql: str,
    *,
    epsilon: Fraction = Fraction(1),
    output: OutputTerms | None = None,
    delta: Fraction = KEYS_DELTA,
) -> Question:
    return Question(
        sql=sql,
        assets=(LOANS, LABS, STATES),
        views=(VIEW, LABS_VIEW, STATES_VIEW),
        epsilon=epsilon,
        output=output,
        delta=delta,
        public=(PublicTable(asset=STATES.id, key="code"),),
    )


def planned(
    sql: str,
    *,
    epsilon: Fraction = Fraction(1),
    output: OutputTerms | None = None,
    delta: Fraction = KEYS_DELTA,
) -> Plan:
    made = plan(asked(sql, epsilon=epsilon, output=output, delta=delta))
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


def lab(unit: int, **values: object) -> Row:
    usual: Row = {"person": f"p{unit}", "test": "GLU", "value": 5.0}
    return usual | {"_unit": unit} | values


def state(code: str, region: str, weight: int = 1) -> Row:
    return {"code": code, "region": region, "weight": weight}


def write_gates(
    folder: Path, rows: Sequence[Row], labs: Sequence[Row] = (), states: Sequence[Row] = ()
) -> Gates:
    """Write gate files; `_unit_rows` is counted as ingest counts it, unless a row states its own."""
    return {
        LOANS.id: _written(folder / "loans.parquet", _counted(rows), SCHEMA),
        LABS.id: _written(folder / "labs.parquet", _counted(labs), LABS_SCHEMA),
        STATES.id: _written(folder / "states.parquet", states, STATES_SCHEMA),
    }


def _counted(rows: Sequence[Row]) -> list[Row]:
    counted = Counter(one["_unit"] for one in rows)
    return [{"_unit_rows": counted[one["_unit"]]} | one for one in rows]


def _written(path: Path, rows: Sequence[Row], schema: pa.Schema) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


@dataclass(frozen=True, slots=True)
class Silent:
    """No noise, and the best choice: for tests of everything but the noise."""

    def add(self, values: Sequence[int], event: DpEvent) -> Sequence[int]:
        assert event.scale > 0
        return values

    def choose(self, scores: Scores, event: DpEvent) -> Sequence[int]:
        assert event.scale > 0
        return [int(np.argmin(row)) for row in scores]


@dataclass(frozen=True, slots=True)
class Shaped:
    """Puts a function of the values in place of noise."""

    shape: Callable[[Sequence[int], DpEvent], Sequence[int]]

    def add(self, values: Sequence[int], event: DpEvent) -> Sequence[int]:
        return self.shape(values, event)

    def choose(self, scores: Scores, event: DpEvent) -> Sequence[int]:
        return Silent().choose(scores, event)


def table(plan: Plan, gates: Gates) -> list[list[str]]:
    """Answer without noise, and read the answer back."""
    content, _ = answer(plan, gates, noise=Silent())
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def changed(plan: Plan, turn: Callable[[str], str]) -> Plan:
    """Return a plan with other SQL: a planted fault."""
    statements = tuple(replace(one, sql=turn(one.sql)) for one in plan.statements)
    return replace(plan, statements=statements)
