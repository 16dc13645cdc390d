"""Turns terms into a training whose price is known before any data is read, or says why not."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import assert_never

from sandbox.asset import Asset, Column
from sandbox.privacy.errors import CostError
from sandbox.reason import Reason
from sandbox.training.event import TrainingEvent, metric_noise_for
from sandbox.training.judge import reasons
from sandbox.training.layers import (
    MAX_PARAMETERS,
    Activation,
    Fitted,
    Layer,
    LayerError,
    Linear,
    Tensor,
    fitted,
)
from sandbox.training.price import MAX_DRAWS, noise_for
from sandbox.training.refusals import reason
from sandbox.training.terms import (
    Binned,
    Category,
    Feature,
    Layers,
    Logistic,
    Mlp,
    Number,
    OneOf,
    Scorecard,
    Target,
    TrainingTerms,
)

BINS = 20
"""Bins of scores in the charged counts of a binary target, of each outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training as it will run: priced, and with every size and domain stated."""

    terms: TrainingTerms
    asset: Asset
    layers: tuple[Fitted, ...]
    tensors: tuple[Tensor, ...]
    """Every array of the model, in the order of the safetensors file: by name."""
    event: TrainingEvent
    rho: int
    """What the ledger is charged, in pico-rho, before the trainer starts."""
    epsilon: Fraction
    """What it amounts to at the terms' delta, with the metrics."""

    @property
    def widths(self) -> tuple[tuple[Feature, int], ...]:
        """Return each feature with how many numbers it becomes, in the order of a row."""
        return tuple((each, width_of(each, self.asset)) for each in self.terms.features)

    def column(self, name: str) -> Column:
        """Return a column that the terms name."""
        column = self.asset.column(name)
        assert column is not None, "planned"
        return column


@dataclass(frozen=True, slots=True)
class Untrainable:
    """Every reason why the terms cannot be trained; nothing was charged."""

    reasons: tuple[Reason, ...]


def plan(terms: TrainingTerms, asset: Asset, columns: Collection[str]) -> Training | Untrainable:
    """Hold `terms` against the catalogue and the granted `columns`, and price them; no data is read."""
    found = tuple(reasons(terms, asset, columns))
    if found:
        return Untrainable(found)
    try:
        layers = tuple(fitted(_layers(terms, asset), _inputs(terms, asset)))
    except LayerError as error:
        return Untrainable((reason("training.layer", f"layer {error.place}"),))
    tensors = sorted((*_embeddings(terms, asset), *_all(layers)), key=lambda each: each.name)
    if not layers or layers[-1].gives != (_outputs(terms.target, asset),):
        return Untrainable((reason("training.output"),))
    size = sum(prod(each.shape) for each in tensors)
    if size > MAX_PARAMETERS or size * terms.steps * len(terms.tries) > MAX_DRAWS:
        return Untrainable((reason("training.size"),))
    return _priced(terms, asset, layers, tuple(tensors))


def _priced(
    terms: TrainingTerms, asset: Asset, layers: tuple[Fitted, ...], tensors: tuple[Tensor, ...]
) -> Training | Untrainable:
    tries = len(terms.tries)
    delta = terms.delta / 2 if terms.metrics else terms.delta
    noise = noise_for(terms.epsilon, delta, terms.sampling_rate, terms.steps * tries)
    if noise is None:
        return Untrainable((reason("training.epsilon"),))
    event = TrainingEvent(
        sampling_rate=terms.sampling_rate,
        noise=noise,
        steps=terms.steps,
        tries=tries,
        metric_noise=metric_noise_for(terms.metrics.rho) if terms.metrics else None,
    )
    try:
        rho, epsilon = event.rho, event.epsilon(terms.delta)
    except CostError:
        return Untrainable((reason("training.epsilon"),))
    return Training(
        terms=terms,
        asset=asset,
        layers=layers,
        tensors=tensors,
        event=event,
        rho=rho,
        epsilon=epsilon,
    )


def width_of(feature: Feature, asset: Asset) -> int:
    """Return how many numbers a feature becomes."""
    match feature:
        case Number():
            return 1
        case Binned(cuts=cuts):
            return len(cuts) + 2
        case Category(width=width, column=column):
            return width or len(_domain(asset, column)) + 1
        case _ as unknown:
            assert_never(unknown)


def _inputs(terms: TrainingTerms, asset: Asset) -> int:
    return sum(width_of(feature, asset) for feature in terms.features)


def _outputs(target: Target, asset: Asset) -> int:
    return len(_domain(asset, target.column)) if isinstance(target, OneOf) else 1


def _layers(terms: TrainingTerms, asset: Asset) -> tuple[Layer, ...]:
    last = Linear(outputs=_outputs(terms.target, asset))
    match terms.design:
        case Logistic() | Scorecard():
            return (last,)
        case Mlp(hidden=hidden, between=between):
            pairs = [(Linear(outputs=width), Activation(function=between)) for width in hidden]
            return (*(layer for pair in pairs for layer in pair), last)
        case Layers(layers=layers):
            return layers
        case _ as unknown:
            assert_never(unknown)


def _all(layers: tuple[Fitted, ...]) -> Iterator[Tensor]:
    for layer in layers:
        yield from layer.tensors


def _embeddings(terms: TrainingTerms, asset: Asset) -> Iterator[Tensor]:
    for place, feature in enumerate(terms.features, start=1):
        if isinstance(feature, Category) and feature.width:
            rows = len(_domain(asset, feature.column)) + 1
            yield Tensor(name=f"feature{place}.weight", shape=(rows, feature.width))


def _domain(asset: Asset, column: str) -> tuple[str, ...]:
    found = asset.column(column)
    return found.domain if found else ()
