"""Counts how many protected units each part of a model was learnt from, as the gate sees them in the view."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sandbox.egress.models.rows import Rows, features, leaves
from sandbox.egress.models.words import (
    Binned,
    Category,
    Leaf,
    Linear,
    Model,
    Network,
    Number,
    Split,
    Trees,
    nodes,
)

WEIGHT_BITS = 16
"""Of a weight in bfloat16, a leaf, or a cut."""
SPLIT_WORK = 200
"""What trying the thresholds of one input for one split is worth."""
_RIDGE = 1e-9


def fewest_units(model: Model, rows: Rows) -> int:
    """Return the fewest distinct units behind any leaf, bin, category or varying number, and on either side of a yes."""
    return min(_counts(model, rows))


def smallest_leaf(model: Model, rows: Rows) -> int:
    """Return the fewest rows of any leaf; 1 where there are no trees."""
    if not isinstance(model.fitted, Trees):
        return 1
    ends = (len(at) for tree in model.fitted.trees for at, _ in leaves(tree, model, rows))
    return max(1, min(ends))


def _counts(model: Model, rows: Rows) -> Iterator[int]:
    yield _units(rows, np.ones(len(rows), bool))
    if model.is_binary:
        yield from (_units(rows, rows.target == answer) for answer in (0, 1))
    if isinstance(model.fitted, Trees):
        for tree in model.fitted.trees:
            yield from (_units(rows, at) for at, _ in leaves(tree, model, rows))
        return
    for one, cells in zip(model.inputs, rows.inputs, strict=True):
        match one:
            case Number():
                yield _varying(rows, cells)
            case Category(categories=categories):
                yield from (_units(rows, cells == place) for place in range(len(categories)))
                yield from _others(rows, cells < 0)
            case Binned(cuts=cuts):
                yield from _others(rows, np.isnan(cells))
                edges = (-np.inf, *cuts, np.inf)
                yield from (
                    _units(rows, (cells >= low) & (cells < high)) for low, high in pairwise(edges)
                )


def _others(rows: Rows, which: NDArray[np.bool_]) -> Iterator[int]:
    """Yield the units that have no indicator, where there are any: the intercept tells of them."""
    if which.any():
        yield _units(rows, which)


def _units(rows: Rows, which: NDArray[np.bool_] | NDArray[np.int64]) -> int:
    return int(np.count_nonzero(np.bincount(rows.units[which], minlength=1)))


def _varying(rows: Rows, cells: NDArray[np.float64]) -> int:
    """Count the units that differ from the commonest value: a weight tells of them alone."""
    known = cells[~np.isnan(cells)]
    if not len(known):
        return 0
    values, times = np.unique(known, return_counts=True)
    return _units(rows, ~np.isnan(cells) & (cells != values[times.argmax()]))


def leverage(model: Model, rows: Rows) -> float:
    """Return the largest share that one unit has of its own prediction in a weighted model; 0 of any other."""
    if not isinstance(model.fitted, Linear):
        return 0.0
    given = np.column_stack([np.ones(len(rows)), features(model, rows)])
    inner = given.T @ given + _RIDGE * len(rows) * np.eye(given.shape[1])
    own = np.einsum("ij,ij->i", given @ np.linalg.pinv(inner), given)
    return float(np.bincount(rows.units, weights=own).max())


def parameters(model: Model) -> int:
    """Return how many numbers were learnt."""
    inputs = sum(len(one.cuts) if isinstance(one, Binned) else 2 for one in model.inputs)
    match model.fitted:
        case Linear(weights=weights):
            return inputs + len(weights) + 1
        case Trees(trees=trees):
            return sum(1 for tree in trees for _ in nodes(tree))
        case Network(layers=layers):
            return inputs + sum(len(layer.bias) * (len(layer.weights[0]) + 1) for layer in layers)


def bits(model: Model) -> int:
    """Return the most that a model can tell: 16 bits for each learnt number, and of a split which input it asks."""
    if not isinstance(model.fitted, Trees):
        return WEIGHT_BITS * parameters(model)
    return sum(_node_bits(node, model) for tree in model.fitted.trees for node in nodes(tree))


def _node_bits(node: Leaf | Split, model: Model) -> int:
    if isinstance(node, Leaf):
        return WEIGHT_BITS
    one = model.inputs[node.input]
    asks = len(one.categories) if isinstance(one, Category) else WEIGHT_BITS
    return asks + (len(model.inputs) - 1).bit_length()


def work(model: Model) -> int:
    """Return about how long one shadow takes to fit, in multiplications of a number by each row of a step."""
    match model.fitted:
        case Linear(weights=weights):
            return len(weights) ** 2
        case Trees(trees=trees):
            splits = sum(isinstance(node, Split) for tree in trees for node in nodes(tree))
            return SPLIT_WORK * splits * len(model.inputs)
        case Network(steps=steps):
            return parameters(model) * steps
