"""A model in safetensors or ONNX tells what its estimator tells, and leaves as the same JSON that it would leave as."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sandbox.egress.inspection import Inspection, inspect, reopen
from sandbox.egress.models.rows import Rows, features
from sandbox.egress.models.rows import told as scores
from sandbox.egress.models.words import MODEL, Binned, Input, Linear, Number, Target
from sandbox.egress.reading import Form
from sandbox.egress.verdict import Cleared, Held, Verdict
from sandbox.order import Artifact
from tests.sandbox.egress.examples import CANARY, O1, read_as, rules, told
from tests.sandbox.egress.models.containers import (
    Estimator,
    document,
    graph,
    layered,
    tensors,
    told_by,
    weighted,
)
from tests.sandbox.egress.models.fitting import NUMBERS, RISKY, model_terms, numbers, unfitted

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # networks of few steps
Floats = NDArray[Any]
RATE = Target(column="interest_rate")
BOOSTED: dict[str, object] = {"combine": "sum", "rate": 0.1}
TRAINED: dict[str, object] = {"steps": 500, "rate": 0.001, "l2": 0.0001}


@dataclass(frozen=True)
class Book:
    """Rows of the loan book as an estimator sees them."""

    plain: Floats
    scaled: Floats
    risky: Floats
    rate: Floats
    inputs: tuple[Number, ...]

    @property
    def rows(self) -> Rows:
        cells = tuple(np.asarray(column, float) for column in self.plain.T)
        return Rows(cells, self.risky.astype(float), np.arange(len(self.plain)))


@pytest.fixture(scope="module")
def book(loans: pd.DataFrame) -> Book:
    known = loans.dropna(subset=list(NUMBERS)).iloc[:3000]
    inputs = numbers(known)
    plain = known[list(NUMBERS)].to_numpy(np.float32)
    scaled = (plain - [each.centre for each in inputs]) / [each.spread for each in inputs]
    risky = known["grade"].isin(RISKY.positive).to_numpy()
    return Book(plain, scaled.astype(np.float32), risky, known["interest_rate"].to_numpy(), inputs)


@pytest.fixture
def inspection(inspection_of: Callable[..., Inspection]) -> Inspection:
    return inspection_of(model_terms())


def verdict_on(suffix: str, content: bytes, inspection: Inspection) -> Verdict:
    [only] = inspect([Artifact(O1, suffix, content)], inspection).verdicts
    return only


def plainly(inputs: tuple[Number, ...]) -> tuple[Input, ...]:
    return tuple(replace(each, centre=0.0, spread=1.0) for each in inputs)


WEIGHTED: dict[str, tuple[Estimator, str, dict[str, object]]] = {
    "logistic": (LogisticRegression(), "logistic", {"l2": 1.0}),
    "least squares": (LinearRegression(), "linear", {}),
    "ridge": (Ridge(), "linear", {"l2": 1.0}),
}
NETWORKS: dict[str, tuple[Estimator, str, dict[str, object]]] = {
    "relu": (MLPClassifier((4, 3), max_iter=20, random_state=1), "network", TRAINED),
    "tanh": (
        MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=20, random_state=1),
        "network",
        TRAINED,
    ),
}
TREES: dict[str, tuple[Estimator, str, dict[str, object]]] = {
    "a tree": (DecisionTreeClassifier(max_depth=7, random_state=1), "trees", {}),
    "a forest": (RandomForestClassifier(5, max_depth=5, random_state=1), "trees", {}),
    "boosting": (GradientBoostingClassifier(n_estimators=7, random_state=1), "trees", BOOSTED),
    "a tree of amounts": (DecisionTreeRegressor(max_depth=5, random_state=1), "trees", {}),
    "a forest of amounts": (RandomForestRegressor(5, max_depth=5, random_state=1), "trees", {}),
    "boosted amounts": (GradientBoostingRegressor(n_estimators=7, random_state=1), "trees", BOOSTED),
}  # fmt: skip
ALL = WEIGHTED | NETWORKS | TREES


def fitted(name: str, book: Book) -> tuple[Any, str]:
    """Return an estimator and its document."""
    estimator, kind, facts = ALL[name]
    is_binary = hasattr(estimator, "predict_proba")
    given = book.plain if kind == "trees" else book.scaled
    estimator.fit(given, book.risky if is_binary else book.rate)
    inputs = plainly(book.inputs) if kind == "trees" else book.inputs
    return estimator, document(kind, inputs, RISKY if is_binary else RATE, **facts)


def own_scores(estimator: Estimator, kind: str, book: Book) -> Floats:
    given = book.plain if kind == "trees" else book.scaled
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(given))
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(given))
    margin = 0.0 if kind == "network" else 1e-3
    share = np.clip(estimator.predict_proba(given)[:, 1].astype(float), margin, 1 - margin)
    return np.asarray(np.log(share / (1 - share)))


def assert_same_scores(name: str, content: bytes, book: Book) -> None:
    answer = read_as(Form.MODEL, content)["body"]
    assert set(answer) == {"model"}, answer
    model = MODEL.validate_json(json.dumps(answer["model"]))
    estimator, kind, _ = ALL[name]
    wanted = own_scores(estimator, kind, book)
    assert np.abs(scores(model, book.rows) - wanted).max() < 1e-4 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("width", [np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_an_onnx_file_of_skl2onnx_tells_what_its_estimator_tells(
    name: str, width: type, book: Book
) -> None:
    estimator, text = fitted(name, book)
    for options in ({"zipmap": False}, {}) if hasattr(estimator, "predict_proba") else ({},):
        content = graph(text, estimator, book.plain.astype(width), **options)

        assert_same_scores(name, content, book)


@pytest.mark.parametrize("width", [np.float32, np.float64])
@pytest.mark.parametrize("name", WEIGHTED | NETWORKS)
def test_a_safetensors_file_tells_what_its_estimator_tells(
    name: str, width: type, book: Book
) -> None:
    estimator, text = fitted(name, book)
    arrays = weighted(estimator) if name in WEIGHTED else layered(estimator)
    said = json.loads(text)
    if name in NETWORKS:
        hidden = [len(each) for each in estimator.intercepts_[:-1]]
        said["fitted"] |= {"hidden": hidden, "between": estimator.activation}
    content = tensors(json.dumps(said), {key: each.astype(width) for key, each in arrays.items()})

    assert_same_scores(name, content, book)


def test_a_chain_of_gemm_as_torch_writes_it_tells_what_its_layers_tell(book: Book) -> None:
    estimator, text = fitted("tanh", book)
    arrays = layered(estimator)
    names = [("x", 0, "h"), ("t", 1, "y")]
    nodes = [
        helper.make_node("Gemm", [given, f"{at}.weight", f"{at}.bias"], [out], transB=1)
        for given, at, out in names
    ]
    nodes.insert(1, helper.make_node("Tanh", ["h"], ["t"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    kept = [
        numpy_helper.from_array(arrays[f"layers.{at}.{part}"].astype("f4"), f"{at}.{part}")
        for at in (0, 1)
        for part in ("weight", "bias")
    ]
    made = helper.make_model(helper.make_graph(nodes, "main_graph", ends[:1], ends[1:], kept))

    assert_same_scores("tanh", told_by(made, text).SerializeToString(), book)


@pytest.mark.parametrize("suffix", ["onnx", "safetensors"])
def test_a_scorecard_tells_what_its_estimator_tells(suffix: str, book: Book) -> None:
    quarters = np.quantile(book.plain, [0.25, 0.5, 0.75], axis=0).T
    cuts = [tuple(np.unique(each).astype(float).tolist()) for each in quarters]
    inputs = tuple(
        Binned(kind="binned", column=n, cuts=c) for n, c in zip(NUMBERS, cuts, strict=True)
    )
    empty = unfitted(Linear(kind="scorecard", weights=(), intercept=0.0), inputs)
    bins = features(empty, book.rows).astype(np.float32)
    estimator = LogisticRegression().fit(bins, book.risky)
    text = document("scorecard", inputs, RISKY, l2=1.0)
    content = graph(text, estimator, bins) if suffix == "onnx" else tensors(text, weighted(estimator))  # fmt: skip

    answer = read_as(Form.MODEL, content)["body"]

    model = MODEL.validate_json(json.dumps(answer["model"]))
    assert scores(model, book.rows) == pytest.approx(estimator.decision_function(bins), abs=1e-4)


def test_half_precision_is_read_as_it_is_written(book: Book) -> None:
    text = document("logistic", book.inputs, RISKY)
    upper = np.array([0x3FC0, 0xBE80, 0x0000, 0x4000], "<u2")  # 1.5, -0.25, 0, 2 in bfloat16
    halves = {"weights": upper.view("<f2"), "intercept": np.array([0.5], "<f2")}
    content = tensors(text, halves).replace(b'"weights":{"dtype":"F16"', b'"weights":{"dtype":"BF16"')  # fmt: skip
    content = (len(content) - 10 - 8).to_bytes(8, "little") + content[8:]

    fitted = read_as(Form.MODEL, content)["body"]["model"]["fitted"]

    assert (fitted["weights"], fitted["intercept"]) == ([1.5, -0.25, 0.0, 2.0], 0.5)


@pytest.mark.parametrize("name", ["logistic", "a tree"])
def test_a_model_leaves_as_the_json_that_it_would_leave_as(
    name: str, book: Book, inspection: Inspection
) -> None:
    small = DecisionTreeClassifier(min_samples_leaf=150, random_state=1)
    estimator, text = fitted(name, book)
    if name == "a tree":
        estimator = small.fit(book.plain, book.risky)
    content = graph(text, estimator, book.plain, zipmap=False)
    plain = read_as(Form.MODEL, content)["body"]["model"]

    held = verdict_on("onnx", content, inspection)
    as_json = verdict_on("json", json.dumps(plain).encode(), inspection)

    assert isinstance(held, Held), told(held)
    assert rules(held) == {"egress.model"}
    assert isinstance(as_json, Held)
    assert held.digest == as_json.digest
    cleared = reopen(Artifact(O1, "onnx", content), inspection, signed=held.digest)
    assert isinstance(cleared, Cleared)
    assert (cleared.file, cleared.media_type) == ("O1.json", "application/json")


def test_nothing_of_a_file_but_its_model_leaves(book: Book, inspection: Inspection) -> None:
    estimator, text = fitted("logistic", book)
    made = onnx.load_from_string(graph(text, estimator, book.plain, zipmap=False))
    made.producer_name = made.doc_string = made.graph.name = made.graph.doc_string = CANARY
    made.graph.node[0].doc_string = made.graph.node[0].name = CANARY
    made.graph.node[0].metadata_props.add(key=CANARY, value=CANARY)
    content = made.SerializeToString()
    assert content.count(CANARY.encode()) == 8

    held = verdict_on("onnx", content, inspection)

    assert isinstance(held, Held), told(held)
    assert CANARY not in told(held) + held.preview


def test_a_default_forest_is_read_and_then_stays_in(book: Book, inspection: Inspection) -> None:
    estimator = RandomForestClassifier(20, max_depth=12, random_state=1).fit(book.plain, book.risky)
    text = document("trees", plainly(book.inputs), RISKY)

    stays = verdict_on("onnx", graph(text, estimator, book.plain, zipmap=False), inspection)

    assert {"egress.model_support", "egress.model_capacity"} <= rules(stays)
