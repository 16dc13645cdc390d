"""Grows trees like those of a given model, over the quantiles of its inputs, for the membership test's shadows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.egress.models.rows import Floats, Rows
from sandbox.egress.models.words import Leaf as GivenLeaf
from sandbox.egress.models.words import Split, Trees

CUTS = 32
"""Thresholds that are tried for each input, and the most categories that are told apart."""
_LEAST = 1e-12
_SURE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How trees are grown."""

    like: Trees
    is_binary: bool
    leaf: int
    """The fewest rows of a leaf: the given model's own over its whole view."""
    seed: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A split: whether an input is below a threshold; unknown numbers are not."""

    input: int
    below: float
    yes: "Ask | float"
    no: "Ask | float"


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees, and how they are put together."""

    trees: tuple[Ask | float, ...]
    growth: Growth
    start: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What one tree is grown on."""

    rows: Rows
    target: Floats
    weight: Floats
    growth: Growth
    dice: np.random.Generator

    @property
    def tried(self) -> int:
        """Return how many inputs a split chooses among: in a forest the root of all."""
        inputs = len(self.rows.inputs)
        forest = self.growth.like.combine == "mean" and len(self.growth.like.trees) > 1
        return int(np.ceil(np.sqrt(inputs))) if forest else inputs


def settled(rows: Rows, growth: Growth) -> Grown:
    """Grow as many trees as the given model has, as deep, and with leaves as small."""
    dice = np.random.default_rng(growth.seed)
    if growth.like.combine == "sum":
        return _boosted(rows, growth, dice)
    found = []
    for _ in growth.like.trees:
        alone = len(growth.like.trees) == 1
        drawn = rows if alone else rows.at(dice.integers(0, len(rows), len(rows)))
        found.append(_grow(_Ground(drawn, drawn.target, np.ones(len(drawn)), growth, dice)))
    return Grown(tuple(found), growth)


def _boosted(rows: Rows, growth: Growth, dice: np.random.Generator) -> Grown:
    """Grow each tree on what the ones before it left, by Newton's steps."""
    mean = float(rows.target.mean())
    share = float(np.clip(mean, _SURE, 1 - _SURE))
    start = float(np.log(share / (1 - share))) if growth.is_binary else mean
    told = np.full(len(rows), start)
    found: list[Ask | float] = []
    for _ in growth.like.trees:
        guess, weight = told, np.ones(len(rows))
        if growth.is_binary:
            guess = 0.5 * (1 + np.tanh(told / 2))
            weight = np.maximum(guess * (1 - guess), _SURE)
        found.append(_grow(_Ground(rows, (rows.target - guess) / weight, weight, growth, dice)))
        told = told + growth.like.rate * _through(found[-1], rows)
    return Grown(tuple(found), growth, start)


def grown(trees: Grown, rows: Rows) -> Floats:
    """Return what the trees tell of rows."""
    total = np.sum([_through(tree, rows) for tree in trees.trees], axis=0)
    if trees.growth.like.combine == "sum":
        return np.asarray(trees.start + trees.growth.like.rate * total)
    share = total / len(trees.trees)
    if not trees.growth.is_binary:
        return np.asarray(share)
    share = np.clip(share, _SURE, 1 - _SURE)
    return np.asarray(np.log(share / (1 - share)))


def depth(tree: GivenLeaf | Split) -> int:
    """Return the splits from the root to the deepest leaf."""
    return 1 + max(depth(tree.yes), depth(tree.no)) if isinstance(tree, Split) else 0


def _grow(ground: _Ground) -> Ask | float:
    def under(places: NDArray[np.int64], room: int) -> Ask | float:
        mean = float(np.average(ground.target[places], weights=ground.weight[places]))
        if room == 0 or len(places) < 2 * ground.growth.leaf:
            return mean
        tried = ground.dice.permutation(len(ground.rows.inputs))[: ground.tried]
        gain, at, below = max(_best(ground, places, int(at)) for at in tried)
        if gain <= _LEAST:
            return mean
        goes = ground.rows.inputs[at][places] < below
        return Ask(at, below, under(places[goes], room - 1), under(places[~goes], room - 1))

    return under(np.arange(len(ground.rows)), max(map(depth, ground.growth.like.trees)))


def _best(ground: _Ground, places: NDArray[np.int64], at: int) -> tuple[float, int, float]:
    """Return the largest gain of a split of one input, with the input and the threshold."""
    cells, weight = ground.rows.inputs[at][places], ground.weight[places]
    known = cells[~np.isnan(cells)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, CUTS + 1)[1:])) if len(known) else known
    if len(cuts) == 0:
        return 0.0, at, 0.0
    bins = np.where(np.isnan(cells), len(cuts), np.searchsorted(cuts, cells, side="right"))
    counted = (np.ones(len(cells)), weight, weight * ground.target[places])
    many, weighed, summed = (
        np.cumsum(np.bincount(bins, weights=each, minlength=len(cuts) + 1)) for each in counted
    )
    leaf = ground.growth.leaf
    fits = (many[:-1] >= leaf) & (many[-1] - many[:-1] >= leaf)
    left = summed[:-1] ** 2 / np.maximum(weighed[:-1], _LEAST)
    right = (summed[-1] - summed[:-1]) ** 2 / np.maximum(weighed[-1] - weighed[:-1], _LEAST)
    gain = np.where(fits, left + right - summed[-1] ** 2 / weighed[-1], 0.0)
    cut = int(gain.argmax())
    return float(gain[cut]), at, float(cuts[cut])


def _through(tree: Ask | float, rows: Rows) -> Floats:
    out = np.zeros(len(rows))
    waiting: list[tuple[Ask | float, NDArray[np.int64]]] = [(tree, np.arange(len(rows)))]
    while waiting:
        node, places = waiting.pop()
        if isinstance(node, float):
            out[places] = node
            continue
        goes = rows.inputs[node.input][places] < node.below
        waiting += [(node.yes, places[goes]), (node.no, places[~goes])]
    return out
