"""Reads a chain of dense layers: MatMul and Add as skl2onnx writes them, or Gemm as torch does, with Relu or Tanh between."""

import numpy as np

from shuyu_reader.models.document import Document, Flaw, Floats, Part, UnfitError, demand
from shuyu_reader.models.walk import Walk, attributes

Layer = tuple[Floats, Floats]
_GEMM = frozenset({"alpha", "beta", "transA", "transB"})
_OPPOSITES = 2


def dense(walk: Walk, document: Document) -> Part:
    """Return the linear model, or the network, that a chain of layers is."""
    walk.take("Cast")
    layers, between = [_layer(walk)], set()
    while node := walk.take("Relu", "Tanh"):
        between.add(node.op_type.lower())
        layers.append(_layer(walk))
    walk.end(is_binary=document.is_binary)
    layers[-1] = _one(layers[-1], is_binary=document.is_binary)
    if not between:
        [(weights, bias)] = layers
        return document.weighted(weights[0], float(bias[0]))
    demand(len(between) == 1, Flaw.OPERATORS)
    return document.network(layers, between=between.pop())


def _layer(walk: Walk) -> Layer:
    if node := walk.take("Gemm"):
        demand(len(node.input) == 3, Flaw.OPERATORS)  # noqa: PLR2004 - value, weights, bias
        said = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | attributes(node, _GEMM)
        demand(said["alpha"] == said["beta"] == 1 and not said["transA"], Flaw.OPERATORS)
        weights, bias = walk.array(node.input[1]), walk.array(node.input[2])
        return _shaped(weights if said["transB"] else weights.T, bias)
    node = walk.take("MatMul")
    if node is None:
        raise UnfitError(Flaw.OPERATORS)
    demand(len(node.input) == 2 and len(node.output) == 1, Flaw.OPERATORS)  # noqa: PLR2004 - value, weights
    weights = walk.array(node.input[1])
    [product] = node.output
    added = walk.take("Add")
    names = [] if added is None else [name for name in added.input if name != product]
    demand(len(names) == 1, Flaw.OPERATORS)
    [bias_name] = names
    return _shaped(weights.T, walk.array(bias_name))


def _shaped(weights: Floats, bias: Floats) -> Layer:
    """Return weights (outputs, inputs) and a flat bias."""
    demand(weights.ndim == 2 and bias.size == len(weights), Flaw.ARRAYS)  # noqa: PLR2004 - a matrix
    return weights, bias.ravel()


def _one(layer: Layer, *, is_binary: bool) -> Layer:
    """Return the one output of the last layer; of a no and a yes that are each other's opposites the yes."""
    weights, bias = layer
    if len(bias) == _OPPOSITES and is_binary:
        opposed = np.array_equal(weights[0], -weights[1]) and bias[0] == -bias[1]
        demand(opposed, Flaw.OUTPUTS)
        return weights[1:], bias[1:]
    demand(len(bias) == 1, Flaw.OUTPUTS)
    return layer
