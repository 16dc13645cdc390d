"""Charged counts on units that the training never saw: how often each score meets each outcome."""

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from shuyu_trainer.draw import Bytes
from shuyu_trainer.network import Network, Tape
from shuyu_trainer.noise import rounded_gaussian
from shuyu_trainer.rows import Rows
from shuyu_trainer.steps import batch_of


def cells(recipe: dict[str, Any]) -> int:
    """Return how many counts there are: bins of scores for each outcome, or wrong and right."""
    return 2 * recipe["bins"] if recipe["target"]["kind"] == "binary" else 2


def counted(network: Network, rows: Rows, units: np.ndarray, *, source: Bytes) -> np.ndarray:
    """Return the noisy counts; each unit is in one of them, by one row of its own, chosen at random."""
    recipe = network.recipe
    counts = np.zeros(cells(recipe), np.int64)
    for begin in range(0, len(units), 8192):
        scores, target = _scored(network, rows, units[begin : begin + 8192])
        counts += np.bincount(_cell(recipe, scores, target), minlength=len(counts))
    return counts + rounded_gaussian(
        len(counts), scale=float(Fraction(recipe["metric_noise"])), source=source
    )


def quality(recipe: dict[str, Any], counts: np.ndarray) -> float:
    """Return the area under the curve, or the share that is right; post-processing of the noisy counts."""
    known = np.maximum(counts, 0).astype(np.float64)
    if recipe["target"]["kind"] != "binary":
        return float(known[1] / max(known.sum(), 1.0))
    negative, positive = known.reshape(2, -1)
    pairs = positive @ (np.cumsum(negative) - negative / 2)
    return float(pairs / max(negative.sum() * positive.sum(), 1.0))


def _scored(network: Network, rows: Rows, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    like = next(iter(network.arrays.values()))
    batch = batch_of(rows, units, like=like)
    with torch.no_grad():
        given = network.forward(batch.plain[:, :1], batch.places[:, :1], Tape())
    return given[:, 0].cpu().numpy(), batch.target[:, 0].cpu().numpy()


def _cell(recipe: dict[str, Any], scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    if recipe["target"]["kind"] != "binary":
        return (scores.argmax(1) == target).astype(np.int64)
    chance = np.nan_to_num(1 / (1 + np.exp(-np.clip(scores[:, 0], -60, 60))), nan=0.5)
    place = np.minimum((chance * recipe["bins"]).astype(np.int64), recipe["bins"] - 1)
    return target.astype(np.int64) * recipe["bins"] + place
