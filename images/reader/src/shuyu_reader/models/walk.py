"""Walks along a graph from its input, a node at a time, and demands that nothing is left beside the way."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

from shuyu_reader.models.document import MOST_NUMBERS, Flaw, Floats, demand, finite

_TYPES: dict[int, tuple[str, str]] = {
    TensorProto.FLOAT: ("<f4", "float_data"),
    TensorProto.DOUBLE: ("<f8", "double_data"),
}
_SMALL = 2
"""Elements of an array that is no weight: the labels, an axis, a shape."""
_SMALL_BYTES = 512
_SINGLE = frozenset(
    {
        "alpha",
        "beta",
        "transA",
        "transB",
        "multi_class",
        "post_transform",
        "targets",
        "n_targets",
        "aggregate_function",
    }
)
"""Attributes that are one value; all others are lists."""
_NAMES = frozenset({"Cast", "Identity", "ZipMap"})
"""Operators that change a value's type or name only."""
_ENDS = frozenset(
    {
        (),
        ("Reshape",),
        ("Sigmoid",),
        ("ArgMax", "ArrayFeatureExtractor", "Concat", "Reshape", "Sigmoid", "Sub"),
        ("Abs", "ArgMax", "ArrayFeatureExtractor", "Div", "ReduceSum", "Reshape", "Sigmoid"),
    }
)
"""What may follow a score, sorted: a column of it, its share, or scikit-learn's label and pair of shares."""


@dataclass(slots=True)
class Walk:
    """What is left of a graph, and the values that have been reached."""

    nodes: list[NodeProto]
    arrays: dict[str, TensorProto]
    at: frozenset[str]
    outputs: tuple[str, ...]

    def take(self, *operators: str) -> NodeProto | None:
        """Take the next node where it is one of these operators and reads what has been reached."""
        if not self.nodes or self.nodes[0].op_type not in operators:
            return None
        if not self.at & set(self.nodes[0].input):
            return None
        node = self.nodes.pop(0)
        self.at = frozenset(node.output)
        return node

    def array(self, name: str) -> Floats:
        """Take the numbers of an initialiser, which nothing else may use."""
        demand(name in self.arrays, Flaw.ARRAYS)
        tensor = self.arrays.pop(name)
        stored = not (tensor.data_location or tensor.external_data or tensor.HasField("segment"))
        demand(stored and tensor.data_type in _TYPES, Flaw.ARRAYS)
        dims = tuple(tensor.dims)
        demand(all(each >= 0 for each in dims) and prod(dims) <= MOST_NUMBERS, Flaw.SIZE)
        kind, field = _TYPES[tensor.data_type]
        size = np.dtype(kind).itemsize
        demand(len(tensor.raw_data) % size == 0, Flaw.ARRAYS)
        values = np.frombuffer(tensor.raw_data, kind) if tensor.raw_data else np.array(getattr(tensor, field))  # fmt: skip
        demand(len(values) == prod(dims), Flaw.ARRAYS)
        return finite(values.reshape(dims))

    def end(self, *, is_binary: bool, is_pair: bool = False) -> None:
        """Demand that the score, one of `at`, is what the graph tells: by itself, or as a share and a label where `is_pair`."""
        operators = tuple(sorted(one.op_type for one in self.nodes if one.op_type not in _NAMES))
        demand(operators in _ENDS and (is_binary or "Sigmoid" not in operators), Flaw.OPERATORS)
        small = all(prod(one.dims) <= _SMALL and one.ByteSize() <= _SMALL_BYTES for one in self.arrays.values())  # fmt: skip
        demand(small, Flaw.ARRAYS)
        known = set(self.at)
        for node in self.nodes:
            demand(set(node.input) <= known | set(self.arrays), Flaw.OPERATORS)
            known |= set(node.output)
        most = 2 if is_pair or "ArgMax" in operators else 1
        demand(1 <= len(self.outputs) <= most and known.issuperset(self.outputs), Flaw.OUTPUTS)


def attributes(node: NodeProto, known: frozenset[str]) -> dict[str, Any]:
    """Return the attributes of a node; all must be known."""
    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    demand(found.keys() <= known and len(found) == len(node.attribute), Flaw.OPERATORS)
    listed = {name for name, value in found.items() if isinstance(value, list)}
    demand(listed == found.keys() - _SINGLE, Flaw.OPERATORS)
    return found
