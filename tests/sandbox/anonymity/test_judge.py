from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.asset import Role
from sandbox.errors import ViewError
from tests.sandbox.anonymity import naive
from tests.sandbox.anonymity.register import (
    CANARY,
    COLUMNS,
    ILLNESSES,
    KNOWN,
    QUASI,
    people,
    some_rows,
    table,
)

NEAR = 2e-9
LAST_BITS = 1e-12
"""By which the sums of the naive form may be off themselves."""


def judged(rows: list[dict[str, Any]], **beside: Any) -> Evidence:  # noqa: ANN401 - evidence_of's own
    return evidence_of(table(rows), COLUMNS, **{"unit": "unit", "known": KNOWN, **beside})


@settings(deadline=None)
@given(rows=some_rows())
def test_crowds_are_those_that_counting_unit_by_unit_gives(rows: list[dict[str, Any]]) -> None:
    found = judged(rows)

    crowds = [naive.crowd(each) for each in naive.classes(rows, QUASI)]
    alone = {
        row["unit"] for each in naive.classes(rows, QUASI) if naive.crowd(each) == 1 for row in each
    }
    assert (found.rows, found.units, found.classes) == (len(rows), naive.crowd(rows), len(crowds))
    assert (found.k, found.alone) == (min(crowds), len(alone))
    assert found.linked_k == naive.linked_k(rows, QUASI)


@settings(deadline=None)
@given(rows=some_rows())
def test_spreads_are_those_that_counting_unit_by_unit_gives(rows: list[dict[str, Any]]) -> None:
    found = {each.column: each for each in judged(rows).sensitive}

    for name in ("illness", "cost"):
        distinct, entropy, top = naive.diversity(rows, QUASI, name)
        far = naive.closeness(rows, QUASI, name, ordered=name == "cost")
        assert found[name].distinct == distinct
        assert float(found[name].top_share) == pytest.approx(top)
        assert 0 <= entropy - float(found[name].entropy) + LAST_BITS < NEAR
        assert 0 <= float(found[name].closeness) - far + LAST_BITS < NEAR


@settings(deadline=None)
@given(rows=some_rows(), others=some_rows())
def test_risks_are_those_that_counting_unit_by_unit_gives(
    rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    whole = [*rows, *others]

    found = judged(rows, population=table(whole)).risks

    own = naive.unit_crowds(rows, QUASI, among=rows)
    wide = naive.unit_crowds(rows, QUASI, among=whole)
    seen = {tuple(row[name] for name in QUASI) for row in rows}
    met = [each for each in naive.classes(whole, QUASI) if tuple(each[0][n] for n in QUASI) in seen]
    linked = sum(1 / each for each in wide) / len(wide)
    asked = len(met) / sum(naive.crowd(each) for each in met)
    assert found.prosecutor == Fraction(1, min(own))
    assert found.journalist == Fraction(1, min(naive.crowd(each) for each in met))
    apart = float(found.prosecutor_average) - sum(1 / each for each in own) / len(own)
    assert 0 <= apart + LAST_BITS < NEAR
    assert 0 <= float(found.marketer) - linked + LAST_BITS < NEAR
    assert 0 <= float(found.journalist_average) - max(linked, asked) + LAST_BITS < NEAR


def test_rows_of_one_person_make_no_crowd() -> None:
    one = {**people(1)[0], "age": 30, "sex": "F", "town": "north"}

    found = judged([one] * 10)

    assert (found.rows, found.k, found.alone) == (10, 1, 1)


def test_a_person_who_is_known_by_two_rows_is_found_in_the_overlap_of_two_crowds() -> None:
    young, old = (
        [{**row, "age": age, "sex": "F", "town": "north"} for row in people(6)] for age in (20, 70)
    )
    rows = [*young[:4], *old[3:]]

    found = judged(rows)

    assert (found.k, found.linked_k) == (3, 1)


def test_a_class_in_which_all_have_one_illness_gives_it_away_however_large_it_is() -> None:
    rows = [{**row, "age": 30, "sex": "F", "town": "north", "illness": "flu"} for row in people(50)]

    found = judged(rows)

    assert found.k == 50
    assert found.sensitive[0].top_share == 1
    assert found.sensitive[0].distinct == 1
    assert found.sensitive[0].entropy == 1


def test_a_table_without_rows_has_no_k_and_no_risk() -> None:
    found = judged([])

    assert (found.rows, found.k) == (0, 0)
    assert not found.risks.prosecutor


def test_a_file_is_judged_as_the_table_in_it(tmp_path: Path) -> None:
    rows = people(300, rows_each=2)
    pq.write_table(table(rows), tmp_path / "t.parquet", row_group_size=50)

    found = evidence_of(tmp_path / "t.parquet", COLUMNS, unit="unit", known=KNOWN)

    assert found == judged(rows)
    assert CANARY not in str(found)
    assert CANARY in str(pq.read_table(tmp_path / "t.parquet").to_pylist())


def test_units_may_be_numbers_texts_or_a_dictionary_of_texts() -> None:
    rows = table(people(200, rows_each=2))
    numbers = pa.array([i // 2 for i in range(400)])

    found = {
        evidence_of(rows.set_column(0, "unit", units), COLUMNS, unit="unit", known=KNOWN)
        for units in (
            rows.column("unit"),
            rows.column("unit").dictionary_encode(),
            numbers,
            pa.array([10**15 + i // 2 for i in range(400)]),
        )
    }

    assert len(found) == 1


def test_the_order_of_rows_changes_nothing() -> None:
    rows = people(300, rows_each=2)

    assert judged(rows) == judged(rows[::-1])


def test_more_codes_than_a_number_has_room_for_are_still_told_apart() -> None:
    size, width = 3000, 7
    wide = {f"q{i}": [(row * (i + 3)) % size for row in range(size)] for i in range(width)}
    columns = tuple(replace(COLUMNS[0], name=name) for name in wide)
    source = pa.table({**wide, "unit": range(size)})

    found = evidence_of(source, columns, unit="unit", known=Known(quasi=tuple(wide)))

    assert (found.k, found.classes) == (1, size)


def test_what_others_may_know_is_taken_from_the_roles() -> None:
    known = Known.of(COLUMNS)

    assert known == Known(quasi=("age", "sex", "town", "illness"), sensitive=("cost",))


@pytest.mark.parametrize(
    "known",
    [
        Known(quasi=("income",)),
        Known(quasi=("age", "age")),
        Known(quasi=("age",), sensitive=("age",)),
    ],
)
def test_columns_that_are_not_declared_or_named_twice_are_not_judged(known: Known) -> None:
    with pytest.raises(ViewError):
        judged(people(5), known=known)


def test_a_category_that_the_catalogue_does_not_list_is_named_by_its_column_only() -> None:
    rows = [*people(5), {**people(1)[0], "town": f"{CANARY}-town"}]

    with pytest.raises(ViewError, match="town") as caught:
        judged(rows)

    assert CANARY not in str(caught.value)


def test_a_row_about_nobody_is_not_judged() -> None:
    with pytest.raises(ViewError, match="no unit"):
        judged([*people(3), {**people(1)[0], "unit": None}])


def test_outside_data_are_judged_by_the_same_engine_with_names_in_the_clear() -> None:
    columns = (replace(COLUMNS[0], name="unit", role=Role.UNIT), *COLUMNS)

    found = evidence_of(table(people(100)), columns, unit="unit", known=Known.of(columns))

    assert found.quasi == ("age", "sex", "town", "illness")
    assert found.units == 100
    assert set(ILLNESSES) == {row["illness"] for row in people(100)}
