"""Writes models of scikit-learn in the form in which they may leave, `shuyu-fitted-1`: copy it beside your own main.py.

`inputs` says what the estimator's columns are, in their order: `number(column, centre, spread)` for a scaled number,
`category(column, categories)` for indicators, `binned(column, cuts)` for bins. Trees take plain numbers only, centre 0 and
spread 1. `target` is `{"column": …, "positive": […]}` for a yes or no, `{"column": …}` for an amount.
"""

import json
from math import log
from typing import Any

import numpy as np

Part = dict[str, Any]


def number(column: str, centre: float = 0.0, spread: float = 1.0) -> Part:
    """Say that one column of the estimator is (value - centre) / spread."""
    return {"kind": "number", "column": column, "centre": float(centre), "spread": float(spread)}


def category(column: str, categories: list[Any]) -> Part:
    """Say that the estimator has an indicator for each of the categories."""
    return {"kind": "category", "column": column, "categories": [str(each) for each in categories]}


def binned(column: str, cuts: list[float]) -> Part:
    """Say that the estimator has an indicator for each bin: below the first cut, between two, from the last one on."""
    return {"kind": "binned", "column": column, "cuts": [float(each) for each in cuts]}


def linear(estimator: Any, kind: str = "logistic") -> Part:  # noqa: ANN401 - one of scikit-learn's
    """Take a LogisticRegression, LinearRegression or Ridge; a `scorecard` has no plain numbers."""
    weights = [float(each) for each in np.ravel(estimator.coef_)]
    intercept = float(np.ravel(estimator.intercept_)[0])
    l2 = 1 / estimator.C if hasattr(estimator, "C") else getattr(estimator, "alpha", 0.0)
    return {"kind": kind, "weights": weights, "intercept": intercept, "l2": float(l2)}


def trees(estimator: Any) -> Part:  # noqa: ANN401 - one of scikit-learn's
    """Take a decision tree, a random forest or gradient boosting that begins with scikit-learn's own constant."""
    if not hasattr(estimator, "init_"):
        parts = getattr(estimator, "estimators_", [estimator])
        return {"kind": "trees", "trees": [_tree(each.tree_) for each in parts], "combine": "mean"}
    rate = float(estimator.learning_rate)
    return {
        "kind": "trees",
        "trees": [_tree(each[0].tree_, rate) for each in estimator.estimators_],
        "combine": "sum",
        "start": _start(estimator.init_),
        "rate": rate,
    }


def _start(first: Any) -> float:  # noqa: ANN401 - one of scikit-learn's
    if hasattr(first, "class_prior_"):
        return log(first.class_prior_[1] / first.class_prior_[0])
    return float(first.constant_.ravel()[0])


def _tree(tree: Any, rate: float = 1.0, node: int = 0) -> Part:  # noqa: ANN401 - one of scikit-learn's
    if tree.children_left[node] < 0:
        cell = tree.value[node].ravel()
        return {"leaf": float(cell[0] * rate if len(cell) == 1 else cell[1] / cell.sum())}
    return {
        "input": int(tree.feature[node]),
        "below": float(tree.threshold[node]),
        "yes": _tree(tree, rate, tree.children_left[node]),
        "no": _tree(tree, rate, tree.children_right[node]),
    }


def network(estimator: Any, centre: float = 0.0, spread: float = 1.0) -> Part:  # noqa: ANN401 - one of scikit-learn's
    """Take an MLPClassifier or MLPRegressor of one to three hidden layers, with relu or tanh.

    Of an amount that was learnt as (amount - centre) / spread, give both: the model tells the amount itself.
    """
    pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    layers: list[Part] = [
        {
            "weights": [[float(each) for each in line] for line in weights.T],
            "bias": [float(each) for each in bias],
        }
        for weights, bias in pairs
    ]
    last = layers[-1]
    last["weights"] = [[spread * each for each in line] for line in last["weights"]]
    last["bias"] = [spread * each + centre for each in last["bias"]]
    return {
        "kind": "network",
        "layers": layers,
        "between": estimator.activation,
        "steps": max(1, min(50000, int(estimator.t_ / 64))),
        "rate": float(estimator.learning_rate_init),
        "l2": float(estimator.alpha),
    }


def write(file: str, *, target: Part, inputs: list[Part], fitted: Part, asset: str = "") -> None:
    """Write the model to `file`, such as /out/O4.json; name the asset where the job reads several."""
    model = {"form": "shuyu-fitted-1", "target": target, "inputs": inputs, "fitted": fitted}
    if asset:
        model["asset"] = asset
    with open(file, "w", encoding="utf-8") as out:
        json.dump(model, out, ensure_ascii=False, allow_nan=False)
