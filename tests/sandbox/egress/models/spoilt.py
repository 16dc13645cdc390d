"""Models that tests spoil, and what the reader's own program says of them."""

from typing import Any

import numpy as np
import onnx
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor

from sandbox.egress.models.words import Number, Target
from sandbox.egress.reading import MODEL_FLAWS, Form
from tests.sandbox.egress.examples import read_as
from tests.sandbox.egress.models.containers import document, graph
from tests.sandbox.egress.models.fitting import NUMBERS, RISKY

SECRET = np.array([[71_234.5, 18.25, 12_000.0, 31_555.0], [55_020.0, 7.5, 8_000.0, 9_321.0]])
"""Rows that a file would carry out."""
DICE = np.random.default_rng(5)
X = DICE.normal(size=(200, 4)).astype(np.float32)
YES = X[:, 0] + DICE.normal(size=200) > 0
AMOUNT = Target(column="interest_rate")
INPUTS = tuple(Number(kind="number", column=name) for name in NUMBERS)
TEXT = {
    kind: document(kind, INPUTS, AMOUNT if kind != "logistic" else RISKY, **facts)
    for kind, facts in {"logistic": {}, "trees": {}, "network": {"steps": 9}}.items()
}
BASES = {
    "logistic": LogisticRegression().fit(X, YES),
    "trees": RandomForestRegressor(2, max_depth=3, random_state=1).fit(X, X[:, 0]),
    "network": MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=900).fit(X, X[:, 0]),
}  # fmt: skip
TENSORS_TEXT = document("network", INPUTS, AMOUNT, steps=9, hidden=[3])
ARRAYS = {
    "layers.0.weight": np.ones((3, 4), "f4"),
    "layers.0.bias": np.zeros(3, "f4"),
    "layers.1.weight": np.ones((1, 3), "f4"),
    "layers.1.bias": np.zeros(1, "f4"),
}


def base(kind: str) -> onnx.ModelProto:
    options = {"zipmap": False} if kind == "logistic" else {}
    return onnx.load_from_string(graph(TEXT[kind], BASES[kind], X, **options))


def said_of(content: bytes) -> dict[str, Any]:
    body: dict[str, Any] = read_as(Form.MODEL, content).get("body", {"refused": "unreadable"})
    return body


def flaw_of(content: bytes) -> str:
    body = said_of(content)
    assert set(body) == {"refused"}
    assert body["refused"] in MODEL_FLAWS
    return str(body["refused"])
