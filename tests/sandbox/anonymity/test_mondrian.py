import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.anonymity.classes import Groups, units_in
from sandbox.anonymity.diversity import diversity
from sandbox.anonymity.items import items_of
from sandbox.anonymity.judge import Known
from sandbox.anonymity.mondrian import FAST_FROM, classes_of, cutter_for, meets
from sandbox.anonymity.mondrian_compiled import compiled_classes_of
from sandbox.order import Generalise
from tests.sandbox.anonymity.register import KNOWN, QUASI, SENSITIVE, coded_of, people, some_rows

LONG = os.environ.get("SHUYU_EGRESS") == "long"
PLAIN = Known(quasi=QUASI)
AIM = Generalise(quasi=QUASI, k=3)


def some_aims() -> st.SearchStrategy[Generalise]:
    return st.builds(
        Generalise,
        quasi=st.just(QUASI),
        sensitive=st.just(SENSITIVE),
        k=st.integers(2, 5),
        l=st.integers(1, 3),
        t=st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 5)]),
        relaxed=st.booleans(),
    )


def known_to(aim: Generalise) -> Known:
    return KNOWN if aim.l > 1 or aim.t < 1 else PLAIN


@settings(deadline=None)
@given(rows=some_rows(most=120), aim=some_aims())
def test_the_compiled_form_gives_the_same_classes(
    rows: list[dict[str, Any]], aim: Generalise
) -> None:
    items, _ = items_of(coded_of(rows, known_to(aim)))

    assert np.array_equal(classes_of(items, aim), compiled_classes_of(items, aim))


@settings(deadline=None)
@given(rows=some_rows(most=120), aim=some_aims())
def test_every_class_keeps_what_is_asked_where_all_rows_together_do(
    rows: list[dict[str, Any]], aim: Generalise
) -> None:
    coded = coded_of(rows, known_to(aim))
    items, tuples = items_of(coded)
    whole = meets(items, aim, np.arange(items.count))

    of = classes_of(items, aim)[tuples.of]

    classes = Groups(of=of, count=int(of.max()) + 1)
    sizes = units_in(classes, coded.units)
    spreads = [diversity(column, classes, coded.units, sizes) for column in coded.sensitive]
    assert set(of.tolist()) == set(range(classes.count))
    if not whole:
        assert classes.count == 1
        return
    assert sizes.min() >= aim.k
    assert all(each.distinct >= aim.l for each in spreads)
    assert all(each.closeness <= aim.t + Fraction(2, 10**9) for each in spreads)


@settings(deadline=None)
@given(rows=some_rows(most=80), aim=some_aims())
def test_no_class_of_a_strict_partition_could_be_cut_by_a_further_round(
    rows: list[dict[str, Any]], aim: Generalise
) -> None:
    aim = replace(aim, l=1, t=Fraction(1), relaxed=False)
    own = [{**row, "unit": str(number)} for number, row in enumerate(rows)]
    coded = coded_of(own, PLAIN)
    items, tuples = items_of(coded)
    of = classes_of(items, aim)[tuples.of]

    for number in range(int(of.max()) + 1):
        members = [row for row, each in zip(own, of, strict=True) if each == number]
        again, _ = items_of(coded_of(members, PLAIN))
        assert not classes_of(again, aim).any()


@settings(deadline=None)
@given(rows=some_rows(), seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(rows: list[dict[str, Any]], seed: Any) -> None:  # noqa: ANN401 - hypothesis' own
    places = list(range(len(rows)))
    seed.shuffle(places)

    first, second = of_rows(rows), of_rows([rows[place] for place in places])

    assert [first[place] for place in places] == second


@settings(deadline=None)
@given(rows=some_rows(), other=st.sampled_from(["flu", "ulcer"]))
def test_a_column_that_is_not_declared_has_no_say(rows: list[dict[str, Any]], other: str) -> None:
    changed = [{**row, "illness": other, "cost": 1.0} for row in rows]

    assert of_rows(rows) == of_rows(changed)


def test_rows_that_agree_are_never_parted_and_a_relaxed_partition_may_part_equal_values() -> None:
    rows = [{**row, "age": 20 + number % 2, "sex": "F"} for number, row in enumerate(people(40))]

    strict, relaxed = (of_rows(rows, replace(AIM, relaxed=each)) for each in (False, True))

    for found in (strict, relaxed):
        looks = {
            (tuple(row[name] for name in QUASI), each)
            for row, each in zip(rows, found, strict=True)
        }
        assert len({look for look, _ in looks}) == len(looks)
    assert len(set(relaxed)) >= len(set(strict))


def test_classes_are_small_because_cuts_leave_room_for_whole_ones() -> None:
    rows = [{**row, "age": age, "sex": "F", "town": "north"} for age, row in enumerate(people(39))]

    sizes = np.bincount(of_rows(rows, replace(AIM, k=5)))

    # Halves alone end in parts of 9 and 10, which nothing can cut.
    assert sorted(sizes.tolist()) == [5, 5, 5, 6, 6, 6, 6]


def test_a_person_with_many_rows_counts_once_in_a_class() -> None:
    many = [{**people(1)[0], "age": 20 + year} for year in range(30)]
    rows = [*many, *people(8)]

    items, tuples = items_of(coded_of(rows, PLAIN))
    found = classes_of(items, AIM)[tuples.of]

    crowds = [
        len({row["unit"] for row, each in zip(rows, found, strict=True) if each == number})
        for number in set(found.tolist())
    ]
    assert min(crowds) >= AIM.k


def test_the_compiled_form_is_taken_where_compiling_pays() -> None:
    few, _ = items_of(coded_of(people(20), PLAIN))
    weights = np.ones(FAST_FROM, np.int64)

    assert cutter_for(few) is classes_of
    assert cutter_for(replace(few, weights=weights)) is compiled_classes_of


@pytest.mark.skipif(not LONG, reason="takes a minute: SHUYU_EGRESS=long")
@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("rows_each", [1, 3])
def test_both_forms_agree_on_a_hundred_thousand_rows(relaxed: bool, rows_each: int) -> None:  # noqa: FBT001 - a parameter
    rows = [
        {**row, "age": number % 9973}
        for number, row in enumerate(people(33_000, rows_each=rows_each))
    ]
    aim = replace(AIM, k=5, relaxed=relaxed, l=2, t=Fraction(4, 5), sensitive=SENSITIVE)

    items, _ = items_of(coded_of(rows))

    assert np.array_equal(classes_of(items, aim), compiled_classes_of(items, aim))


def of_rows(rows: Sequence[dict[str, Any]], aim: Generalise = AIM) -> list[int]:
    items, tuples = items_of(coded_of(rows, PLAIN))
    found: list[int] = classes_of(items, aim)[tuples.of].tolist()
    return found
