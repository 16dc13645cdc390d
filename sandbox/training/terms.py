"""What a developer asks of the trusted trainer, as data: columns, a design, an optimiser and a target epsilon."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Discriminator, TypeAdapter

from sandbox.asset import AssetId
from sandbox.training.layers import Layer, Smooth


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A measure, scaled from its declared bounds to -1 … 1; what is missing counts as 0, the middle."""

    column: str
    kind: Literal["number"] = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A dimension, by its declared domain; what is missing or outside of the domain is a category of its own."""

    column: str
    width: int = 0
    """0 for one indicator a category, else how many learnt numbers stand for a category."""
    kind: Literal["category"] = "category"


class Trend(StrEnum):
    """How the weights of a binned measure must run, from the lowest bin to the highest."""

    FREE = "free"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """A measure, by the bin between public cut points that it lies in; what is missing has a bin of its own."""

    column: str
    cuts: tuple[Fraction, ...]
    """Ascending, inside the declared bounds: bin i holds what is at least cut i-1 and below cut i."""
    trend: Trend = Trend.FREE
    kind: Literal["binned"] = "binned"


Feature = Annotated[Number | Category | Binned, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """Whether a dimension has one of some categories; rows without a category teach nothing."""

    column: str
    positive: tuple[str, ...]
    kind: Literal["binary"] = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """Which category a dimension has; rows without one teach nothing."""

    column: str
    kind: Literal["one_of"] = "one_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A measure, scaled from its declared bounds to -1 … 1; rows without one teach nothing."""

    column: str
    kind: Literal["amount"] = "amount"


Target = Annotated[Binary | OneOf | Amount, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """One linear layer."""

    kind: Literal["logistic"] = "logistic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """One linear layer over bins and categories, whose weights are told as points."""

    base: int = 600
    """The points of a row whose odds of being positive are one to `odds`."""
    odds: int = 50
    double: int = 20
    """How many points more halve the odds of being positive."""
    kind: Literal["scorecard"] = "scorecard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """Linear layers with a smooth function between them."""

    hidden: tuple[int, ...] = (32,)
    between: Smooth = Smooth.TANH
    kind: Literal["mlp"] = "mlp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Layers of the allow-list, in order; the last one must give what the target needs."""

    layers: tuple[Layer, ...]
    kind: Literal["layers"] = "layers"


Design = Annotated[Logistic | Scorecard | Mlp | Layers, Discriminator("kind")]


class Loss(StrEnum):
    """What a row's error is measured by."""

    LOGISTIC = "logistic"
    CROSS_ENTROPY = "cross_entropy"
    SQUARED = "squared"
    HUBER = "huber"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd:
    """Plain steps along the noisy mean gradient."""

    momentum: Fraction = Fraction(0)
    kind: Literal["sgd"] = "sgd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Steps scaled by the noisy gradients' own moments (Kingma and Ba 2015)."""

    kind: Literal["adam"] = "adam"


Optimiser = Annotated[Sgd | Adam, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One pair of what is tuned; each try is charged in full."""

    rate: Fraction
    """The learning rate."""
    clip: Fraction
    """The most that the norm of one unit's gradient may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Charged counts of scores and outcomes on units that the training never sees."""

    share: Fraction = Fraction(1, 5)
    """The chance that a unit is kept for it."""
    rho: Fraction = Fraction(1, 200)
    """What the counts of each try cost, beside the training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTerms:
    """All that decides a training and its price; it holds no data, and no number taken from data."""

    asset: AssetId
    features: tuple[Feature, ...]
    target: Target
    design: Design
    loss: Loss
    optimiser: Optimiser = Adam()
    tries: tuple[Try, ...]
    """More than one is tuning: the one with the best charged counts is released."""
    steps: int
    sampling_rate: Fraction
    """The chance that a step samples a unit: public, and never one over a private count."""
    units: int
    """About how many units there are, as anybody may know: it scales the steps, never the noise."""
    rows_per_unit: int = 1
    """A unit with more rows has so many of them chosen at random, once."""
    averaged: Fraction = Fraction(0)
    """The share of the steps, the last ones, whose weights are averaged into the model."""
    seed: int = 0
    """Of the first weights only."""
    epsilon: Fraction
    """The target; the noise is the least that keeps it, before the cost of the metrics."""
    delta: Fraction = Fraction(1, 10**6)
    """At which epsilon is stated; the ledger's own delta is what it gives to rho."""
    metrics: Metrics | None = None

    def form(self) -> str:
        """Return the canonical JSON form; fractions are texts."""
        return _TERMS.dump_json(self).decode()

    @classmethod
    def of(cls, form: str | bytes) -> Self:
        """Read the JSON form; raise pydantic's `ValidationError` where it is not one."""
        return _TERMS.validate_json(form)  # type: ignore[return-value]


_TERMS = TypeAdapter(TrainingTerms)
