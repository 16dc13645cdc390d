"""ONNX files that carry more than a model, or something else: each is refused where it is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tests.sandbox.egress.examples import CANARY
from tests.sandbox.egress.models.containers import told_by
from tests.sandbox.egress.models.spoilt import BASES, SECRET, TEXT, YES, X, base, flaw_of, said_of

Model = onnx.ModelProto


@pytest.mark.parametrize("kind", BASES)
def test_the_files_that_are_spoilt_below_are_models(kind: str) -> None:
    assert set(said_of(base(kind).SerializeToString())) == {"model"}


def test_without_the_gate_the_file_hands_its_rows_over() -> None:
    model = base("network")
    beside(model)

    opened = onnx.load_from_string(model.SerializeToString())

    assert np.array_equal(numpy_helper.to_array(opened.graph.initializer[-1]), SECRET)


def outside(model: Model) -> None:
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")


def beside(model: Model) -> None:
    model.graph.initializer.append(numpy_helper.from_array(SECRET, "rows"))


def constant(model: Model) -> None:
    rows = numpy_helper.from_array(SECRET, "rows")
    model.graph.node.append(helper.make_node("Constant", [], ["rows"], value=rows))


def plain_constant(model: Model) -> None:
    rows = SECRET.ravel().tolist()
    model.graph.node.append(helper.make_node("Constant", [], ["rows"], value_floats=rows))


def branch(operator: str) -> Callable[[Model], None]:
    def spoil(model: Model) -> None:
        body = helper.make_graph([], "body", [], [])
        model.graph.node.append(helper.make_node(operator, ["X"], ["y"], body=body))

    return spoil


def operator(name: str, domain: str = "") -> Callable[[Model], None]:
    def spoil(model: Model) -> None:
        last = model.graph.node[-1].output[0]
        model.graph.node.append(helper.make_node(name, [last], ["y"], domain=domain))
        model.graph.output[0].name = "y"

    return spoil


def weights(dims: tuple[int, ...], raw: bytes) -> Callable[[Model], None]:
    def spoil(model: Model) -> None:
        tensor = model.graph.initializer[0]
        del tensor.dims[:]
        tensor.dims.extend(dims)
        tensor.raw_data = raw

    return spoil


def attribute(name: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[Model], None]:
    def spoil(model: Model) -> None:
        node = model.graph.node[0]
        [old] = [each for each in node.attribute if each.name == name]
        made = helper.make_attribute(name, change(list(helper.get_attribute_value(old))))
        old.CopyFrom(made)

    return spoil


def alone(name: str) -> Callable[[Model], None]:
    """Give one value where a list stands."""

    def spoil(model: Model) -> None:
        [old] = [each for each in model.graph.node[0].attribute if each.name == name]
        old.CopyFrom(helper.make_attribute(name, 1.0))

    return spoil


def no_weights(model: Model) -> None:
    del model.graph.node[1].input[1]


def no_bias(model: Model) -> None:
    del model.graph.node[2].input[:]
    model.graph.node[2].input.extend([model.graph.node[1].output[0]] * 2)


def no_kind(model: Model) -> None:
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"network"', "[[]]")


def deep_document(model: Model) -> None:
    text = model.metadata_props[0].value
    model.metadata_props[0].value = text.replace('"network"', "[" * 900 + "]" * 900)


def endless_number(model: Model) -> None:
    text = model.metadata_props[0].value
    model.metadata_props[0].value = text.replace('"steps": 9', '"steps": 1e999')


def second_input(model: Model) -> None:
    model.graph.input.append(helper.make_tensor_value_info("Z", TensorProto.FLOAT, [None, 4]))


def hidden_output(model: Model) -> None:
    shown = model.graph.node[1].output[0]
    model.graph.output.append(helper.make_tensor_value_info(shown, TensorProto.FLOAT, None))


def function(model: Model) -> None:
    model.functions.add(name="f", domain="")


def training(model: Model) -> None:
    model.training_info.add()


def sparse(model: Model) -> None:
    model.graph.sparse_initializer.add()


def more_metadata(model: Model) -> None:
    model.metadata_props.add(key="rows", value=CANARY)


def no_metadata(model: Model) -> None:
    del model.metadata_props[:]


def prose(model: Model) -> None:
    model.metadata_props[0].value = CANARY


NAN = np.full(12, np.nan, "<f4").tobytes()
GRAPHS: dict[str, tuple[str, Callable[[Model], None], str]] = {
    "weights in another file": ("network", outside, "arrays"),
    "rows in an initialiser": ("network", beside, "arrays"),
    "rows beside a classifier": ("logistic", beside, "arrays"),
    "rows in a constant": ("network", constant, "operators"),
    "rows in a plain constant": ("logistic", plain_constant, "operators"),
    "an If": ("network", branch("If"), "operators"),
    "a Loop": ("network", branch("Loop"), "operators"),
    "a Scan": ("logistic", branch("Scan"), "operators"),
    "a domain of its own": ("network", operator("Relu", "com.other"), "operators"),
    "another operator": ("network", operator("Softmax"), "operators"),
    "a last layer that is bent": ("network", operator("Relu"), "operators"),
    "a huge shape of few bytes": ("network", weights((2**40, 2**40), b"\0" * 4), "size"),
    "a shape that its bytes do not fill": ("network", weights((4, 3), b"\0" * 4), "arrays"),
    "negative sizes": ("network", weights((-4, -3), b"\0" * 48), "size"),
    "weights of NaN": ("network", weights((4, 3), NAN), "arrays"),
    "infinite coefficients": ("logistic", attribute("coefficients", lambda old: [float("inf")] * len(old)), "arrays"),
    "coefficients of no line": ("logistic", attribute("coefficients", lambda old: [1.0, *old[1:]]), "outputs"),
    "three classes": ("logistic", attribute("classlabels_ints", lambda _: [0, 1, 2]), "outputs"),
    "one coefficient by itself": ("logistic", alone("coefficients"), "operators"),
    "one node by itself": ("trees", alone("nodes_nodeids"), "operators"),
    "a product with nothing": ("network", no_weights, "operators"),
    "a sum with itself": ("network", no_bias, "operators"),
    "a kind of no name": ("network", no_kind, "document"),
    "a deep document": ("network", deep_document, "document"),
    "an endless number": ("network", endless_number, "document"),
    "a second input": ("network", second_input, "container"),
    "a hidden layer that is told": ("network", hidden_output, "outputs"),
    "a function": ("network", function, "container"),
    "training": ("network", training, "container"),
    "a sparse array": ("network", sparse, "container"),
    "more metadata": ("network", more_metadata, "document"),
    "no metadata": ("network", no_metadata, "document"),
    "prose for metadata": ("network", prose, "document"),
    "a tree in a circle": ("trees", attribute("nodes_truenodeids", lambda old: [0] * len(old)), "trees"),
    "a missing leaf": ("trees", attribute("target_nodeids", lambda old: [99, *old[1:]]), "trees"),
    "a second tree that none reaches": ("trees", attribute("nodes_nodeids", lambda old: [*old[:-1], 99]), "trees"),
    "nodes of two lengths": ("trees", attribute("nodes_values", lambda old: old[1:]), "trees"),
    "a threshold of NaN": ("trees", attribute("nodes_values", lambda old: [float("nan")] * len(old)), "trees"),
    "equality": ("trees", attribute("nodes_modes", lambda old: ["BRANCH_EQ"] * len(old)), "trees"),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_an_onnx_file_that_is_more_than_a_model_is_refused(name: str) -> None:
    kind, spoil, flaw = GRAPHS[name]
    model = base(kind)
    spoil(model)

    assert flaw_of(model.SerializeToString()) == flaw


def chain(model: Model) -> None:
    """One tree of 14 splits, one under the other."""
    splits, leaves = range(14), range(14, 29)
    said = {
        "nodes_treeids": [0] * 29,
        "nodes_nodeids": list(range(29)),
        "nodes_featureids": [0] * 29,
        "nodes_modes": ["BRANCH_LEQ"] * 14 + ["LEAF"] * 15,
        "nodes_values": [float(each) for each in range(29)],
        "nodes_truenodeids": [14 + each for each in splits] + [0] * 15,
        "nodes_falsenodeids": [*range(1, 14), 28] + [0] * 15,
        "target_treeids": [0] * 15,
        "target_nodeids": list(leaves),
        "target_ids": [0] * 15,
        "target_weights": [1.0] * 15,
    }
    del model.graph.node[0].attribute[:]
    model.graph.node[0].attribute.extend(helper.make_attribute(*each) for each in said.items())


def test_a_tree_of_thirteen_questions_is_too_deep() -> None:
    model = base("trees")
    chain(model)

    assert flaw_of(model.SerializeToString()) == "trees"


def test_graphs_in_graphs_are_refused() -> None:
    def field(key: bytes, body: bytes) -> bytes:
        length = len(body)
        return key + bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14]) + body

    graph = b""
    for _ in range(200):
        graph = field(b"\x0a", field(b"\x2a", field(b"\x32", graph)))  # node, attribute, graph

    assert flaw_of(b"\x08\x08" + field(b"\x3a", graph)) == "container"


OTHERS = {
    "support vectors": SVC(),
    "neighbours": KNeighborsClassifier(3),
    "a scaler before the line": make_pipeline(StandardScaler(), LogisticRegression()),
}


@pytest.mark.filterwarnings("ignore:Attribute `prob:FutureWarning")  # skl2onnx asks for it
@pytest.mark.parametrize("name", OTHERS)
def test_what_keeps_rows_is_none_of_the_shapes(name: str) -> None:
    made = to_onnx(OTHERS[name].fit(X, YES), X[:1], options={"zipmap": False})
    content = told_by(made, TEXT["logistic"]).SerializeToString()

    assert flaw_of(content) == "operators"
