"""Parses a model, and rounds it while it does: numbers keep 8 binary digits (bfloat16), cuts few decimal ones."""

import json

from pydantic import ValidationError

from sandbox.egress.finding import Rule
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
from sandbox.egress.parse import strict_json
from sandbox.egress.table import Json
from sandbox.reason import Said

DEEPEST = 12
"""Splits from a tree's root to a leaf."""
NOT_A_MODEL = Rule(
    id="egress.model_form",
    stage=8,
    why=Said(
        zh="该输出声明为模型,文件内容却不是允许的模型格式。",
        en="This output was declared as a model, but the file is not a model of an allowed form.",
    ),
    fix=Said(
        zh="写成 shuyu-fitted-1 格式的 JSON,或写成元数据 shuyu 中带有该文档的 safetensors、ONNX:线性、逻辑回归、评分卡、树或小型网络;"
        "近邻、核方法、查找表与 pickle 不能出域,或改用域内的差分隐私训练。docs/outputs.md 说明写法。",
        en="Write JSON of the form shuyu-fitted-1, or safetensors or ONNX with that document under shuyu in its metadata: linear,"
        " logistic, scorecard, trees or a small network; neighbours, kernel machines, lookup tables and pickles may not"
        " leave. Or train inside, with differential privacy. docs/outputs.md shows how.",
    ),
    clause="Weifang art. 26",
)


FLAWS = frozenset(
    {"size", "container", "document", "arrays", "operators", "outputs", "trees", "unreadable"}
)
"""Where the reader container may say that a safetensors or ONNX file is no model: words of ours, and never its own."""


def parse_model(text: str, *, digits: int) -> Model:
    """Parse and round a model, cuts to `digits` significant digits; raise `UnreadableError` where it is of no form."""
    return _model(strict_json(text), digits)


def parse_answer(text: str, *, digits: int) -> Model:
    """Parse what the reader container wrote of a model's file, as `parse_model` would; a refusal has its word for a place."""
    match strict_json(text):
        case {"model": value, **more} if not more:
            return _model(value, digits)
        case {"refused": str(flaw)} if flaw in FLAWS:
            raise UnreadableError(NOT_A_MODEL.at(flaw))
        case _:
            raise UnreadableError(NOT_A_MODEL.at())


def _model(value: Json, digits: int) -> Model:
    if isinstance(value, dict):
        value.pop("card", None)  # the gate writes its own
    try:
        model = rounded(MODEL.validate_json(json.dumps(value)), digits)
    except (ValidationError, OverflowError, ValueError):
        raise UnreadableError(NOT_A_MODEL.at()) from None
    if not _is_sound(model):
        raise UnreadableError(NOT_A_MODEL.at())
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
