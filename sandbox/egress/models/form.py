"""Takes in a parsed model, and rounds it while it does: numbers keep 8 binary digits (bfloat16), cuts few decimal ones."""

import json

from pydantic import ValidationError

from sandbox.egress import malformed as bad
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.models.rounding import centred, cut_off, short
from sandbox.egress.models.words import (
    MODEL,
    Binned,
    Category,
    Fitted,
    Input,
    Layer,
    Leaf,
    Linear,
    Model,
    Network,
    Number,
    Split,
    Trees,
)
from sandbox.egress.table import Json

DEEPEST = 12
"""Splits from a tree's root to a leaf."""


def model_of(value: Json, *, digits: int) -> Model:
    """Round a parsed model, cuts to `digits` significant digits; raise `UnreadableError` where it is of no form."""
    if isinstance(value, dict):
        value = {**value}
        value.pop("card", None)  # the gate writes its own
    try:
        model = rounded(MODEL.validate_json(json.dumps(value)), digits)
    except (ValidationError, OverflowError, ValueError):
        raise UnreadableError(bad.NOT_A_MODEL.at()) from None
    if not _is_sound(model):
        raise UnreadableError(bad.NOT_A_MODEL.at())
    return model


def rounded(model: Model, digits: int) -> Model:
    """Return the model in the few digits in which it leaves; a rounded model stays as it is."""
    return Model(
        form="shuyu-fitted-1",
        target=model.target,
        inputs=tuple(_input(each, digits) for each in model.inputs),
        fitted=_fitted(model.fitted, digits),
        asset=model.asset,
    )


def _input(one: Input, digits: int) -> Input:
    match one:
        case Number():
            spread = short(one.spread)
            centre = centred(one.centre, spread)
            return Number(kind="number", column=one.column, centre=centre, spread=spread)
        case Binned():
            cuts = tuple(cut_off(cut, digits) for cut in one.cuts)
            return Binned(kind="binned", column=one.column, cuts=cuts)
        case Category():
            return one


def _fitted(fitted: Fitted, digits: int) -> Fitted:
    match fitted:
        case Linear():
            weights = tuple(map(short, fitted.weights))
            intercept = short(fitted.intercept)
            return Linear(
                kind=fitted.kind, weights=weights, intercept=intercept, l2=short(fitted.l2)
            )
        case Trees():
            return Trees(
                kind="trees",
                trees=tuple(_node(tree, digits) for tree in fitted.trees),
                combine=fitted.combine,
                start=short(fitted.start),
                rate=short(fitted.rate),
            )
        case Network():
            return Network(
                kind="network",
                layers=tuple(map(_layer, fitted.layers)),
                between=fitted.between,
                steps=fitted.steps,
                rate=short(fitted.rate),
                l2=short(fitted.l2),
            )


def _layer(layer: Layer) -> Layer:
    return Layer(
        weights=tuple(tuple(map(short, line)) for line in layer.weights),
        bias=tuple(map(short, layer.bias)),
    )


def _node(node: Leaf | Split, digits: int) -> Leaf | Split:
    if isinstance(node, Leaf):
        return Leaf(leaf=short(node.leaf))
    return Split(
        input=node.input,
        yes=_node(node.yes, digits),
        no=_node(node.no, digits),
        below=None if node.below is None else cut_off(node.below, digits),
        among=node.among,
    )


def _is_sound(model: Model) -> bool:
    """Whether the parts fit together: widths, places of inputs, ascending cuts, no column twice, no column that tells itself."""
    cuts = [each.cuts for each in model.inputs if isinstance(each, Binned)]
    listed = [each.categories for each in model.inputs if isinstance(each, Category)]
    named = model.columns
    unlike = len(set(named)) == len(named)
    return (
        unlike
        and all(list(each) == sorted(set(each)) for each in cuts)
        and all(len(set(each)) == len(each) for each in (*listed, model.target.positive))
        and _fits(model)
    )


def _fits(model: Model) -> bool:
    match model.fitted:
        case Linear(kind="linear") if model.is_binary:
            return False
        case Linear(kind="logistic" | "scorecard") if not model.is_binary:
            return False
        case Linear(kind=kind, weights=weights):
            plain = any(isinstance(each, Number) for each in model.inputs)
            return len(weights) == model.width and not (kind == "scorecard" and plain)
        case Trees(trees=trees):
            return all(_is_tree(tree, model, DEEPEST) for tree in trees)
        case Network(layers=layers):
            return _is_chain(layers, model.width)


def _is_tree(node: Leaf | Split, model: Model, room: int) -> bool:
    if isinstance(node, Leaf):
        return True
    if room == 0 or node.input >= len(model.inputs):
        return False
    asks = _asks(node, model.inputs[node.input])
    return asks and all(_is_tree(each, model, room - 1) for each in (node.yes, node.no))


def _asks(node: Split, one: Input) -> bool:
    """Whether a split asks its input what that can answer."""
    match one:
        case Number():
            return node.below is not None and not node.among
        case Category(categories=categories):
            listed = set(node.among) <= set(categories) and len(set(node.among)) == len(node.among)
            return node.below is None and bool(node.among) and listed
        case Binned():
            return False


def _is_chain(layers: tuple[Layer, ...], width: int) -> bool:
    for layer in layers:
        if len(layer.weights) != len(layer.bias) or any(len(w) != width for w in layer.weights):
            return False
        width = len(layer.bias)
    return width == 1
