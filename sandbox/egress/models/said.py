"""Writes what a model says as plain text, for the checks that read texts: its words, and each vector of numbers as a line."""

from collections.abc import Iterator, Sequence

from sandbox.egress.models.words import (
    Binned,
    Category,
    Layer,
    Leaf,
    Linear,
    Model,
    Network,
    Number,
    Split,
    Trees,
    nodes,
)
from sandbox.egress.numbers import written


def words(model: Model) -> str:
    """Return the words: columns and categories; no number of a model is long enough to be an identifier."""
    return "\n".join(_names(model))


def vectors(model: Model) -> str:
    """Return the vectors, as they are, and as rows in the inputs' own units that they could be."""
    return "\n".join(_vectors(model))


def _names(model: Model) -> Iterator[str]:
    yield from model.columns
    yield from model.target.positive
    for one in model.inputs:
        if isinstance(one, Category):
            yield from one.categories


def _vectors(model: Model) -> Iterator[str]:
    for one in model.inputs:
        if isinstance(one, Binned):
            yield _line(one.cuts)
    numbers = [one for one in model.inputs if isinstance(one, Number)]
    yield _line([one.centre for one in numbers])
    yield _line([one.spread for one in numbers])
    match model.fitted:
        case Linear(weights=weights, intercept=intercept):
            yield _line((*weights, intercept))
            yield _unscaled(weights, model)
        case Network(layers=layers):
            yield from _layers(layers, model)
        case Trees(trees=trees):
            for tree in trees:
                yield _line([node.leaf for node in nodes(tree) if isinstance(node, Leaf)])
                yield from _cuts(tree, model)


def _layers(layers: tuple[Layer, ...], model: Model) -> Iterator[str]:
    for at, layer in enumerate(layers):
        yield from map(_line, layer.weights)
        yield _line(layer.bias)
        if at == 0:
            yield from (_unscaled(weights, model) for weights in layer.weights)


def _cuts(tree: Leaf | Split, model: Model) -> Iterator[str]:
    """Yield the thresholds of a tree, and those of each input by itself."""
    splits = [node for node in nodes(tree) if isinstance(node, Split) and node.below is not None]
    yield _line([node.below or 0.0 for node in splits])
    for at in range(len(model.inputs)):
        yield _line([node.below or 0.0 for node in splits if node.input == at])


def _unscaled(weights: Sequence[float], model: Model) -> str:
    """Write the weights of plain numbers as the values that they would stand for, were they a row."""
    found, at = [], 0
    for one in model.inputs:
        if isinstance(one, Number):
            found.append(weights[at] * one.spread + one.centre)
            at += 1
        else:
            at += len(one.categories) if isinstance(one, Category) else len(one.cuts) + 1
    return _line(found)


def _line(numbers: Sequence[float]) -> str:
    return "; ".join(map(written, numbers))
