"""What the trainer makes of a view: by public bounds and domains alone, and whatever the cells hold."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.order import OutputName
from sandbox.training.orders import parameters
from sandbox.training.terms import (
    Amount,
    Binned,
    Category,
    Logistic,
    Loss,
    Number,
    OneOf,
    TrainingTerms,
)
from tests.sandbox.training.book import SCORECARD, TERMS, planned, seeded, table

Trainer = Callable[[str], Any]
AMOUNT = replace(
    TERMS, features=(Number(column="age"),), target=Amount(column="income"), loss=Loss.SQUARED
)
NUMBERS = st.one_of(st.none(), st.floats(), st.just(1e308))


def read(trainer: Trainer, folder: Path, data: pa.Table, terms: TrainingTerms) -> Any:  # noqa: ANN401 - the trainer's word
    pq.write_table(data, folder / "BP-BOOK" / "BP-BOOK.parquet")
    recipe = json.loads(parameters(planned(terms), unit="person", output=OutputName("O1")))
    return trainer("rows").read(recipe, folder, source=seeded(6))


def one(**cells: object) -> pa.Table:
    return pa.table({name: pa.array([cell]) for name, cell in cells.items()})


@pytest.mark.parametrize(
    ("age", "scaled"), [(0, -1), (100, 1), (50, 0), (-7, -1), (1000, 1), (75, 0.5)]
)
def test_a_number_is_clamped_and_scaled_by_its_declared_bounds(
    trainer: Trainer, folder: Path, age: int, scaled: float
) -> None:
    data = one(person="p", age=age, income=1.0, region="north", risk="low")

    assert read(trainer, folder, data, TERMS).plain[0, 0] == pytest.approx(scaled)


def test_what_is_missing_or_outside_has_a_place_of_its_own(trainer: Trainer, folder: Path) -> None:
    widened = (
        Binned(column="income", cuts=(Fraction(100), Fraction(250), Fraction(500))),
        Category(column="sector"),
        Category(column="region", width=2),
    )
    terms = replace(SCORECARD, features=widened, design=Logistic())
    data = pa.table(
        {
            "person": ["a", "b", "c"],
            "income": pa.array([None, 100.0, float("nan")]),
            "sector": pa.array([9, 4, None], pa.int64()),
            "region": ["elsewhere", "西", None],
            "risk": ["high", "low", "middle"],
        }
    )

    rows = read(trainer, folder, data, terms)

    assert rows.plain.argmax(1).tolist() == [4, 1, 4]  # missing, the bin from 100 on, missing
    assert rows.plain[:, 5:].argmax(1).tolist() == [0, 4, 0]
    assert rows.places.ravel().tolist() == [0, 3, 0]
    assert rows.target.tolist() == [1, 0, 0]


def test_a_unit_keeps_some_of_its_rows_chosen_at_random_and_never_more(
    trainer: Trainer, folder: Path
) -> None:
    terms = replace(TERMS, features=(Number(column="age"),), rows_per_unit=10)
    data = pa.table(
        {"person": ["heavy"] * 100 + ["light"], "age": [*range(100), 5], "risk": ["low"] * 101}
    )

    rows = read(trainer, folder, data, terms)

    ages = (rows.plain[: rows.counts[0], 0] + 1) * 50
    assert rows.counts.tolist() == [10, 1]
    assert len(set(ages.round())) == 10
    assert set(ages.round()) != set(range(10))


def test_rows_without_a_target_or_a_unit_teach_nothing(trainer: Trainer, folder: Path) -> None:
    data = table(300, units=300)
    lost = data.set_column(0, "person", pa.array([None, *data["person"].to_pylist()[1:]]))

    rows = read(
        trainer, folder, lost, replace(TERMS, target=OneOf(column="risk"), loss=Loss.CROSS_ENTROPY)
    )

    known = sum(1 for each in data["risk"].to_pylist()[1:] if each)
    assert len(rows.first) <= known
    assert set(rows.target.tolist()) <= {0.0, 1.0, 2.0}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(st.tuples(st.sampled_from("abc"), NUMBERS, NUMBERS), max_size=20))
def test_no_cell_makes_the_reading_fail(
    trainer: Trainer, folder: Path, cells: list[tuple[str, Any, Any]]
) -> None:
    data = pa.table(
        {
            "person": pa.array([each[0] for each in cells], pa.string()),
            "age": pa.array([each[1] for each in cells], pa.float64()),
            "income": pa.array([each[2] for each in cells], pa.float64()),
        }
    )

    rows = read(trainer, folder, data, AMOUNT)

    assert np.isfinite(rows.plain).all()
    assert ((rows.target >= -1) & (rows.target <= 1)).all()
    assert (np.abs(rows.plain) <= 1).all()
