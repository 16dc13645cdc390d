"""A small register of people with canaries in its keys, and ways to draw others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from sandbox.anonymity.judge import Known, Rows, chosen, coded_rows
from sandbox.asset import Column, Grade, Kind, Role
from sandbox.reason import Said

CANARY = "CANARY-7f3a"
QUASI = ("age", "sex", "town")
SENSITIVE = ("illness", "cost")
KNOWN = Known(quasi=QUASI, sensitive=SENSITIVE)
TOWNS = ("north", "south", "沪", "east")
ILLNESSES = ("flu", "ulcer", "cold")


def column(name: str, kind: Kind, role: Role, domain: tuple[str, ...] = ()) -> Column:
    return Column(
        name=name,
        kind=kind,
        role=role,
        grade=Grade.L2,
        title=Said(zh="列", en="column"),
        domain=domain,
    )


COLUMNS = (
    column("age", Kind.INT, Role.ATTRIBUTE),
    column("sex", Kind.STRING, Role.ATTRIBUTE),
    column("town", Kind.STRING, Role.DIMENSION, TOWNS),
    column("illness", Kind.STRING, Role.ATTRIBUTE),
    column("cost", Kind.FLOAT, Role.MEASURE),
)
SCHEMA = pa.schema(
    {
        "unit": pa.string(),
        "age": pa.int64(),
        "sex": pa.string(),
        "town": pa.string(),
        "illness": pa.string(),
        "cost": pa.float64(),
    }
)
TYPES = ("unit", *QUASI, *SENSITIVE)


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), SCHEMA)


def coded_of(rows: Sequence[dict[str, Any]], known: Known = KNOWN) -> Rows:
    return coded_rows(table(rows), chosen(COLUMNS, known), unit="unit", known=known)


def people(count: int, *, seed: int = 7, rows_each: int = 1) -> list[dict[str, Any]]:
    """Return rows of so many people, some with missing values."""
    dice = np.random.default_rng(seed)
    return [
        {
            "unit": f"{CANARY}-{i // rows_each}",
            "age": None if dice.random() < 0.02 else int(dice.integers(18, 90)),
            "sex": str(dice.choice(["F", "M"])),
            "town": None if dice.random() < 0.02 else str(dice.choice(TOWNS)),
            "illness": str(dice.choice(ILLNESSES, p=[0.6, 0.1, 0.3])),
            "cost": round(float(dice.gamma(2, 50)), 1),
        }
        for i in range(count * rows_each)
    ]


def some_rows(*, most: int = 40) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw small tables in which people have one row or several."""
    row = st.fixed_dictionaries(
        {
            "unit": st.sampled_from([f"{CANARY}-{i}" for i in range(15)]),
            "age": st.none() | st.integers(20, 26),
            "sex": st.sampled_from(["F", "M"]),
            "town": st.none() | st.sampled_from(TOWNS),
            "illness": st.none() | st.sampled_from(ILLNESSES),
            "cost": st.none() | st.sampled_from([-1.7e308, 0.0, 2.25, 1.7e308]),
        }
    )
    return st.lists(row, min_size=1, max_size=most)
