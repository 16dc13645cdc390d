"""What an intruder with a register of his own makes of a view: on raw rows it works, on generalised ones it does not."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sandbox.anonymity.generalise import generalised
from sandbox.order import Generalise
from tests.sandbox.anonymity.register import COLUMNS, QUASI, people, table

K = 5
ROWS = people(600)


def released(rows: list[dict[str, Any]], aim: Generalise | None) -> list[dict[str, Any]]:
    """Return what a job sees: without the person, and coarsened where it is asked for."""
    looks: list[dict[str, Any]] = table(rows).select(QUASI).to_pylist()
    if aim is not None:
        found = generalised(table(rows), COLUMNS, unit="unit", aim=aim)
        looks = found.labels.take(pa.array(found.classes)).to_pylist()
    return [{**look, "illness": row["illness"]} for look, row in zip(looks, rows, strict=True)]


def candidates(view: list[dict[str, Any]], target: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that a person whose age, sex and town are known may be in."""
    return [row for row in view if all(admits(row[name], target[name]) for name in QUASI)]


def admits(look: Any, value: Any) -> bool:  # noqa: ANN401 - any value
    if not isinstance(look, str) or not look.startswith("["):
        return bool(look == value)
    ends = json.loads(look)
    if value is None or isinstance(value, str):
        return value in ends
    return bool(ends[0] <= value <= ends[1])


def linked(view: list[dict[str, Any]]) -> int:
    """Return how many people an intruder finds who knows the age, sex and town of all of them."""
    return sum(len(candidates(view, person)) == 1 for person in ROWS)


def learned(view: list[dict[str, Any]]) -> int:
    """Return of how many people he learns the illness for certain."""
    return sum(len({row["illness"] for row in candidates(view, person)}) == 1 for person in ROWS)


@pytest.mark.req("G-04")
def test_a_register_finds_people_in_raw_rows_and_nobody_in_generalised_ones() -> None:
    raw, coarse = released(ROWS, None), released(ROWS, Generalise(quasi=QUASI, k=K))

    assert linked(raw) > 200
    assert linked(coarse) == 0
    assert min(len(candidates(coarse, person)) for person in ROWS) >= K


def test_a_class_of_one_illness_tells_it_whatever_k_is_and_l_forbids_such_classes() -> None:
    only_k = released(ROWS, Generalise(quasi=QUASI, k=K))
    with_l = released(ROWS, Generalise(quasi=QUASI, sensitive=("illness",), k=K, l=2))

    assert learned(only_k) > 10
    assert learned(with_l) == 0


def test_l_leaves_a_lopsided_class_and_t_bounds_what_it_adds_to_the_common_knowledge() -> None:
    aims = (
        Generalise(quasi=QUASI, sensitive=("illness",), k=K, l=2),
        Generalise(quasi=QUASI, sensitive=("illness",), k=K, l=2, t=Fraction(1, 5)),
    )

    gains = [_gain(generalised(table(ROWS), COLUMNS, unit="unit", aim=aim).classes) for aim in aims]

    assert gains[0] > 0.5
    assert gains[1] <= 0.2


def _gain(classes: np.ndarray[Any, Any]) -> float:
    """Return how much surer of an illness a class makes an intruder than the whole table does."""
    ill = np.array([row["illness"] for row in ROWS])
    return max(
        float((ill[classes == each] == name).mean() - (ill == name).mean())
        for each in np.unique(classes)
        for name in np.unique(ill)
    )
