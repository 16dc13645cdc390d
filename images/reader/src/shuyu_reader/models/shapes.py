"""Reads the operators of `ai.onnx.ml` that are a whole model: linear ones, and ensembles of trees."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from shuyu_reader.models.document import Document, Flaw, Part, UnfitError, demand, finite
from shuyu_reader.models.walk import Walk, attributes

DEEPEST = 12
"""Splits from a root to a leaf: the gate's own bound."""
_FARTHEST = 1e30
_LABELS = frozenset({"classlabels_ints", "classlabels_int64s", "classlabels_strings"})
_LINEAR = _LABELS | {"coefficients", "intercepts", "multi_class", "post_transform", "targets"}
_NODES = tuple(
    f"nodes_{each}"
    for each in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
)  # fmt: skip
_LEAVES = ("treeids", "nodeids", "ids", "weights")
_BESIDE = frozenset({"nodes_hitrates", "nodes_missing_value_tracks_true", "post_transform"})
_TREES = _LABELS | _BESIDE | {"base_values", "n_targets", "aggregate_function", *_NODES}


def linear(walk: Walk, document: Document) -> Part:
    """Return the model of a LinearClassifier or a LinearRegressor."""
    said, is_classifier = _taken(walk, document, _LINEAR)
    values = finite(np.array(said.get("coefficients", ()), np.float64))
    biases = finite(np.array(said.get("intercepts", ()), np.float64))
    if not is_classifier:
        demand(said.get("targets", 1) == 1 and len(biases) == 1, Flaw.OUTPUTS)
        return document.weighted(values, float(biases[0]))
    demand(len(values) % 2 == 0 and len(biases) == 2 and not said.get("multi_class"), Flaw.OUTPUTS)  # noqa: PLR2004 - no and yes
    no, yes = np.split(values, 2)
    demand(np.array_equal(no, -yes) and biases[0] == -biases[1], Flaw.OUTPUTS)
    demand(said.get("post_transform") == b"LOGISTIC", Flaw.OPERATORS)
    return document.weighted(yes, float(biases[1]))


def trees(walk: Walk, document: Document) -> Part:
    """Return the model of a tree ensemble: of a declared mean each leaf counts by the number of trees, as they are added up."""
    leaves = "class" if walk.nodes[0].op_type == "TreeEnsembleClassifier" else "target"
    known = _TREES | {f"{leaves}_{each}" for each in _LEAVES}
    said, is_classifier = _taken(walk, document, known)
    demand(document.kind == "trees", Flaw.DOCUMENT)
    demand(said.get("aggregate_function", b"SUM") == b"SUM", Flaw.OPERATORS)
    demand(said.get("n_targets", 1) == 1, Flaw.OUTPUTS)
    is_sum = document.fitted.get("combine", "mean") == "sum"
    wanted = b"LOGISTIC" if is_classifier and is_sum else b"NONE"
    demand(said.get("post_transform", b"NONE") == wanted, Flaw.OPERATORS)
    base = finite(np.array(said.get("base_values", (0.0,)), np.float64))
    demand(len(base) == 1 and (is_sum or base[0] == 0), Flaw.OUTPUTS)
    ensemble = _Ensemble.of(said, leaves)
    roots = sorted({tree for tree, _ in ensemble.places})
    scale = 1 if is_sum else len(roots)
    grown = [ensemble.grown(root, 0, room=DEEPEST, scale=scale) for root in roots]
    demand(not ensemble.places and not ensemble.weights, Flaw.TREES)
    return document.model(trees=grown, **({"start": float(base[0])} if is_sum else {}))


def _taken(walk: Walk, document: Document, known: frozenset[str]) -> tuple[dict[str, Any], bool]:
    """Take the one operator, whose end must be the graph's; return its attributes, and whether it is a classifier of two classes."""
    node = walk.take(walk.nodes[0].op_type)
    if node is None:
        raise UnfitError(Flaw.OPERATORS)
    said, is_classifier = attributes(node, known), node.op_type.endswith("Classifier")
    demand(is_classifier == document.is_binary, Flaw.DOCUMENT)
    demand(not walk.arrays, Flaw.ARRAYS)
    demand(all(one.op_type != "Sigmoid" for one in walk.nodes), Flaw.OPERATORS)
    labels = [len(said[name]) for name in _LABELS & said.keys()]
    demand(labels == ([2] if is_classifier else []), Flaw.OUTPUTS)
    walk.end(is_binary=is_classifier, is_pair=is_classifier)
    return said, is_classifier


@dataclass(slots=True)
class _Ensemble:
    """The nodes and the leaves' weights that have not been read yet, by tree and node."""

    said: dict[str, Any]
    places: dict[tuple[int, int], int]
    weights: dict[tuple[int, int], float]

    @classmethod
    def of(cls, said: dict[str, Any], leaves: str) -> "_Ensemble":
        """Take an operator's lists: of equal length, each node once, each leaf with one weight of the one target."""
        lists = [said.get(name, ()) for name in _NODES]
        tree, node, which, weight = (said.get(f"{leaves}_{each}", ()) for each in _LEAVES)
        demand(len({*map(len, lists)}) == 1, Flaw.TREES)
        demand(len(tree) == len(node) == len(which) == len(weight) and not any(which), Flaw.TREES)
        demand(not any(said.get("nodes_missing_value_tracks_true", ())), Flaw.TREES)
        places = {key: at for at, key in enumerate(zip(lists[0], lists[1], strict=True))}
        weights = dict(zip(zip(tree, node, strict=True), finite(np.array(weight, float)).tolist(), strict=True))  # fmt: skip
        demand(len(places) == len(lists[0]) and len(weights) == len(weight), Flaw.TREES)
        return cls(said, places, weights)

    def grown(self, tree: int, node: int, *, room: int, scale: int) -> Part:
        """Return what is under a node, which no other may have above it."""
        at = self.places.pop((tree, node), -1)
        demand(at >= 0, Flaw.TREES)
        mode = self.said["nodes_modes"][at]
        if mode == b"LEAF":
            demand((tree, node) in self.weights, Flaw.TREES)
            return {"leaf": self.weights.pop((tree, node)) * scale}
        below = np.float32(self.said["nodes_values"][at])
        known = mode in {b"BRANCH_LEQ", b"BRANCH_LT"} and abs(below) < _FARTHEST
        demand(known and room > 0, Flaw.TREES)
        if mode == b"BRANCH_LEQ":  # of 32-bit numbers, at most x is below the next one
            below = np.nextafter(below, np.float32(np.inf))
        yes, no = (
            self.grown(tree, self.said[f"nodes_{side}nodeids"][at], room=room - 1, scale=scale)
            for side in ("true", "false")
        )
        asked = int(self.said["nodes_featureids"][at])
        return {"input": asked, "below": float(below), "yes": yes, "no": no}
