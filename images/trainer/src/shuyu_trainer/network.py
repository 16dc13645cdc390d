"""The layers, and for each what one unit's gradient is: its norm, and the weighed sum over units, in one backward pass.

A unit's gradient is the sum over its rows. For a linear map with inputs a and errors b of the outputs it is the sum of
b a^T: its norm comes from the rows' inner products, or from the sum itself, whichever is less work ("ghost clipping",
Li et al. 2022, arXiv 2110.05679; with one backward pass, Bu et al. 2023, arXiv 2210.00038). Everything is in doubles.
"""

import os
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from shuyu_trainer.draw import Bytes

_SMOOTH = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
}
EPSILON = 1e-5
"""Added to the variance by the norms."""


class Learnt(Protocol):
    """A layer that learns: `parts` are its arrays' gradients, one unit's at a time."""

    def squares(self, taken: Tensor, errors: Tensor) -> Tensor:
        """Return each unit's squared norm."""

    def total(self, taken: Tensor, errors: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the weighed sum over units, by array."""


@dataclass
class Tape:
    """What each learning layer took and gave on the way forward; `given` are the places where errors are asked for."""

    layers: list[Learnt] = field(default_factory=list)
    taken: list[Tensor] = field(default_factory=list)
    given: list[Tensor] = field(default_factory=list)

    def keep(self, layer: Learnt, taken: Tensor, given: Tensor) -> Tensor:
        """Note one layer, and return what it gave."""
        if torch.is_grad_enabled() and not given.requires_grad:
            given.requires_grad_()
        self.layers.append(layer)
        self.taken.append(taken.detach())
        self.given.append(given)
        return given


@dataclass(frozen=True)
class Mapped:
    """A linear map, also a convolution's: (units, terms, inputs) and (units, terms, outputs)."""

    weight: str
    bias: str
    shape: tuple[int, ...]

    def squares(self, taken: Tensor, errors: Tensor) -> Tensor:
        """Return each unit's squared norm, of weights and bias."""
        bias = errors.sum(1).square().sum(1)
        terms, inputs, outputs = taken.shape[1], taken.shape[2], errors.shape[2]
        if terms == 1:
            return bias + taken.square().sum((1, 2)) * errors.square().sum((1, 2))
        if terms * (inputs + outputs) < inputs * outputs:
            products = torch.bmm(taken, taken.mT) * torch.bmm(errors, errors.mT)
            return bias + products.sum((1, 2)).clamp(min=0)
        return bias + torch.bmm(errors.mT, taken).square().sum((1, 2))

    def total(self, taken: Tensor, errors: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the weighed sums of both arrays."""
        weighed = errors * weights[:, None, None]
        sums = weighed.flatten(0, 1).mT @ taken.flatten(0, 1)
        return {self.weight: sums.reshape(self.shape), self.bias: weighed.sum((0, 1))}


@dataclass(frozen=True)
class Looked:
    """A table of learnt rows: (units, rows) places and (units, rows, width) errors."""

    weight: str
    rows: int

    def squares(self, taken: Tensor, errors: Tensor) -> Tensor:
        """Return each unit's squared norm: rows at the same place add up first."""
        same = (taken[:, :, None] == taken[:, None, :]).to(errors.dtype)
        return (torch.bmm(errors, errors.mT) * same).sum((1, 2)).clamp(min=0)

    def total(self, taken: Tensor, errors: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the weighed sum."""
        weighed = (errors * weights[:, None, None]).flatten(0, 1)
        sums = torch.zeros(self.rows, errors.shape[2], dtype=errors.dtype, device=errors.device)
        return {self.weight: sums.index_add_(0, taken.flatten(), weighed)}


@dataclass(frozen=True)
class Scaled:
    """A norm's own scale and shift: (units, terms, channels) both, small enough to hold for every unit."""

    weight: str
    bias: str

    def squares(self, taken: Tensor, errors: Tensor) -> Tensor:
        """Return each unit's squared norm."""
        scale = (taken * errors).sum(1).square().sum(1)
        return scale + errors.sum(1).square().sum(1) if self.bias else scale

    def total(self, taken: Tensor, errors: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return the weighed sums."""
        weighed = errors * weights[:, None, None]
        sums = {self.weight: (taken * weighed).sum((0, 1))}
        return sums | ({self.bias: weighed.sum((0, 1))} if self.bias else {})


@dataclass(frozen=True)
class Network:
    """The recipe's layers over its arrays."""

    recipe: dict[str, Any]
    arrays: dict[str, Tensor]
    source: Bytes = os.urandom
    is_training: bool = True

    def forward(self, plain: Tensor, places: Tensor, tape: Tape) -> Tensor:
        """Return (units, rows, outputs) from (units, rows, numbers) and (units, rows, embedded features)."""
        widened = [each for each in self.recipe["features"] if "width" in each]
        parts = [plain]
        for column, feature in enumerate(widened):
            table, place = self.arrays[feature["name"]], places[:, :, column]
            layer = Looked(weight=feature["name"], rows=len(table))
            parts.append(tape.keep(layer, place, table[place]))
        value = torch.cat(parts, dim=2)
        for step in self.recipe["layers"]:
            value = self._step(step, value, tape)
        return value

    def _step(self, step: dict[str, Any], value: Tensor, tape: Tape) -> Tensor:
        kind, lead = step["kind"], value.shape[:2]
        if kind in _SMOOTH:
            return _SMOOTH[kind](value)
        if kind == "image":
            return value.reshape(*lead, *step["shape"])
        if kind == "flatten":
            return value.flatten(2)
        if kind in ("mean_pool", "largest_pool"):
            pool = functional.avg_pool2d if kind == "mean_pool" else functional.max_pool2d
            return pool(value.flatten(0, 1), step["size"]).unflatten(0, lead)
        if kind == "dropout":
            return self._dropped(value, share=_share(step))
        return self._learning(step, value, tape)

    def _dropped(self, value: Tensor, *, share: float) -> Tensor:
        """Leave numbers out, each by a coin of its own: a unit's coins must not hang on who stands before it."""
        if not self.is_training:
            return value
        coins = np.frombuffer(self.source(2 * value.numel()), np.uint16).astype(np.int64)
        kept = torch.from_numpy(coins >= share * (1 << 16)).reshape(value.shape)
        return value * kept.to(value) / (1 - share)

    def _learning(self, step: dict[str, Any], value: Tensor, tape: Tape) -> Tensor:
        name, kind = step["name"], step["kind"]
        weight, bias = self.arrays[f"{name}.weight"], self.arrays.get(f"{name}.bias")
        named = {"weight": f"{name}.weight", "bias": f"{name}.bias" if bias is not None else ""}
        if kind == "linear":
            given = functional.linear(value, weight, bias)
            return tape.keep(Mapped(**named, shape=tuple(weight.shape)), value, given)
        if kind == "convolution":
            return self._convolution(step, value, tape, Mapped(**named, shape=tuple(weight.shape)))
        is_image = kind == "group_norm"
        plain = _normed(step, value)
        terms = plain.flatten(3).mT.flatten(1, 2) if is_image else plain
        scaled = terms * weight + (bias if bias is not None else 0)
        given = tape.keep(Scaled(**named), terms, scaled)
        if not is_image:
            return given
        units, rows, channels, height, width = value.shape
        return given.reshape(units, rows, height * width, channels).mT.reshape(value.shape)

    def _convolution(
        self, step: dict[str, Any], value: Tensor, tape: Tape, layer: Mapped
    ) -> Tensor:
        """Take each pixel's neighbourhood as the inputs of one linear map."""
        weight, bias = self.arrays[layer.weight], self.arrays[layer.bias]
        units, rows, _, height, width = value.shape
        size, stride, padding = weight.shape[2], step["stride"], step["padding"]
        patches = functional.unfold(value.flatten(0, 1), size, padding=padding, stride=stride)
        taken = patches.mT.reshape(units, -1, patches.shape[1])
        given = tape.keep(layer, taken, functional.linear(taken, weight.flatten(1), bias))
        lines, pixels = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
        return given.reshape(units, rows, lines * pixels, -1).mT.reshape(
            units, rows, -1, lines, pixels
        )


def _normed(step: dict[str, Any], value: Tensor) -> Tensor:
    if step["kind"] == "layer_norm":
        return functional.layer_norm(value, value.shape[2:], eps=EPSILON)
    if step["kind"] == "rms_norm":
        return value / (value.square().mean(2, keepdim=True) + EPSILON).sqrt()
    flat = functional.group_norm(value.flatten(0, 1), step["groups"], eps=EPSILON)
    return flat.unflatten(0, value.shape[:2])


def _share(step: dict[str, Any]) -> float:
    above, _, below = step["share"].partition("/")
    return int(above) / int(below or 1)
