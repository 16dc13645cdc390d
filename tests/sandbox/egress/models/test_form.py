"""A model is of the closed form or refused; its numbers are rounded once, and its parts counted."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.malformed import UnreadableError
from sandbox.egress.models.form import model_of
from sandbox.egress.models.rounding import centred, short
from sandbox.egress.models.rows import Rows, told
from sandbox.egress.models.support import bits, fewest_units
from sandbox.egress.models.words import Model
from tests.sandbox.egress.examples import quickly

NUMBER = {"kind": "number", "column": "a", "centre": 10.0, "spread": 2.0}
WORDS = {"kind": "category", "column": "c", "categories": ["x", "y"]}
BINS = {"kind": "binned", "column": "b", "cuts": [1.0, 2.0]}
LINE = {"kind": "logistic", "weights": [0.5, 1.0, -1.0, 0.25, 0.5, 0.75], "intercept": -0.125}
WHOLE: dict[str, Any] = {
    "form": "shuyu-fitted-1",
    "target": {"column": "t", "positive": ["yes"]},
    "inputs": [NUMBER, WORDS, BINS],
    "fitted": LINE,
}
SPLIT = {"input": 0, "below": 10.0, "yes": {"leaf": 0.5}, "no": {"leaf": 0.25}}
ROWS = Rows(
    (np.array([8.0, 12.0, np.nan]), np.array([0.0, 1.0, -1.0]), np.array([0.5, 2.0, np.nan])),
    np.array([0.0, 1.0, 1.0]),
    np.array([0, 1, 1]),
)


def parsed(**more: object) -> Model:
    return model_of(json.loads(json.dumps(WHOLE | more)), digits=3)


def test_a_model_tells_what_its_form_says() -> None:
    assert told(parsed(), ROWS).tolist() == [
        -0.5 + 1.0 + 0.25 - 0.125,
        0.5 - 1.0 + 0.75 - 0.125,
        -0.125,
    ]
    trees = {"kind": "trees", "trees": [SPLIT, {"leaf": 1.0}], "combine": "sum", "start": -1.0}
    assert told(parsed(fitted=trees), ROWS).tolist() == [0.5, 0.25, 0.25]


def test_the_fewest_units_are_those_of_the_thinnest_part() -> None:
    assert fewest_units(parsed(), ROWS) == 0
    whole = parsed(inputs=[NUMBER], fitted={**LINE, "weights": [0.5]})
    assert fewest_units(whole, replace(ROWS, inputs=ROWS.inputs[:1])) == 1
    assert bits(whole) == 16 * 4


def test_numbers_are_rounded_once() -> None:
    model = parsed(
        inputs=[{**NUMBER, "centre": 79222.1734, "spread": 64000.3}, WORDS, BINS],
        fitted={**LINE, "weights": [0.123456789] * 6},
    )

    assert model_of(json.loads(model.form_json()), digits=3) == model
    assert "79222" not in model.form_json()
    assert "0.12345" not in model.form_json()


@given(value=st.floats(-1e30, 1e30), spread=st.floats(1e-3, 1e6))
@quickly
def test_rounding_is_near_and_idempotent(value: float, spread: float) -> None:
    assert short(short(value)) == short(value)
    assert short(value) == pytest.approx(value, rel=2**-7, abs=1e-29)
    assert centred(centred(value, spread), spread) == centred(value, spread)


BAD: dict[str, dict[str, Any]] = {
    "another form": {"form": "shuyu-fitted-2"},
    "a neighbour's machine": {"fitted": {"kind": "knn", "rows": [[1.0]]}},
    "support vectors": {"fitted": {**LINE, "support_vectors": [[1.0]]}},
    "too few weights": {"fitted": {**LINE, "weights": [1.0]}},
    "words for numbers": {"fitted": {**LINE, "weights": ["1.0"] * 6}},
    "an infinite weight": {"fitted": {**LINE, "weights": [1e999] + [0.0] * 5}},
    "a huge weight": {"fitted": {**LINE, "weights": [1e40] + [0.0] * 5}},
    "no spread": {"inputs": [{**NUMBER, "spread": 0.0}, WORDS, BINS]},
    "cuts in disorder": {"inputs": [NUMBER, WORDS, {**BINS, "cuts": [2.0, 1.0]}]},
    "a column twice": {"inputs": [NUMBER, NUMBER, WORDS]},
    "a target that is an input": {"target": {"column": "a", "positive": ["yes"]}},
    "a yes of a linear model": {"fitted": {**LINE, "kind": "linear"}},
    "an amount of a logistic one": {"target": {"column": "t"}},
    "a scorecard of plain numbers": {"fitted": {**LINE, "kind": "scorecard"}},
    "a split of no input": {"fitted": {"kind": "trees", "trees": [{**SPLIT, "input": 9}]}},
    "a split of bins": {"fitted": {"kind": "trees", "trees": [{**SPLIT, "input": 2}]}},
    "a split of words by number": {"fitted": {"kind": "trees", "trees": [{**SPLIT, "input": 1}]}},
    "a split both ways": {"fitted": {"kind": "trees", "trees": [{**SPLIT, "among": ["x"]}]}},
    "layers that do not fit": {
        "fitted": {
            "kind": "network",
            "steps": 1,
            "layers": [
                {"weights": [[1.0]], "bias": [0.0]},
                {"weights": [[1.0]], "bias": [0.0]},
            ],
        }
    },
    "code": {"predict": "lambda row: row"},
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_of_the_form_is_refused(bad: str) -> None:
    with pytest.raises(UnreadableError):
        parsed(**BAD[bad])


def test_a_tree_that_is_too_deep_is_refused() -> None:
    tree: dict[str, Any] = {"leaf": 1.0}
    for _ in range(13):
        tree = {**SPLIT, "yes": tree}

    with pytest.raises(UnreadableError):
        parsed(fitted={"kind": "trees", "trees": [tree]})


PARTS = st.sampled_from([*WHOLE.values(), NUMBER, WORDS, BINS, LINE, SPLIT, 0, 1.5, "x", None, []])


@given(
    changed=st.dictionaries(st.sampled_from([*WHOLE, "asset", "card"]), PARTS, max_size=3),
    cut=st.integers(0, 400),
)
@quickly
def test_whatever_comes_is_a_model_or_refused(changed: dict[str, Any], cut: int) -> None:
    text = json.dumps(WHOLE | changed)
    for each in (text, text[:cut]):
        with suppress(UnreadableError, ValueError):
            assert isinstance(model_of(json.loads(each), digits=3), Model)
