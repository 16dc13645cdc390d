"""A synthetic sample: priced before data, near to the data's shape, and near to none of its rows."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import Generalise, ViewTerms
from sandbox.privacy.accounting import rho_of_pure
from sandbox.privacy.plan import Unanswerable
from sandbox.reason import Said
from sandbox.synthetic.draw import sample
from sandbox.synthetic.plan import SamplePlan, SampleTerms, from_declaration, planned

CANARY = "CANARY-7f3a55e0"
TITLE = Said(zh="列", en="column")
PEOPLE = 20_000
STATES = ("north", "east", "south", "west")
GRADES = ("A", "B", "C")


def column(name: str, kind: Kind, role: Role, **facts: object) -> Column:
    return Column(name=name, kind=kind, role=role, grade=Grade.L2, title=TITLE, **facts)  # type: ignore[arg-type]


ASSET = Asset(
    id=AssetId("BP-LOANS"),
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
        column("state", Kind.STRING, Role.DIMENSION, domain=STATES),
        column("grade", Kind.STRING, Role.DIMENSION, domain=GRADES),
        column("amount", Kind.FLOAT, Role.MEASURE, lower="0", upper="1600"),
        column("note", Kind.STRING, Role.ATTRIBUTE),
    ),
    snapshot=Digest("sha256:" + "0" * 64),
    rows=PEOPLE,
)
VIEW = ViewTerms(
    asset=ASSET.id,
    snapshot=ASSET.snapshot,
    columns=("person", "state", "grade", "amount", "note"),
    pseudonyms=("person",),
)


@pytest.fixture(scope="module")
def book() -> pa.Table:
    """Amounts follow the grade; the state follows nothing."""
    rng = np.random.default_rng(11)
    grade = rng.choice(3, size=PEOPLE, p=(0.6, 0.3, 0.1))
    amount = np.clip(rng.normal(300 + 450 * grade, 90), 0, 1600).round(2)
    return pa.table(
        {
            "person": [f"{CANARY}-{i:05d}" for i in range(PEOPLE)],
            "state": np.array(STATES)[rng.integers(0, 4, PEOPLE)],
            "grade": np.array(GRADES)[grade],
            "amount": amount,
            "note": [f"{CANARY} note {i}" for i in range(PEOPLE)],
            "_unit": np.arange(PEOPLE),
            "_unit_rows": np.ones(PEOPLE, np.int64),
        }
    )


@pytest.fixture(scope="module")
def gate(book: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gate") / "BP-LOANS.parquet"
    pq.write_table(book, path)
    return path


def made(**change: object) -> SamplePlan:
    terms = {"asset": ASSET.id, "rows": 4000, "epsilon": Fraction(1), **change}
    answer = planned(SampleTerms(**terms), ASSET, VIEW)  # type: ignore[arg-type]
    assert isinstance(answer, SamplePlan), answer
    return answer


@pytest.fixture(scope="module")
def rows(gate: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sample(made(), gate).decode())))


@pytest.mark.parametrize("epsilon", [Fraction(1), Fraction(1, 3), Fraction(8)])
def test_a_sample_costs_as_much_as_a_query_of_its_epsilon_and_no_more(epsilon: Fraction) -> None:
    price = made(epsilon=epsilon).rho

    assert 0.999 * rho_of_pure(epsilon) <= price <= rho_of_pure(epsilon)


def test_a_sample_of_a_tiny_epsilon_is_refused_as_its_queries_are() -> None:
    terms = SampleTerms(asset=ASSET.id, rows=10, epsilon=Fraction(1, 1000))

    assert isinstance(planned(terms, ASSET, VIEW), Unanswerable)


def test_the_sample_keeps_how_columns_are_distributed(
    rows: list[dict[str, str]], book: pa.Table
) -> None:
    real = Counter(book["grade"].to_pylist())
    ours = Counter(row["grade"] for row in rows)

    for grade in GRADES:
        assert ours[grade] / len(rows) == pytest.approx(real[grade] / PEOPLE, abs=0.04)


def test_the_sample_keeps_the_most_related_pair(rows: list[dict[str, str]]) -> None:
    means = {
        grade: np.mean([float(row["amount"]) for row in rows if row["grade"] == grade])
        for grade in GRADES
    }

    assert means["A"] == pytest.approx(300, abs=60)
    assert means["B"] == pytest.approx(750, abs=60)
    assert means["C"] == pytest.approx(1200, abs=90)


def test_the_sample_has_the_views_columns_and_nobodys_values(
    rows: list[dict[str, str]], gate: Path
) -> None:
    content = sample(made(rows=50), gate)

    assert tuple(rows[0]) == VIEW.columns
    assert len(rows) == 4000
    assert CANARY.encode() not in content
    assert len({row["person"] for row in rows}) == 4000


def near(rows: list[dict[str, str]], people: pa.Table) -> float:
    """Return the share of rows that agree with somebody in all but the amount, and within 1 in that."""
    states, grades = np.array(people["state"]), np.array(people["grade"])
    amounts = np.array(people["amount"])
    by_group = {
        (state, grade): np.sort(amounts[(states == state) & (grades == grade)])
        for state in STATES
        for grade in GRADES
    }
    hits = 0
    for row in rows:
        there, value = by_group[row["state"], row["grade"]], float(row["amount"])
        low, high = np.searchsorted(there, [value - 1, value + 1])
        hits += bool(high > low)
    return hits / len(rows)


def test_no_more_rows_are_near_to_real_people_than_to_others_of_the_same_kind(
    book: pa.Table, tmp_path: Path
) -> None:
    inside, outside = book.slice(0, 2000), book.slice(2000, 2000)
    pq.write_table(inside, tmp_path / "gate.parquet")

    content = sample(made(rows=3000), tmp_path / "gate.parquet")

    rows = list(csv.DictReader(io.StringIO(content.decode())))
    copied = inside.slice(0, 1000).select(["state", "grade", "amount"]).to_pylist()
    assert near(rows, inside) == pytest.approx(near(rows, outside), abs=0.04)
    assert near(copied, inside) == 1.0  # the measure sees copies where there are some
    assert near(copied, outside) < 0.9


def test_rows_from_the_declaration_are_the_same_for_the_same_seed_and_need_no_data() -> None:
    first, again, other = (from_declaration(ASSET, VIEW, rows=30, seed=s) for s in (1, 1, 2))

    assert first.equals(again)
    assert not first.equals(other)
    assert first.column_names == list(VIEW.columns)


def test_rows_for_a_dry_run_over_a_generalised_view_have_labels_of_its_form() -> None:
    aim = Generalise(quasi=("state", "amount"), sensitive=("grade",), k=5)
    view = replace(VIEW, columns=("state", "amount", "grade"), pseudonyms=(), generalise=aim)

    made = from_declaration(ASSET, view, rows=50, seed=3).to_pylist()

    ends = [json.loads(row["amount"]) for row in made]
    assert {row["state"] for row in made} <= set(STATES)
    assert {row["grade"] for row in made} <= set(GRADES)
    assert all(low == high and 0 <= low <= 1600 for low, high in ends)
