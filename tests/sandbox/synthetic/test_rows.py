"""Rows that are made up keep to the declaration, and to the counts that they were drawn from."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.asset import Column, Grade, Kind, Role
from sandbox.reason import Said
from sandbox.synthetic.coding import BINS, coded
from sandbox.synthetic.rows import declared, drawn, fitted, table
from sandbox.synthetic.tree import Noisy, all_pairs, ordered, relatedness, tree

TITLE = Said(zh="列", en="column")


def column(name: str, kind: Kind, role: Role, **facts: object) -> Column:
    return Column(name=name, kind=kind, role=role, grade=Grade.L2, title=TITLE, **facts)  # type: ignore[arg-type]


GRADE = column("grade", Kind.STRING, Role.DIMENSION, domain=("A", "B", "C"))
TERM = column("term", Kind.INT, Role.DIMENSION, domain=("36", "60"))
AMOUNT = column("amount", Kind.FLOAT, Role.MEASURE, lower="0", upper="800")
AGE = column("age", Kind.INT, Role.MEASURE, lower="17.5", upper="99.5")
NOTE = column("note", Kind.STRING, Role.ATTRIBUTE)
PERSON = column("person", Kind.STRING, Role.UNIT)
ALL = (PERSON, GRADE, TERM, AMOUNT, AGE, NOTE)
KINDS = tuple(column(f"c{kind}", kind, Role.ATTRIBUTE) for kind in Kind)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 50))
def test_what_is_made_from_the_declaration_keeps_to_it(seed: int, rows: int) -> None:
    made = table(ALL, frozenset(), {}, rows=rows, rng=np.random.default_rng(seed))

    assert made.num_rows == rows
    assert set(made["grade"].to_pylist()) <= {"A", "B", "C"}
    assert set(made["term"].to_pylist()) <= {36, 60}
    assert 0 <= pc.min(made["amount"]).as_py() <= pc.max(made["amount"]).as_py() <= 800
    assert 18 <= pc.min(made["age"]).as_py() <= pc.max(made["age"]).as_py() <= 99
    assert all(len(each) == 32 for each in made["person"].to_pylist())


@pytest.mark.parametrize("each", KINDS, ids=lambda one: one.kind)
def test_every_kind_of_column_can_be_made_up(each: Column) -> None:
    assert len(declared(each, 7, np.random.default_rng(1))) == 7


def test_a_column_that_is_granted_as_a_pseudonym_is_made_of_pseudonyms() -> None:
    made = table((GRADE,), frozenset({"grade"}), {}, rows=20, rng=np.random.default_rng(1))

    assert not {"A", "B", "C"} & set(made["grade"].to_pylist())


def test_codes_of_a_measure_are_its_bins_and_those_of_a_dimension_its_categories() -> None:
    amount, grade = coded(AMOUNT), coded(GRADE)
    assert amount is not None
    assert grade is not None

    assert (amount.size, grade.size) == (BINS, 3)
    assert (amount.sql, grade.sql) == ('histogram("amount", 16)', '"grade"')


def test_values_of_a_bin_lie_in_it() -> None:
    amount = coded(AMOUNT)
    assert amount is not None

    values = amount.values(np.array([0, 0, BINS - 1]), np.random.default_rng(3)).to_pylist()

    assert all(0 <= value <= 50 for value in values[:2])
    assert 750 <= values[2] <= 800


def exact(counts: list[list[float]] | list[float]) -> Noisy:
    return Noisy(counts=np.array(counts), deviation=1e-9)


def test_the_tree_has_the_most_related_pairs() -> None:
    same, free = exact([[50.0, 0.0], [0.0, 50.0]]), exact([[25.0, 25.0], [25.0, 25.0]])
    pairs = dict.fromkeys(all_pairs(4), free) | {(0, 3): same, (1, 3): same, (1, 2): same}

    edges = tree(4, pairs)

    assert {ordered(edge) for edge in edges} == {(0, 3), (1, 3), (1, 2)}
    assert edges[0][0] == 0


def test_noise_alone_is_no_relation() -> None:
    rng = np.random.default_rng(5)
    noise = Noisy(counts=1000 + rng.normal(0, 30, size=(10, 10)), deviation=30.0)

    assert abs(relatedness(noise)) < 0.05 * noise.counts.sum()


def test_two_measurements_together_are_nearer_than_either() -> None:
    first = Noisy(counts=np.array([10.0]), deviation=3.0)
    second = Noisy(counts=np.array([20.0]), deviation=4.0)

    both = first.joined(second)

    assert both.deviation == pytest.approx(2.4)
    assert both.counts[0] == pytest.approx((10 * 16 + 20 * 9) / 25)


def test_drawn_rows_follow_the_counts_of_columns_and_of_the_trees_pairs() -> None:
    grade, term = coded(GRADE), coded(TERM)
    assert grade is not None
    assert term is not None
    counts = [[70.0, 0.0], [10.0, 10.0], [0.0, 10.0]]
    model = fitted((grade, term), exact([70.0, 20.0, 10.0]), ((0, 1),), {(0, 1): exact(counts)})

    made = pa.table(drawn(model, 20_000, np.random.default_rng(7)))

    pairs = [tuple(row.values()) for row in made.to_pylist()]
    assert set(pairs) <= {("A", 36), ("B", 36), ("B", 60), ("C", 60)}
    assert pairs.count(("A", 36)) / len(pairs) == pytest.approx(0.7, abs=0.02)
    assert pairs.count(("B", 60)) / len(pairs) == pytest.approx(0.1, abs=0.02)


def test_counts_that_noise_has_drowned_still_give_rows() -> None:
    grade, term = coded(GRADE), coded(TERM)
    assert grade is not None
    assert term is not None
    nothing = Noisy(counts=np.full((3, 2), -5.0), deviation=100.0)
    root = Noisy(counts=np.full(3, -1.0), deviation=100.0)

    made = drawn(
        fitted((grade, term), root, ((0, 1),), {(0, 1): nothing}), 50, np.random.default_rng(2)
    )

    assert {len(each) for each in made.values()} == {50}
