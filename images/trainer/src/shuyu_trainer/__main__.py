"""Trains as `/job/parameters.json` says, on the view under `/data`, and leaves one model under `/out`."""

import json
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shuyu_trainer.draw import Bytes, chosen
from shuyu_trainer.leave import monotone, packed
from shuyu_trainer.metrics import counted, quality
from shuyu_trainer.network import Network
from shuyu_trainer.rows import Rows, read
from shuyu_trainer.steps import trained


def made(
    recipe: dict[str, Any], rows: Rows, *, source: Bytes = os.urandom
) -> dict[str, np.ndarray]:
    """Train every try, and return the arrays that leave: the best one's, by the noisy counts, and all counts."""
    units = np.arange(len(rows.counts))
    held = chosen(len(units), rate=Fraction(recipe["held_out"]), source=source)
    taught = np.setdiff1d(units, held)
    models, counts = [], []
    for attempt in recipe["tries"]:
        arrays = trained(recipe, rows, taught, attempt=attempt, source=source)
        arrays = _finished(recipe, arrays)
        models.append({name: value.numpy().astype(np.float32) for name, value in arrays.items()})
        if Fraction(recipe["held_out"]):
            network = Network(recipe, arrays, is_training=False)
            counts.append(counted(network, rows, held, source=source))
    if not counts:
        return models[0]
    best = int(np.argmax([quality(recipe, each) for each in counts]))
    return models[best] | {"metrics": np.array(counts), "chosen": np.array([best])}


def _finished(recipe: dict[str, Any], arrays: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the arrays as they will be released: finite, and running as the bins must."""
    known = {name: value.nan_to_num().clamp(-1e30, 1e30) for name, value in arrays.items()}
    if any(feature.get("trend", "free") != "free" for feature in recipe["features"]):
        name = f"{recipe['layers'][0]['name']}.weight"
        known[name] = torch.from_numpy(monotone(recipe, known[name].numpy()))
    return known


def main() -> int:
    """Run one job; say of a failure only its kind, for a message could quote the data."""
    try:
        recipe = json.loads(Path("/job/parameters.json").read_text())
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        arrays = made(recipe, read(recipe, Path("/data"), source=os.urandom))
        Path("/out", f"{recipe['output']}.bin").write_bytes(packed(arrays))
    except Exception as error:  # noqa: BLE001 - whatever fails, no message leaves
        print(type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
