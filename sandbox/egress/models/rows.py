"""Reads the rows of a view as a model sees them, and says what the model tells of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.egress.gate import literal, opened, quoted
from sandbox.egress.models.words import (
    Between,
    Binned,
    Category,
    Leaf,
    Linear,
    Model,
    Network,
    Number,
    Split,
    Trees,
)
from sandbox.egress.terms import GateView

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
NOWHERE = -1
"""The place of a category that an input does not list."""
_SURE = 1e-3
"""A share that a forest tells is taken for at least so much, and for at most one less so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a view, by a model's inputs."""

    inputs: tuple[Floats, ...]
    """Of each input its numbers (NaN where missing), or the places of its categories."""
    target: Floats
    """1 for a yes and 0 for a no, or the amount."""
    units: Whole
    """Of each row the number of its protected unit."""

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.target)

    @property
    def many_units(self) -> int:
        """Return how many units the rows are of, where they are all the rows that were read."""
        return int(self.units.max()) + 1 if len(self) else 0

    def at(self, places: NDArray[Any]) -> "Rows":
        """Return some of the rows."""
        inputs = tuple(each[places] for each in self.inputs)
        return Rows(inputs, self.target[places], self.units[places])


def read(model: Model, view: GateView, *, units: int | None = None) -> Rows:
    """Read the rows that have a target: all, or one row of each of `units` units, the same ones each time."""
    target = quoted(model.target.column)
    chosen = ""
    if units is not None:
        some = f"SELECT _unit FROM source WHERE {target} IS NOT NULL GROUP BY _unit ORDER BY hash(_unit), _unit LIMIT {units:d}"  # noqa: S608 - a quoted name
        first = "row_number() OVER (PARTITION BY _unit ORDER BY file_row_number) = 1"
        chosen = f" AND _unit IN ({some}) QUALIFY {first} ORDER BY hash(_unit), _unit"
    told = f"CAST({target} AS DOUBLE)"
    if model.is_binary:
        among = ", ".join(map(literal, model.target.positive))
        told = f"CAST({_category(model.target.column)} IN ({among}) AS DOUBLE)"
    asked = ", ".join(f"{sql} AS i{at}" for at, sql in enumerate(_asked(model)))
    with opened(view) as gate:
        found = gate.execute(
            f"SELECT {told} AS told, _unit, {asked} FROM source WHERE {target} IS NOT NULL{chosen}"  # noqa: S608 - quoted names
        ).fetchnumpy()
    inputs = tuple(_floats(found[f"i{at}"]) for at in range(len(model.inputs)))
    _, dense = np.unique(np.asarray(found["_unit"]), return_inverse=True)
    return Rows(inputs, _floats(found["told"]), dense.astype(np.int64))


def _asked(model: Model) -> Iterator[str]:
    for one in model.inputs:
        if isinstance(one, Category):
            listed = ", ".join(map(literal, one.categories))
            yield f"coalesce(list_position([{listed}], {_category(one.column)}), 0) - 1"
        else:
            yield f"CAST({quoted(one.column)} AS DOUBLE)"


def _category(column: str) -> str:
    return f"CAST({quoted(column)} AS VARCHAR)"


def _floats(column: Any) -> Floats:  # noqa: ANN401 - DuckDB's masked arrays
    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan))


def features(model: Model, rows: Rows) -> Floats:
    """Return (rows, features) as weights are applied to them."""
    parts = []
    for one, cells in zip(model.inputs, rows.inputs, strict=True):
        match one:
            case Number(centre=centre, spread=spread):
                parts.append(np.nan_to_num((cells - centre) / spread)[:, None])
            case Category(categories=categories):
                parts.append(_indicators(cells, len(categories)))
            case Binned(cuts=cuts):
                bins = np.searchsorted(np.array(cuts), cells, side="right").astype(float)
                parts.append(_indicators(np.where(np.isnan(cells), NOWHERE, bins), len(cuts) + 1))
    return np.concatenate(parts, axis=1)


def _indicators(places: Floats, width: int) -> Floats:
    return np.asarray(places[:, None] == np.arange(width), np.float64)


def told(model: Model, rows: Rows) -> Floats:
    """Return what the model tells of each row: the log odds of a yes, or the amount."""
    match model.fitted:
        case Linear(weights=weights, intercept=intercept):
            return np.asarray(features(model, rows) @ np.array(weights) + intercept)
        case Trees():
            return _by_trees(model.fitted, model, rows)
        case Network():
            return through(model.fitted.between, _layers(model.fitted), features(model, rows))


def _layers(network: Network) -> list[tuple[Floats, Floats]]:
    return [(np.array(layer.weights), np.array(layer.bias)) for layer in network.layers]


def through(between: Between, layers: list[tuple[Floats, Floats]], value: Floats) -> Floats:
    """Return the one output of layers."""
    for weights, bias in layers[:-1]:
        value = value @ weights.T + bias
        value = np.tanh(value) if between is Between.TANH else np.maximum(value, 0.0)
    weights, bias = layers[-1]
    return np.asarray((value @ weights.T + bias)[:, 0])


def _by_trees(trees: Trees, model: Model, rows: Rows) -> Floats:
    total = np.zeros(len(rows))
    for tree in trees.trees:
        for place, leaf in leaves(tree, model, rows):
            total[place] += leaf.leaf
    if trees.combine == "sum":
        return trees.start + total
    share = total / len(trees.trees)
    if not model.is_binary:
        return np.asarray(share)
    share = np.clip(share, _SURE, 1 - _SURE)
    return np.asarray(np.log(share / (1 - share)))


def leaves(tree: Leaf | Split, model: Model, rows: Rows) -> Iterator[tuple[Whole, Leaf]]:
    """Yield the places of the rows that end in each leaf, for every leaf."""
    waiting: list[tuple[Leaf | Split, Whole]] = [(tree, np.arange(len(rows)))]
    while waiting:
        node, places = waiting.pop()
        if isinstance(node, Leaf):
            yield places, node
            continue
        goes = _goes(node, model, rows, places)
        waiting += [(node.yes, places[goes]), (node.no, places[~goes])]


def _goes(node: Split, model: Model, rows: Rows, places: Whole) -> NDArray[np.bool_]:
    cells = rows.inputs[node.input][places]
    one = model.inputs[node.input]
    if isinstance(one, Category):
        among = [one.categories.index(name) for name in node.among]
        return np.isin(cells, among)
    assert node.below is not None, "a parsed split of a number has a threshold"
    return np.asarray(cells < node.below)
