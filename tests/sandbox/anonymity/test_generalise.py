import json
import os
import subprocess
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.anonymity.generalise import Generalised, generalised
from sandbox.anonymity.judge import evidence_of
from sandbox.asset import Kind, Role
from sandbox.errors import ViewError
from sandbox.order import Generalise
from tests.sandbox.anonymity.register import (
    CANARY,
    COLUMNS,
    KNOWN,
    QUASI,
    column,
    people,
    some_rows,
    table,
)

AIM = Generalise(quasi=QUASI, k=2)
PYTHON = os.environ.get("SHUYU_PYCANON", "")


def made(rows: list[dict[str, Any]], aim: Generalise = AIM) -> Generalised:
    return generalised(table(rows), COLUMNS, unit="unit", aim=aim)


def shown(found: Generalised) -> list[dict[str, Any]]:
    """Return what each row shows."""
    rows: list[dict[str, Any]] = found.labels.take(pa.array(found.classes)).to_pylist()
    return rows


def covers(label: str | None, value: Any) -> bool:  # noqa: ANN401 - any value
    """Say whether a label admits a value."""
    if label is None or not label.startswith("["):
        return bool(label == value)
    ends = json.loads(label)
    if value is None or isinstance(value, str):
        return bool(value in ends)
    return bool(ends[0] <= value <= ends[1])


@settings(deadline=None)
@given(rows=some_rows(most=80), relaxed=st.booleans())
def test_every_row_is_shown_and_its_own_values_lie_in_what_is_shown(
    rows: list[dict[str, Any]], *, relaxed: bool
) -> None:
    rows = [*people(2), *rows]

    found = made(rows, Generalise(quasi=QUASI, k=2, relaxed=relaxed))

    seen = shown(found)
    assert len(seen) == len(rows)
    assert all(
        covers(look[name], row[name])
        for look, row in zip(seen, rows, strict=True)
        for name in QUASI
    )


@settings(deadline=None)
@given(rows=some_rows(most=80), relaxed=st.booleans(), k=st.integers(2, 4))
def test_the_evidence_is_what_an_outsider_measures_of_the_rows_as_they_are_shown(
    rows: list[dict[str, Any]], *, relaxed: bool, k: int
) -> None:
    rows = [*people(4), *rows]
    aim = Generalise(quasi=QUASI, sensitive=("illness", "cost"), k=k, l=2, relaxed=relaxed)

    found = made(rows, aim)

    texts = tuple(column(name, Kind.STRING, Role.ATTRIBUTE) for name in QUASI)
    looks = [{**row, **look} for row, look in zip(rows, shown(found), strict=True)]
    schema = pa.schema(
        {name: pa.string() for name in ("unit", *QUASI, "illness")} | {"cost": pa.float64()}
    )
    source = pa.Table.from_pylist(looks, schema)
    assert found.evidence == evidence_of(source, (*texts, *COLUMNS[3:]), unit="unit", known=KNOWN)
    assert found.evidence.k >= k
    assert all(each.distinct >= 2 for each in found.evidence.sensitive)


def test_labels_are_intervals_sets_in_the_catalogues_order_and_plain_names() -> None:
    rows = [
        {**row, "age": age, "sex": sex, "town": town}
        for row, age, sex, town in zip(
            people(8),
            [20, 21, 30, 35, None, 40, None, None],
            ["F"] * 4 + ["M"] * 2 + ["X"] * 2,
            ["沪", "north", "east", "east", "south", None, "south", "south"],
            strict=True,
        )
    ]

    looks = {tuple(look.values()) for look in shown(made(rows))}

    assert looks == {
        ("[20,21]", "F", '["north","沪"]'),
        ("[30,35]", "F", "east"),
        ("[40,40,null]", "M", '["south",null]'),
        (None, "X", "south"),
    }


def test_dates_and_numbers_with_decimals_are_intervals_too() -> None:
    columns = (column("day", Kind.DATE, Role.ATTRIBUTE), column("cost", Kind.FLOAT, Role.ATTRIBUTE))
    source = pa.table(
        {
            "day": [date(2024, 1, 1), date(2024, 2, 29)],
            "cost": [-1.5e308, 1.5e308],
            "unit": ["a", "b"],
        }
    )

    found = generalised(source, columns, unit="unit", aim=Generalise(quasi=("day", "cost"), k=2))

    [look] = found.labels.to_pylist()
    assert json.loads(look["day"]) == ["2024-01-01", "2024-02-29"]
    assert json.loads(look["cost"]) == [-1.5e308, 1.5e308]
    assert found.loss == 1


