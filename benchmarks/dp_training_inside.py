"""Runs inside the trainer's container: trains what it is given, and times a private step against a plain one.

`dp_training.py` starts it. /job/parameters.json holds {"recipes": {name: parameters}, "timings": [...]}; models go to /out.
"""

import copy
import json
import os
import statistics
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping
from shuyu_trainer.__main__ import made
from shuyu_trainer.leave import packed
from shuyu_trainer.network import Network
from shuyu_trainer.rows import Rows, read
from shuyu_trainer.steps import StepTerms, grid_for, released, started

OUT = Path("/out")
CLIP = 1.0


def mlp(inputs: int, hidden: list[int], outputs: int) -> tuple[dict[str, Any], torch.nn.Sequential]:
    """Give the same network as a recipe and as torch's own."""
    sizes, layers, tensors, model = [inputs, *hidden, outputs], [], {}, []
    for place, (before, after) in enumerate(pairwise(sizes)):
        name = f"layer{2 * place + 1}"
        layers += [{"kind": "linear", "name": name}, {"kind": "tanh"}]
        tensors |= {f"{name}.bias": [after], f"{name}.weight": [after, before]}
        model += [torch.nn.Linear(before, after), torch.nn.Tanh()]
    recipe = {"features": [], "loss": "cross_entropy", "layers": layers[:-1], "tensors": tensors}
    return recipe | {"seed": 0}, torch.nn.Sequential(*model[:-1])


def timed(asked: dict[str, Any]) -> dict[str, float]:
    """Time one step of each contender, interleaved; give the medians in seconds."""
    batch, inputs, outputs = asked["batch"], asked["inputs"], asked["outputs"]
    recipe, model = mlp(inputs, asked["hidden"], outputs)
    dice = np.random.default_rng(1)
    count = batch * 10
    rows = Rows(
        plain=dice.uniform(-1, 1, (count, inputs)).astype(np.float32),
        places=np.zeros((count, 0), np.int64),
        target=dice.integers(0, outputs, count).astype(float),
        first=np.arange(count),
        counts=np.ones(count, np.int64),
    )
    network = Network(recipe, started(recipe))
    size = sum(each.numel() for each in network.arrays.values())
    terms = StepTerms(
        clip=CLIP,
        sampling=Fraction(1, 10),
        grid=grid_for(clip=CLIP, noise=Fraction(1), size=size),
    )

    def ours() -> None:
        released(network, rows, np.arange(count), terms=terms, source=os.urandom)

    contenders = {"ours": ours} | {
        f"plain, {name}": plain(model, rows, batch, kind)
        for name, kind in (("64 bits", torch.float64), ("32 bits", torch.float32))
    }
    contenders |= {"opacus ghost": ghost(asked, rows), "opacus per sample": flat(asked, rows)}
    for run in contenders.values():
        run()
    rounds = [
        {name: clocked(run) for name, run in contenders.items()} for _ in range(asked["rounds"])
    ]
    return {name: statistics.median(each[name] for each in rounds) for name in contenders}


def clocked(run: Callable[[], None]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def sampled(rows: Rows, batch: int, kind: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    places = np.random.default_rng().choice(len(rows.counts), batch, replace=False)
    return torch.from_numpy(rows.plain[places]).to(kind), torch.from_numpy(
        rows.target[places]
    ).long()


def plain(
    model: torch.nn.Sequential, rows: Rows, batch: int, kind: torch.dtype
) -> Callable[[], None]:
    """Give a step of the same model without privacy: sample, forward, backward."""
    own = copy.deepcopy(model).to(kind)

    def step() -> None:
        taken, target = sampled(rows, batch, kind)
        own.zero_grad()
        torch.nn.functional.cross_entropy(own(taken), target).backward()

    return step


def ghost(asked: dict[str, Any], rows: Rows) -> Callable[[], None]:
    """Give a step of Opacus' ghost clipping, with its noise left out."""
    hooked = GradSampleModuleFastGradientClipping(
        mlp(asked["inputs"], asked["hidden"], asked["outputs"])[1],
        max_grad_norm=CLIP,
        use_ghost_clipping=True,
        loss_reduction="sum",
    )
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.SGD(hooked.parameters(), lr=0.0),
        noise_multiplier=0.0,
        max_grad_norm=CLIP,
        expected_batch_size=asked["batch"],
        loss_reduction="sum",
    )
    criterion = DPLossFastGradientClipping(
        hooked, optimizer, torch.nn.CrossEntropyLoss(reduction="sum"), "sum"
    )

    def step() -> None:
        taken, target = sampled(rows, asked["batch"], torch.float32)
        optimizer.zero_grad()
        criterion(hooked(taken), target).backward()

    return step


def flat(asked: dict[str, Any], rows: Rows) -> Callable[[], None]:
    """Give a step of Opacus' per-sample gradients, clipped by hand."""
    hooked = GradSampleModule(
        mlp(asked["inputs"], asked["hidden"], asked["outputs"])[1], loss_reduction="sum"
    )

    def step() -> None:
        taken, target = sampled(rows, asked["batch"], torch.float32)
        for each in hooked.parameters():
            each.grad_sample = None
        torch.nn.functional.cross_entropy(hooked(taken), target, reduction="sum").backward()
        found = [each.grad_sample for each in hooked.parameters()]
        norms = torch.stack([each.flatten(1).square().sum(1) for each in found]).sum(0).sqrt()
        factors = (CLIP / norms).clamp(max=1)
        for each in found:
            torch.einsum("u,u...->...", factors, each)

    return step


def main() -> None:
    """Train every recipe, then time every network."""
    asked = json.loads(Path("/job/parameters.json").read_text())
    facts: dict[str, Any] = {"seconds": {}, "timings": {}}
    for name, recipe in asked["recipes"].items():
        begin = time.perf_counter()
        arrays = made(recipe, read(recipe, Path("/data"), source=os.urandom))
        facts["seconds"][name] = time.perf_counter() - begin
        (OUT / f"{name}.bin").write_bytes(packed(arrays))
    for each in asked["timings"]:
        facts["timings"][each["name"]] = timed(each)
    (OUT / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
