"""A small catalogue to train on, and terms that suit it."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.reason import Said
from sandbox.training.plan import Training, plan
from sandbox.training.terms import (
    Adam,
    Binary,
    Binned,
    Category,
    Logistic,
    Loss,
    Number,
    Scorecard,
    TrainingTerms,
    Trend,
    Try,
)

CANARY = "CANARY-7f3a9c51"
TITLE = Said(zh="测试", en="test")
COLUMNS = ("age", "income", "region", "sector", "risk")


def column(name: str, kind: Kind, role: Role, **more: object) -> Column:
    return Column(name=name, kind=kind, role=role, grade=Grade.L2, title=TITLE, **more)  # type: ignore[arg-type]


ASSET = Asset(
    id=AssetId("BP-BOOK"),
    version=1,
    title=TITLE,
    provider="P-1",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="person",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="city",
    columns=(
        column("person", Kind.STRING, Role.UNIT),
        column("age", Kind.INT, Role.MEASURE, lower="0", upper="100"),
        column("income", Kind.FLOAT, Role.MEASURE, lower="0", upper="1000"),
        column("region", Kind.STRING, Role.DIMENSION, domain=("north", 'south, "old"', "西")),
        column("sector", Kind.INT, Role.DIMENSION, domain=("1", "2", "3", "4")),
        column("risk", Kind.STRING, Role.DIMENSION, domain=("low", "middle", "high")),
        column("note", Kind.STRING, Role.ATTRIBUTE),
    ),
    snapshot=Digest("sha256:" + "0" * 64),
    rows=0,
)
TERMS = TrainingTerms(
    asset=ASSET.id,
    features=(Number(column="age"), Number(column="income"), Category(column="region")),
    target=Binary(column="risk", positive=("high",)),
    design=Logistic(),
    loss=Loss.LOGISTIC,
    optimiser=Adam(),
    tries=(Try(rate=Fraction(1, 20), clip=Fraction(1)),),
    steps=60,
    sampling_rate=Fraction(1, 10),
    units=1000,
    epsilon=Fraction(8),
)
SCORECARD = replace(
    TERMS,
    features=(
        Binned(
            column="income",
            cuts=(Fraction(100), Fraction(1001, 4), Fraction(500)),
            trend=Trend.FALLING,
        ),
        Category(column="sector"),
    ),
    design=Scorecard(),
)


def planned(terms: TrainingTerms = TERMS) -> Training:
    made = plan(terms, ASSET, COLUMNS)
    assert isinstance(made, Training), made
    return made


def table(rows: int, *, units: int, seed: int = 5) -> pa.Table:
    """Rows whose risk hangs on income and region; some cells are missing, odd, or outside of what was declared."""
    dice = np.random.default_rng(seed)
    income = dice.uniform(0, 1000, rows)
    region = dice.choice(["north", 'south, "old"', "西", CANARY], rows)
    high = dice.random(rows) < 1 / (1 + np.exp((income - 400) / 100 - (region == "西") * 2))
    return pa.table(
        {
            "person": [f"p{each}" for each in dice.integers(0, units, rows)],
            "age": pa.array(dice.integers(-5, 120, rows), mask=dice.random(rows) < 0.1),
            "income": np.where(dice.random(rows) < 0.1, np.nan, income),
            "region": region,
            "sector": pa.array(dice.integers(1, 6, rows)),
            "risk": pa.array(
                np.where(high, "high", dice.choice(["low", "middle"], rows)),
                mask=dice.random(rows) < 0.1,
            ),
        }
    )


def seeded(seed: int) -> Callable[[int], bytes]:
    """Bytes of a fixed seed, so that a statistical test never flickers."""
    return np.random.default_rng(seed).bytes
