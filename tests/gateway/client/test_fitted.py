"""Whoever gets a released model scores rows as the gate did, with numpy alone."""

import json
from typing import Any

import numpy as np
import pytest

from gateway.client.fitted import load
from gateway.client.model import ModelError
from sandbox.egress.models.form import model_of
from sandbox.egress.models.rows import Rows, told

INPUTS = [
    {"kind": "number", "column": "a", "centre": 10.0, "spread": 2.0},
    {"kind": "category", "column": "c", "categories": ["x", "y"]},
    {"kind": "binned", "column": "b", "cuts": [1.0, 2.0]},
]
COLUMNS: dict[str, list[Any]] = {
    "a": [8.0, 12.0, None],
    "c": ["x", "y", "z"],
    "b": [0.5, 2.0, None],
}
ROWS = Rows(
    (np.array([8.0, 12.0, np.nan]), np.array([0.0, 1.0, -1.0]), np.array([0.5, 2.0, np.nan])),
    np.zeros(3),
    np.arange(3),
)
SPLIT = {"input": 0, "below": 10.0, "yes": {"leaf": 0.5}, "no": {"leaf": 0.25}}
AMONG = {"input": 1, "among": ["y"], "yes": {"leaf": 0.75}, "no": SPLIT}
FITTED: dict[str, dict[str, Any]] = {
    "logistic": {
        "kind": "logistic",
        "weights": [0.5, 1.0, -1.0, 0.25, 0.5, 0.75],
        "intercept": -0.5,
    },
    "forest": {"kind": "trees", "trees": [SPLIT, AMONG]},
    "boosting": {"kind": "trees", "trees": [SPLIT, AMONG], "combine": "sum", "start": -1.0},
    "network": {
        "kind": "network",
        "steps": 9,
        "between": "tanh",
        "layers": [
            {"weights": [[0.5, 0.25, 0.0, 1.0, -1.0, 0.5]] * 2, "bias": [0.125, 0.0]},
            {"weights": [[1.0, -0.5]], "bias": [0.25]},
        ],
    },
}


@pytest.mark.parametrize("kind", FITTED)
def test_the_client_tells_what_the_gate_tells(kind: str) -> None:
    whole = {
        "form": "shuyu-fitted-1",
        "target": {"column": "t", "positive": ["yes"]},
        "inputs": INPUTS,
        "fitted": FITTED[kind],
    }
    model = model_of(json.loads(json.dumps(whole)), digits=3)

    released = load(model.form_json().encode())

    assert released.told(COLUMNS) == pytest.approx(told(model, ROWS))
    assert np.all((released.scores(COLUMNS) > 0) & (released.scores(COLUMNS) < 1))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"form":"shuyu-fitted-9"}', b"{}"])
def test_other_files_are_no_models(content: bytes) -> None:
    with pytest.raises(ModelError):
        load(content)
