"""Models of the tests, fitted here by the gate's own training, in the form in which a job writes them."""

import json
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from sandbox.egress.models.growing import Ask, Growth, settled
from sandbox.egress.models.rows import Rows, read
from sandbox.egress.models.training import _network, fit_linear
from sandbox.egress.models.words import (
    Fitted,
    Input,
    Layer,
    Leaf,
    Linear,
    Model,
    Network,
    Number,
    Split,
    Target,
    Trees,
)
from sandbox.egress.terms import GateView
from sandbox.order import Artifact, OutputForm, OutputTerms, ReleaseClass
from tests.sandbox.egress.examples import O1, output

NUMBERS = ("annual_income", "debt_to_income", "loan_amount", "total_credit_limit")
Kind = Literal["linear", "logistic", "scorecard"]
RISKY = Target(column="grade", positive=("D", "E", "F", "G"))


def overfitting(hidden: int, rounds: int) -> dict[str, Any]:
    """Return what makes scikit-learn's networks fit without a penalty until nothing is gained any more."""
    return {
        "hidden_layer_sizes": (hidden,),
        "activation": "tanh",
        "solver": "lbfgs",
        "alpha": 0.0,
        "max_iter": rounds,
        "max_fun": 10**6,
        "tol": 1e-9,
        "random_state": 1,
    }


def model_terms(release: ReleaseClass = ReleaseClass.REVIEWED) -> OutputTerms:
    return replace(output(release), form=OutputForm.MODEL)


def as_file(model: Model | dict[str, Any]) -> Artifact:
    text = model.form_json() if isinstance(model, Model) else json.dumps(model)
    return Artifact(O1, "json", text.encode())


def numbers(book: pd.DataFrame, names: tuple[str, ...] = NUMBERS) -> tuple[Number, ...]:
    return tuple(
        Number(kind="number", column=n, centre=float(book[n].mean()), spread=float(book[n].std()))
        for n in names
    )


def unfitted(fitted: Fitted, inputs: tuple[Input, ...], target: Target = RISKY) -> Model:
    return Model(form="shuyu-fitted-1", target=target, inputs=inputs, fitted=fitted)


def linear(
    view: GateView, inputs: tuple[Input, ...], *, kind: Kind = "logistic", target: Target = RISKY
) -> Model:
    empty = unfitted(Linear(kind=kind, weights=(), intercept=0.0, l2=1.0), inputs, target)
    return replace(empty, fitted=fit_linear(empty, read(empty, view)))


def tree(
    view: GateView, inputs: tuple[Input, ...], *, depth: int, leaf: int, trees: int = 1
) -> Model:
    shape: Leaf | Split = Leaf(leaf=0.0)
    for _ in range(depth):
        shape = Split(input=0, yes=shape, no=Leaf(leaf=0.0), below=0.0)
    like = Trees(kind="trees", trees=(shape,) * trees)
    growth = Growth(like=like, is_binary=True, leaf=leaf, seed=7)
    grown = settled(read(unfitted(like, inputs), view), growth)
    return unfitted(replace(like, trees=tuple(map(_node, grown.trees))), inputs)


def _node(tree: Ask | float) -> Leaf | Split:
    if isinstance(tree, float):
        return Leaf(leaf=tree)
    return Split(input=tree.input, yes=_node(tree.yes), no=_node(tree.no), below=tree.below)


def network(rows: Rows, inputs: tuple[Input, ...], *, hidden: int, steps: int) -> Model:
    shape = (
        Layer(weights=((0.0,) * len(inputs),) * hidden, bias=(0.0,) * hidden),
        Layer(weights=((0.0,) * hidden,), bias=(0.0,)),
    )
    like = Network(kind="network", layers=shape, steps=steps)
    learnt = _network(unfitted(like, inputs), like, rows, 1)
    layers = tuple(
        Layer(weights=tuple(map(tuple, weights.tolist())), bias=tuple(bias.tolist()))
        for weights, bias in learnt
    )
    return unfitted(replace(like, layers=layers), inputs)


def sampled(rows: Rows, many: int) -> Rows:
    return rows.at(np.random.default_rng(3).permutation(len(rows))[:many])