def test_a_category_that_looks_like_a_set_is_written_as_one() -> None:
    rows = [{**row, "sex": '["F"]'} for row in people(4)]

    looks = {look["sex"] for look in shown(made(rows))}

    assert looks == {json.dumps(['["F"]'])}


def test_nothing_is_lost_where_everybody_has_company_already() -> None:
    rows = [{**row, "age": 20, "sex": "F", "town": "north"} for row in people(9)]

    found = made(rows)

    assert not found.loss
    assert found.labels.num_rows == 1


def test_of_one_class_everything_is_lost() -> None:
    rows = [
        {**row, "age": 20 + place, "sex": "FM"[place], "town": ("north", "south")[place]}
        for place, row in enumerate(people(2))
    ]

    assert made(rows).loss == 1


def test_a_table_without_rows_is_shown_without_classes() -> None:
    found = made([])

    assert (found.labels.num_rows, len(found.classes), found.evidence.k) == (0, 0, 0)


@pytest.mark.parametrize(
    "aim",
    [
        Generalise(quasi=(), k=2),
        Generalise(quasi=QUASI, k=1),
        Generalise(quasi=QUASI, k=2, l=2),
        Generalise(quasi=QUASI, k=2, t=Fraction(3, 2)),
        Generalise(quasi=QUASI, k=7),
        Generalise(quasi=QUASI, k=2, sensitive=("illness",), l=4),
        Generalise(quasi=("income",), k=2),
    ],
)
def test_what_cannot_be_kept_is_refused_without_a_value(aim: Generalise) -> None:
    with pytest.raises(ViewError) as caught:
        made(people(6), aim)

    assert CANARY not in str(caught.value)


def test_nobodys_key_is_in_what_is_shown() -> None:
    found = made(people(60))

    assert CANARY not in str(found.labels.to_pylist())
    assert CANARY not in str(found.evidence)


@pytest.mark.skipif(
    not PYTHON, reason="SHUYU_PYCANON names the Python of an environment with pycanon"
)
def test_pycanon_measures_the_same(tmp_path: Path) -> None:
    rows = [row for row in people(400) if None not in row.values()]
    looks = [{**row, **look} for row, look in zip(rows, shown(made(rows)), strict=True)]
    source = pa.Table.from_pylist(looks)
    pa.csv.write_csv(source, tmp_path / "t.csv")

    said = json.loads(
        subprocess.check_output(
            [PYTHON, "-W", "ignore", "-c", _PYCANON, tmp_path / "t.csv"], cwd=tmp_path
        )
    )

    texts = tuple(column(name, Kind.STRING, Role.ATTRIBUTE) for name in QUASI)
    found = evidence_of(source, (*texts, *COLUMNS[3:]), unit="unit", known=KNOWN)
    illness, cost = found.sensitive
    assert said["k"] == found.k
    assert said["l"] == [illness.distinct, cost.distinct]
    # It cuts exp(entropy) to a whole number, and so may see 1.99… where there is 2.
    for whole, own in zip(said["entropy"], (illness.entropy, cost.entropy), strict=True):
        assert whole in (int(own), int(float(own) - 1e-6))
    assert said["alpha"] == pytest.approx([float(illness.top_share), float(cost.top_share)])
    assert said["t"] == pytest.approx([float(illness.closeness), float(cost.closeness)], abs=1e-8)


_PYCANON = """
import json, sys, pandas
from pycanon import anonymity
table, quasi = pandas.read_csv(sys.argv[1], dtype={"age": str}), ["age", "sex", "town"]
ways = {"l": anonymity.l_diversity, "entropy": anonymity.entropy_l_diversity, "t": anonymity.t_closeness}
told = {name: [float(way(table, quasi, [one])) for one in ("illness", "cost")] for name, way in ways.items()}
told["alpha"] = [float(anonymity.alpha_k_anonymity(table, quasi, [one])[0]) for one in ("illness", "cost")]
print(json.dumps({**told, "k": int(anonymity.k_anonymity(table, quasi))}))
"""
