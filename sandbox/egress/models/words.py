"""A fitted model of a closed form: linear, logistic, scorecard, trees or a small network.

A form holds what was learnt from groups of units and nothing that could be units: no support vectors, neighbours, tables of
keys, kernels or code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, TypeAdapter

from sandbox.asset import AssetId
from sandbox.egress.models.rounding import SMALLEST

_CLOSED = ConfigDict(extra="forbid", strict=True)
Name = Annotated[str, Field(min_length=1, max_length=100)]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=500)]
Numbers = Annotated[tuple[Finite, ...], Field(max_length=5000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A column of numbers: (value - centre) / spread; what is missing counts as 0."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["number"]
    column: Name
    centre: Finite = 0.0
    spread: Annotated[float, Field(gt=SMALLEST, le=1e30)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A dimension: one indicator for each category that is listed; any other has none."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["category"]
    column: Name
    categories: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """A column of numbers, by the bin between cuts that it lies in: one indicator a bin; what is missing has none."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["binned"]
    column: Name
    cuts: Annotated[tuple[Finite, ...], Field(min_length=1, max_length=50)]
    """Ascending: bin i holds what is at least cut i-1 and below cut i."""


Input = Annotated[Number | Category | Binned, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is told: whether a column has one of some categories, or, without any, its amount."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    column: Name
    positive: Annotated[tuple[Name, ...], Field(max_length=500)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """One weight for each feature."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["linear", "logistic", "scorecard"]
    weights: Numbers
    intercept: Finite
    l2: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """The penalty of the job's own fit, on the sum of squares: half of it times the squared weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What is told of the rows that end here."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    leaf: Finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Sends a row to `yes` where its number is below a threshold, or its category is among some; else to `no`."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    input: Annotated[int, Field(ge=0, lt=500)]
    yes: "Leaf | Split"
    no: "Leaf | Split"
    below: Finite | None = None
    among: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Trees whose leaves are averaged (a forest) or added up (boosting, from `start`)."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["trees"]
    trees: Annotated[tuple[Leaf | Split, ...], Field(min_length=1, max_length=200)]
    combine: Literal["mean", "sum"] = "mean"
    start: Finite = 0.0
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The learning rate of boosting, which its leaves have in them."""


class Between(StrEnum):
    """What stands between two layers."""

    RELU = "relu"
    TANH = "tanh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer: one line of weights for each of its outputs."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    weights: Annotated[tuple[Numbers, ...], Field(min_length=1, max_length=500)]
    bias: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Layers with a function between them; the last has one output."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["network"]
    layers: Annotated[tuple[Layer, ...], Field(min_length=2, max_length=4)]
    between: Annotated[Between, Field(strict=False)] = Between.RELU
    steps: Annotated[int, Field(ge=1, le=50_000)]
    """Of the job's own training, with Adam over batches of 64 rows."""
    rate: Annotated[float, Field(gt=0, le=1)] = 0.01
    l2: Annotated[float, Field(ge=0, le=1e9)] = 0.0


Fitted = Annotated[Linear | Trees | Network, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and what it reads."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    form: Literal["shuyu-fitted-1"]
    target: Target
    inputs: Annotated[tuple[Input, ...], Field(min_length=1, max_length=500)]
    fitted: Fitted
    asset: AssetId | None = None
    """Whose view it was fitted on; with one view only, it need not be named."""

    @property
    def is_binary(self) -> bool:
        """Whether it tells the log odds of a yes (a forest: its share)."""
        return bool(self.target.positive)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that it reads or tells."""
        return (*(each.column for each in self.inputs), self.target.column)

    @property
    def width(self) -> int:
        """Return how many features its inputs make."""
        return sum(widths(each) for each in self.inputs)

    def form_json(self) -> str:
        """Return it as JSON, in the order of its fields; equal models give equal texts."""
        return MODEL.dump_json(self, exclude_defaults=True).decode()


MODEL: TypeAdapter[Model] = TypeAdapter(Model)


def widths(one: Input) -> int:
    """Return how many features an input makes."""
    match one:
        case Number():
            return 1
        case Category(categories=categories):
            return len(categories)
        case Binned(cuts=cuts):
            return len(cuts) + 1


def nodes(tree: Leaf | Split) -> Iterator[Leaf | Split]:
    """Yield a tree's splits and leaves, each split before what is under it."""
    yield tree
    if isinstance(tree, Split):
        yield from nodes(tree.yes)
        yield from nodes(tree.no)
