"""One step's sum: every sampled unit's gradient, clipped to a norm and added up."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from shuyu_trainer.network import Network, Tape


@dataclass(frozen=True)
class Batch:
    """Some units' rows: (units, rows, …), with rows that are only there to fill up weighing nothing."""

    plain: Tensor
    places: Tensor
    target: Tensor
    weights: Tensor
    """(units, rows): one over the unit's rows, or 0."""


def clipped_sum(network: Network, batch: Batch, *, clip: float) -> dict[str, Tensor]:
    """Return, by array, the sum over units of the mean gradient of a unit's rows, each clipped to norm `clip`.

    A unit whose gradient is not finite counts as nothing.
    """
    tape = Tape()
    with torch.enable_grad():
        loss = (_losses(network, batch, tape) * batch.weights).sum()
    errors = torch.autograd.grad(loss, tape.given)
    steps = list(zip(tape.layers, tape.taken, (each.detach() for each in errors), strict=True))
    steps = [(layer, _terms(taken), _terms(error)) for layer, taken, error in steps]
    squares = torch.stack([layer.squares(taken, error) for layer, taken, error in steps]).sum(0)
    is_finite = torch.isfinite(squares)
    factors = torch.where(is_finite, (clip / squares.sqrt()).clamp(max=1.0), 0.0)
    sums: dict[str, Tensor] = {}
    for layer, taken, error in steps:
        sums |= layer.total(_without(taken, is_finite), _without(error, is_finite), factors)
    return sums


def _terms(value: Tensor) -> Tensor:
    """Return a layer's numbers as (units, terms, width), or places as (units, rows)."""
    return value.flatten(1, -2) if value.dim() > 3 else value  # noqa: PLR2004 - units, terms, width


def _without(value: Tensor, is_finite: Tensor) -> Tensor:
    """Return the numbers with those of units that do not count as 0: 0 times infinity would not be."""
    if bool(is_finite.all()):
        return value
    return value.masked_fill(~is_finite.reshape(-1, *[1] * (value.dim() - 1)), 0)


def _losses(network: Network, batch: Batch, tape: Tape) -> Tensor:
    """Return each row's loss, (units, rows)."""
    given, target = network.forward(batch.plain, batch.places, tape), batch.target
    kind: Any = network.recipe["loss"]
    if kind == "cross_entropy":
        return functional.cross_entropy(
            given.flatten(0, 1), target.flatten().long(), reduction="none"
        ).reshape(target.shape)
    measure = {
        "logistic": functional.binary_cross_entropy_with_logits,
        "squared": functional.mse_loss,
        "huber": functional.smooth_l1_loss,
    }[kind]
    return measure(given[:, :, 0], target, reduction="none")
