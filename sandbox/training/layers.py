"""The layers that a developer may ask for, and how they fit one another: no batch norm, for it mixes units."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import prod
from typing import Annotated, Any, Literal, assert_never

from pydantic import Discriminator

from sandbox.errors import SandboxError

MAX_PARAMETERS = 1 << 20
MAX_WIDTH = 1 << 16


class LayerError(SandboxError):
    """A layer does not fit what comes before it; `place` counts from 1."""

    def __init__(self, place: int) -> None:
        """Say which layer it is."""
        super().__init__(f"layer {place} does not fit")
        self.place = place


class Smooth(StrEnum):
    """Functions of one number."""

    RELU = "relu"
    TANH = "tanh"
    SIGMOID = "sigmoid"
    SILU = "silu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Weighs all inputs, and adds a bias."""

    outputs: int
    kind: Literal["linear"] = "linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Takes the inputs as an image: by channel, then by line."""

    channels: int = 1
    height: int
    width: int
    kind: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """Weighs each pixel's square neighbourhood."""

    outputs: int
    """Channels."""
    size: int
    stride: int = 1
    padding: int = 0
    kind: Literal["convolution"] = "convolution"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNorm:
    """Centres and scales each row's numbers by their own mean and deviation."""

    kind: Literal["layer_norm"] = "layer_norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RmsNorm:
    """Scales each row's numbers by their own root mean square."""

    kind: Literal["rms_norm"] = "rms_norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNorm:
    """Centres and scales groups of an image's channels; as many groups as channels is the instance norm."""

    groups: int
    kind: Literal["group_norm"] = "group_norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """Applies a function to each number."""

    function: Smooth
    kind: Literal["activation"] = "activation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Takes the mean or the largest of each square of an image."""

    size: int
    how: Literal["mean", "largest"] = "mean"
    kind: Literal["pool"] = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """Leaves out a share of the numbers while training."""

    share: Fraction
    kind: Literal["dropout"] = "dropout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Takes an image as plain numbers."""

    kind: Literal["flatten"] = "flatten"


Layer = Annotated[
    Linear
    | Image
    | Convolution
    | LayerNorm
    | RmsNorm
    | GroupNorm
    | Activation
    | Pool
    | Dropout
    | Flatten,
    Discriminator("kind"),
]

Shape = tuple[int, ...]
"""Of one row: (n,) or (channels, height, width)."""
Step = dict[str, Any]
"""One layer as the trainer and the scorer read it: every size stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One array of learnt numbers."""

    name: str
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """One layer with its sizes, the arrays that it learns, and the shape of what it gives."""

    step: Step
    tensors: tuple[Tensor, ...]
    gives: Shape


def fitted(layers: tuple[Layer, ...], takes: int) -> Iterator[Fitted]:
    """Fit each layer to the one before; `takes` is how many numbers a row comes with. Raises `LayerError`."""
    shape: Shape = (takes,)
    for place, layer in enumerate(layers, start=1):
        found = _fitted(layer, shape, name=f"layer{place}")
        if found is None or prod(found.gives) > MAX_WIDTH:
            raise LayerError(place)
        yield found
        shape = found.gives


def _fitted(layer: Layer, shape: Shape, *, name: str) -> Fitted | None:
    match layer:
        case Linear() | LayerNorm() | RmsNorm() | Image():
            return _of_row(layer, shape, name=name) if len(shape) == 1 else None
        case Convolution() | GroupNorm() | Pool() | Flatten():
            return _of_image(layer, shape, name=name) if len(shape) == 3 else None  # noqa: PLR2004 - channels, lines, pixels
        case Activation():
            return Fitted(step={"kind": layer.function.value}, tensors=(), gives=shape)
        case Dropout():
            step: Step = {"kind": "dropout", "share": str(layer.share)}
            return Fitted(step=step, tensors=(), gives=shape) if 0 <= layer.share < 1 else None
        case _ as unknown:
            assert_never(unknown)


def _of_row(
    layer: Linear | LayerNorm | RmsNorm | Image, shape: Shape, *, name: str
) -> Fitted | None:
    [takes] = shape
    match layer:
        case Linear(outputs=gives):
            known = gives > 0
            return _learnt("linear", name, weight=(gives, takes), gives=(gives,)) if known else None
        case LayerNorm():
            return _learnt("layer_norm", name, weight=shape, gives=shape)
        case RmsNorm():
            return _learnt("rms_norm", name, weight=shape, gives=shape, is_shifted=False)
        case Image():
            image = (layer.channels, layer.height, layer.width)
            fits = min(image) > 0 and prod(image) == takes
            step: Step = {"kind": "image", "shape": list(image)}
            return Fitted(step=step, tensors=(), gives=image) if fits else None
        case _ as unknown:
            assert_never(unknown)


def _of_image(
    layer: Convolution | GroupNorm | Pool | Flatten, shape: Shape, *, name: str
) -> Fitted | None:
    channels, height, width = shape
    match layer:
        case Convolution():
            return _convolution(layer, shape, name=name)
        case GroupNorm(groups=groups):
            if groups < 1 or channels % groups:
                return None
            return _learnt("group_norm", name, weight=(channels,), gives=shape, groups=groups)
        case Pool(size=size):
            if not 1 <= size <= min(height, width):
                return None
            step: Step = {"kind": f"{layer.how}_pool", "size": size}
            return Fitted(step=step, tensors=(), gives=(channels, height // size, width // size))
        case Flatten():
            return Fitted(step={"kind": "flatten"}, tensors=(), gives=(prod(shape),))
        case _ as unknown:
            assert_never(unknown)


def _convolution(layer: Convolution, shape: Shape, *, name: str) -> Fitted | None:
    channels, height, width = shape
    if min(layer.outputs, layer.size, layer.stride) < 1 or not 0 <= layer.padding < layer.size:
        return None
    lines, pixels = (
        (side + 2 * layer.padding - layer.size) // layer.stride + 1 for side in (height, width)
    )
    if min(lines, pixels) < 1:
        return None
    weight = (layer.outputs, channels, layer.size, layer.size)
    gives = (layer.outputs, lines, pixels)
    stride, padding = layer.stride, layer.padding
    return _learnt("convolution", name, weight=weight, gives=gives, stride=stride, padding=padding)


def _learnt(
    kind: str, name: str, *, weight: Shape, gives: Shape, is_shifted: bool = True, **sizes: int
) -> Fitted:
    tensors = [Tensor(name=f"{name}.weight", shape=weight)]
    if is_shifted:
        tensors.append(Tensor(name=f"{name}.bias", shape=weight[:1]))
    step: Step = {"kind": kind, "name": name, **sizes}
    return Fitted(step=step, tensors=tuple(tensors), gives=gives)
