"""The training: as many noisy steps as were paid for, whatever the data; nothing else of the data is ever read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shuyu_trainer.clipping import Batch, clipped_sum
from shuyu_trainer.draw import Bytes, chosen
from shuyu_trainer.network import Network
from shuyu_trainer.noise import rounded_gaussian
from shuyu_trainer.rows import Rows

_FINE = 12
"""The grid is finer than the clip by so many bits and by the root of the model's size."""
_CHUNK = 8192
"""Rows that are taken through the layers at once."""
_MOMENTS = (0.9, 0.999, 1e-8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The whole numbers on which a step's sum is released.

    Rounding moves each coordinate by half a grid step at most, so that one unit changes the rounded sum by at most the
    clip and step * sqrt(size); as much again is set aside for the doubles' own rounding, which stays below it for
    batches of up to 2^20 units.
    """

    step: float
    """A power of two: scaling by it is exact."""
    deviation: float
    """The noise's, in grid steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTerms:
    """What the privacy of one step hangs on."""

    clip: float
    sampling: Fraction
    grid: Grid


def grid_for(*, clip: float, noise: Fraction, size: int) -> Grid:
    """Return the grid for arrays of `size` numbers together."""
    step = 2.0 ** (ceil(log2(clip)) - 1 - _FINE - ceil(log2(size) / 2))
    most = clip * (1 + 2.0**-_FINE) + step * sqrt(size)
    return Grid(step=step, deviation=float(noise) * most / step * (1 + 2.0**-40))


def started(recipe: dict[str, Any]) -> dict[str, Tensor]:
    """Return the first weights: zeros for the last layer, biases and shifts; else uniform, from the public seed."""
    dice = np.random.default_rng(recipe["seed"])
    last = recipe["layers"][-1].get("name")
    arrays = {}
    for name, shape in recipe["tensors"].items():
        if name.endswith(".bias") or name == f"{last}.weight":
            value = np.zeros(shape)
        elif len(shape) == 1:
            value = np.ones(shape)
        else:
            value = dice.uniform(-1, 1, shape) / sqrt(np.prod(shape[1:]))
        arrays[name] = torch.tensor(value, dtype=torch.float64)
    return arrays


def trained(
    recipe: dict[str, Any],
    rows: Rows,
    units: np.ndarray,
    *,
    attempt: dict[str, str],
    source: Bytes = os.urandom,
) -> dict[str, Tensor]:
    """Train on these units of `rows`, and return the arrays of the model."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    arrays = {name: value.to(device) for name, value in started(recipe).items()}
    clip, rate = float(Fraction(attempt["clip"])), float(Fraction(attempt["rate"]))
    size = sum(value.numel() for value in arrays.values())
    grid = grid_for(clip=clip, noise=Fraction(recipe["noise"]), size=size)
    sampling = Fraction(recipe["sampling_rate"])
    terms = StepTerms(clip=clip, sampling=sampling, grid=grid)
    expected = float(sampling) * recipe["units"]
    optimise = _optimiser(recipe, size, rate=rate)
    network, average = Network(recipe, arrays, source=source), np.zeros(size)
    for step in range(recipe["steps"]):
        noisy = released(network, rows, units, terms=terms, source=source)
        change = optimise(noisy * grid.step / expected)
        _move(arrays, change)
        if step >= recipe["steps"] - recipe["averaged"]:
            average += _flat(arrays) / recipe["averaged"]
    if recipe["averaged"]:
        _move(arrays, average - _flat(arrays))
    return {name: value.cpu() for name, value in arrays.items()}


def released(
    network: Network, rows: Rows, units: np.ndarray, *, terms: StepTerms, source: Bytes
) -> np.ndarray:
    """Return one step's noisy sum in grid steps: all that a step lets out, also where it sampled nobody."""
    sampled = units[chosen(len(units), rate=terms.sampling, source=source)]
    total = summed(network, rows, sampled, clip=terms.clip)
    whole = np.rint(total / terms.grid.step).astype(np.int64)
    return whole + rounded_gaussian(len(whole), scale=terms.grid.deviation, source=source)


def summed(network: Network, rows: Rows, sampled: np.ndarray, *, clip: float) -> np.ndarray:
    """Return the sampled units' clipped gradients, added up, as one vector in the order of the arrays."""
    arrays = network.arrays
    total = np.zeros(sum(value.numel() for value in arrays.values()))
    most = int(rows.counts[sampled].max(initial=1))
    held = max(1, _CHUNK // most)
    for begin in range(0, len(sampled), held):
        batch = batch_of(rows, sampled[begin : begin + held], like=next(iter(arrays.values())))
        sums = clipped_sum(network, batch, clip=clip)
        total += _flat({name: sums[name] for name in arrays})
    return total


def batch_of(rows: Rows, units: np.ndarray, *, like: Tensor) -> Batch:
    """Return these units' rows, each filled up to the longest with the last of its own."""
    counts = rows.counts[units]
    within = np.arange(int(counts.max()))
    is_row = within < counts[:, None]
    places = rows.first[units][:, None] + np.minimum(within, counts[:, None] - 1)
    weights = is_row / counts[:, None]

    def sent(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values[places]).to(like.device)

    return Batch(
        plain=sent(rows.plain).to(like.dtype),
        places=sent(rows.places),
        target=sent(rows.target),
        weights=torch.from_numpy(weights).to(like.device),
    )


def _flat(arrays: dict[str, Tensor]) -> np.ndarray:
    return torch.cat([value.flatten() for value in arrays.values()]).cpu().numpy()


def _move(arrays: dict[str, Tensor], change: np.ndarray) -> None:
    """Add a vector to the arrays, in their order."""
    begin = 0
    for value in arrays.values():
        part = torch.from_numpy(change[begin : begin + value.numel()])
        value.add_(part.reshape(value.shape).to(value.device))
        begin += value.numel()


def _optimiser(
    recipe: dict[str, Any], size: int, *, rate: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what turns noisy mean gradients into changes of the weights: post-processing."""
    momentum, velocity = float(Fraction(recipe["momentum"])), np.zeros(size)
    if recipe["optimiser"] == "sgd":

        def plain(gradient: np.ndarray) -> np.ndarray:
            velocity[:] = momentum * velocity + gradient
            return -rate * velocity

        return plain
    first, second, count = np.zeros(size), np.zeros(size), iter(range(1, recipe["steps"] + 1))
    one, two, least = _MOMENTS

    def adam(gradient: np.ndarray) -> np.ndarray:
        step = next(count)
        first[:] = one * first + (1 - one) * gradient
        second[:] = two * second + (1 - two) * gradient**2
        return -rate * (first / (1 - one**step)) / (np.sqrt(second / (1 - two**step)) + least)

    return adam
