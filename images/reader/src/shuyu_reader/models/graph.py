"""Reads an ONNX file: the document stands in its metadata, the learnt numbers in a graph of one of few shapes.

Nothing is run, checked or inferred by ONNX's own code: the message is parsed, and what is not one of the shapes that skl2onnx and torch
write for our forms is refused. The shapes are those of skl2onnx 1.20 and of torch's `Linear` layers with `ReLU` or `Tanh` between.
"""

from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto

from shuyu_reader.models.dense import dense
from shuyu_reader.models.document import (
    KEY,
    MOST_BYTES,
    Flaw,
    Part,
    UnfitError,
    demand,
    parsed,
)
from shuyu_reader.models.shapes import linear, trees
from shuyu_reader.models.walk import Walk

MOST_NODES = 40
MOST_ARRAYS = 16
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_PLAIN = frozenset(
    {
        AttributeProto.FLOAT,
        AttributeProto.INT,
        AttributeProto.STRING,
        AttributeProto.FLOATS,
        AttributeProto.INTS,
        AttributeProto.STRINGS,
    }
)
_SHAPES = {
    "LinearClassifier": linear,
    "LinearRegressor": linear,
    "TreeEnsembleClassifier": trees,
    "TreeEnsembleRegressor": trees,
}


def model(file: Path) -> Part:
    """Return the model; raise `UnfitError`."""
    demand(file.stat().st_size <= MOST_BYTES, Flaw.SIZE)
    try:
        found = ModelProto.FromString(file.read_bytes())
    except DecodeError:
        raise UnfitError(Flaw.CONTAINER) from None
    _is_plain(found)
    demand([one.key for one in found.metadata_props] == [KEY], Flaw.DOCUMENT)
    document = parsed(found.metadata_props[0].value)
    walk = _begun(found.graph)
    operator = walk.nodes[0].op_type if walk.nodes else ""
    return _SHAPES.get(operator, dense)(walk, document)


def _is_plain(found: ModelProto) -> None:
    """Demand one graph without functions, subgraphs, training, sparse or quantised arrays, and operators of ONNX's own."""
    graph = found.graph
    beside = (found.functions, found.training_info, graph.sparse_initializer, graph.quantization_annotation)  # fmt: skip
    demand(not any(map(len, beside)), Flaw.CONTAINER)
    demand(len(graph.node) <= MOST_NODES and len(graph.initializer) <= MOST_ARRAYS, Flaw.SIZE)
    demand(all(one.domain in _DOMAINS for one in found.opset_import), Flaw.OPERATORS)
    demand(all(map(_is_simple, graph.node)), Flaw.OPERATORS)


def _is_simple(node: NodeProto) -> bool:
    plain = all(one.type in _PLAIN and not one.ref_attr_name for one in node.attribute)
    return plain and node.domain in _DOMAINS and not node.overload


def _begun(graph: GraphProto) -> Walk:
    arrays = {one.name: one for one in graph.initializer}
    demand(len(arrays) == len(graph.initializer), Flaw.ARRAYS)
    inputs = [one.name for one in graph.input if one.name not in arrays]
    demand(len(inputs) == 1, Flaw.CONTAINER)
    outputs = tuple(one.name for one in graph.output)
    return Walk(list(graph.node), arrays, frozenset({inputs[0]}), outputs)
