"""Runs inside the trainer's container, on its torch: measures what the tests beside it judge, and says it as JSON.

Every audit takes one noisy step as a black box, so that a step with a planted fault is measured by the same code.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch  # type: ignore[import-not-found]
from opacus import GradSampleModule  # type: ignore[import-not-found]
from shuyu_trainer.__main__ import made  # type: ignore[import-not-found]
from shuyu_trainer.clipping import Batch, _losses  # type: ignore[import-not-found]
from shuyu_trainer.leave import packed  # type: ignore[import-not-found]
from shuyu_trainer.network import Network, Tape  # type: ignore[import-not-found]
from shuyu_trainer.rows import Rows, encoded, read  # type: ignore[import-not-found]
from shuyu_trainer.steps import (  # type: ignore[import-not-found]
    StepTerms,
    batch_of,
    grid_for,
    released,
    started,
    summed,
    trained,
)

RUNS = 150
CLIP = 0.5
NOISE = Fraction(3, 2)
RECIPE: dict[str, Any] = {
    "features": [],
    "loss": "logistic",
    "layers": [{"kind": "linear", "name": "layer1"}],
    "tensors": {"layer1.bias": [1], "layer1.weight": [1, 4]},
    "seed": 0,
}


def rows_of(units: int, *, heavy: int = 1) -> Rows:
    """Units with one row each; the last one has `heavy` rows, all of which pull the same way, and hard."""
    dice = np.random.default_rng(1)
    counts = np.ones(units, np.int64)
    counts[-1:] = heavy
    total = int(counts.sum())
    plain = dice.uniform(-1, 1, (total, 4)).astype(np.float32)
    plain[units - 1 :] = 50
    return Rows(
        plain=plain,
        places=np.zeros((total, 0), np.int64),
        target=np.ones(total),
        first=np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)[:units],
        counts=counts,
    )


def terms_of(size: int, *, sampling: Fraction = Fraction(1)) -> StepTerms:
    return StepTerms(clip=CLIP, sampling=sampling, grid=grid_for(clip=CLIP, noise=NOISE, size=size))


@dataclass(frozen=True)
class Place:
    """What one step is asked: all that it may look at."""

    network: Network
    rows: Rows
    units: np.ndarray
    terms: StepTerms
    source: Callable[[int], bytes] = os.urandom


Released = Callable[[Place], np.ndarray]


def right(at: Place) -> np.ndarray:
    """The trainer's own step."""
    return released(at.network, at.rows, at.units, terms=at.terms, source=at.source)  # type: ignore[no-any-return]


def audit(step: Released) -> dict[str, Any]:
    """Measure one step's mean change by a unit, its noise, its sampling, its repetition, and its answer to nobody."""
    network = Network(RECIPE, started(RECIPE))
    heavy, whole = rows_of(6, heavy=40), terms_of(5)
    crowded = Place(network, rows_of(6), np.full(400, 5), terms_of(5, sampling=Fraction(1, 2)))

    def drawn(at: Place) -> np.ndarray:
        return np.array([step(at) for _ in range(RUNS)])

    every, fewer, nobody = (
        drawn(Place(network, heavy, np.arange(units), whole)) for units in (6, 5, 0)
    )
    crowd = drawn(crowded)
    deviation, grain = whole.grid.deviation, whole.grid.step / CLIP
    axis = crowd.mean(0) / np.linalg.norm(crowd.mean(0))
    return {
        "change": float(np.linalg.norm(every.mean(0) - fewer.mean(0))) * grain,
        "change_error": deviation * grain * (2 * 5 / RUNS) ** 0.5,
        "noise": (every.std(0, ddof=1) / deviation).tolist(),
        "noise_of_nobody": (nobody.std(0, ddof=1) / deviation).tolist(),
        "sampled": float(np.linalg.norm(crowd.mean(0))) * grain,
        "sampled_spread": float((crowd @ axis).std(ddof=1)) * grain,
        "repeats": bool((every[0] == every[1]).all()),
        "is_whole": bool(np.issubdtype(every.dtype, np.integer)),
    }


def wrong(*, clip: float = CLIP, scale: float = 1.0, is_sampled: bool = True) -> Released:
    """A step that clips at another norm, scales its noise otherwise, or does not sample."""

    def step(at: Place) -> np.ndarray:
        grid = replace(at.terms.grid, deviation=at.terms.grid.deviation * scale)
        sampling = at.terms.sampling if is_sampled else Fraction(1)
        return right(replace(at, terms=replace(at.terms, clip=clip, sampling=sampling, grid=grid)))

    return step


def by_row(at: Place) -> np.ndarray:
    """Clips each row, not each unit."""
    own = [at.rows.first[u] + np.arange(at.rows.counts[u]) for u in at.units]
    places = np.concatenate([*own, np.zeros(0, np.int64)]).astype(np.int64)
    count = len(at.rows.plain)
    each = replace(at.rows, first=np.arange(count), counts=np.ones(count, np.int64))
    return right(replace(at, rows=each, units=places))


def used_again(at: Place) -> np.ndarray:
    """Begins from the same seed each time."""
    return right(replace(at, source=np.random.default_rng(7).bytes))


def silent_for_nobody(at: Place) -> np.ndarray:
    """Leaves the noise out where there is nobody to sample."""
    return right(at) if len(at.units) else np.zeros(5, np.int64)


def plain_sum(at: Place) -> np.ndarray:
    """The sum without sampling and noise, in grid steps."""
    return summed(at.network, at.rows, at.units, clip=at.terms.clip) / at.terms.grid.step  # type: ignore[no-any-return]


def partly_noisy(at: Place) -> np.ndarray:
    """Forgets the noise of one coordinate."""
    found = right(at)
    found[0] = np.rint(plain_sum(at)[0])
    return found


def on_floats(at: Place) -> np.ndarray:
    """Adds the noise to doubles, without a grid."""
    return plain_sum(at) + np.random.default_rng().normal(0, at.terms.grid.deviation, 5)


FAULTS: dict[str, Released] = {
    "no clipping": wrong(clip=1e9),
    "clipping by row": by_row,
    "noise that is not scaled by the clip": wrong(scale=CLIP),
    "no noise": wrong(scale=1e-12),
    "no sampling": wrong(is_sampled=False),
    "a seed used again": used_again,
    "no noise for nobody": silent_for_nobody,
    "one coordinate without noise": partly_noisy,
    "noise on floats": on_floats,
}


def network_of(
    layers: list[dict[str, Any]], tensors: dict[str, list[int]], features: list[dict[str, Any]]
) -> Network:
    dice = np.random.default_rng(2)
    recipe = {"features": features, "loss": "logistic", "layers": layers, "tensors": tensors}
    arrays = {name: torch.tensor(dice.normal(0, 0.5, shape)) for name, shape in tensors.items()}
    return Network(recipe, arrays)


def _linear(name: str) -> dict[str, Any]:
    return {"kind": "linear", "name": name}


NETWORKS = {
    "linear": network_of([_linear("layer1")], {"layer1.bias": [1], "layer1.weight": [1, 36]}, []),
    "deep": network_of(
        [_linear("layer1"), {"kind": "layer_norm", "name": "layer2"}, {"kind": "silu"},
         {"kind": "rms_norm", "name": "layer3"}, _linear("layer4")],
        {"layer1.bias": [7], "layer1.weight": [7, 36], "layer2.bias": [7], "layer2.weight": [7],
         "layer3.weight": [7], "layer4.bias": [1], "layer4.weight": [1, 7]},
        [],
    ),
    "embedded": network_of(
        [_linear("layer1")],
        {"feature1.weight": [4, 3], "layer1.bias": [1], "layer1.weight": [1, 39]},
        [{"width": 3, "name": "feature1.weight"}],
    ),
    "image": network_of(
        [{"kind": "image", "shape": [1, 6, 6]},
         {"kind": "convolution", "name": "layer2", "stride": 1, "padding": 1},
         {"kind": "group_norm", "name": "layer3", "groups": 2}, {"kind": "relu"},
         {"kind": "largest_pool", "size": 2},
         {"kind": "convolution", "name": "layer4", "stride": 2, "padding": 0},
         {"kind": "flatten"}, _linear("layer5")],
        {"layer2.bias": [4], "layer2.weight": [4, 1, 3, 3], "layer3.bias": [4], "layer3.weight": [4],
         "layer4.bias": [5], "layer4.weight": [5, 4, 2, 2], "layer5.bias": [1], "layer5.weight": [1, 5]},
        [],
    ),
}  # fmt: skip


def some_rows(units: int, most: int) -> Rows:
    dice = np.random.default_rng(3)
    counts = dice.integers(1, most + 1, units)
    total = int(counts.sum())
    return Rows(
        plain=dice.normal(0, 1, (total, 36)).astype(np.float32),
        places=dice.integers(0, 4, (total, 1)),
        target=dice.integers(0, 2, total).astype(float),
        first=np.concatenate([[0], np.cumsum(counts)[:-1]]),
        counts=counts,
    )


def own_gradient(network: Network, batch: Batch) -> torch.Tensor:
    """The gradient of a batch by plain automatic differentiation over the arrays."""
    arrays = {name: value.clone().requires_grad_() for name, value in network.arrays.items()}
    loss = (_losses(Network(network.recipe, arrays), batch, Tape()) * batch.weights).sum()
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(arrays.values()))])


def gradients(network: Network, rows: Rows, clip: float) -> dict[str, float]:
    """Hold the sum against each unit's own clipped gradient, and the sums with and without each unit against the clip."""
    units = np.arange(len(rows.counts))
    like = next(iter(network.arrays.values()))
    own = [own_gradient(network, batch_of(rows, units[[u]], like=like)).numpy() for u in units]
    norms = [float(np.linalg.norm(each)) for each in own]
    wanted = sum(each * min(1.0, clip / norm) for each, norm in zip(own, norms, strict=True))
    whole = summed(network, rows, units, clip=clip)
    step = grid_for(clip=clip, noise=NOISE, size=len(whole)).step
    rounded = np.rint(whole / step)
    moved = [
        float(
            np.linalg.norm(
                rounded - np.rint(summed(network, rows, np.delete(units, u), clip=clip) / step)
            )
        )
        for u in units
    ]
    allowed = clip * (1 + 2**-12) / step + len(whole) ** 0.5
    return {
        "error": float(np.abs(whole - wanted).max()),
        "clipped": sum(norm > clip for norm in norms),
        "most": max(moved) / allowed,
        "control": max(norms) * 1.0 / clip,
    }


def opacus_error() -> float:
    """The sum of Opacus' own per-sample gradients, clipped by hand, for one row a unit, against ours."""
    network, rows = NETWORKS["deep"], some_rows(40, 1)
    arrays = network.arrays
    model = torch.nn.Sequential(
        torch.nn.Linear(36, 7), torch.nn.LayerNorm(7), torch.nn.SiLU(),
        torch.nn.RMSNorm(7, eps=1e-5), torch.nn.Linear(7, 1),
    ).double()  # fmt: skip
    ordered = ["layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias", "layer3.weight",
               "layer4.weight", "layer4.bias"]  # fmt: skip
    with torch.no_grad():
        for parameter, name in zip(model.parameters(), ordered, strict=True):
            parameter.copy_(arrays[name])
    hooked = GradSampleModule(model, loss_reduction="sum")
    given = hooked(torch.from_numpy(rows.plain).double())
    torch.nn.functional.binary_cross_entropy_with_logits(
        given[:, 0], torch.from_numpy(rows.target), reduction="sum"
    ).backward()
    found = {
        name: each.grad_sample for name, each in zip(ordered, hooked.parameters(), strict=True)
    }
    norms = torch.stack([each.flatten(1).square().sum(1) for each in found.values()]).sum(0).sqrt()
    factors = (CLIP / norms).clamp(max=1)
    theirs = torch.cat(
        [torch.einsum("u,u...->...", factors, found[name]).flatten() for name in arrays]
    )
    ours = summed(network, rows, np.arange(40), clip=CLIP)
    return float(np.abs(ours - theirs.detach().numpy()).max())


def unbounded() -> dict[str, bool]:
    """A unit whose gradient is no number counts as nothing, and leaves the others as they are."""
    network, rows = NETWORKS["deep"], some_rows(8, 3)
    rows.plain[rows.first[2]] = np.inf
    units = np.arange(8)
    with_it = summed(network, rows, units, clip=CLIP)
    without = summed(network, rows, np.delete(units, 2), clip=CLIP)
    return {
        "is_same": bool(np.allclose(with_it, without, rtol=0, atol=1e-12)),
        "is_finite": bool(np.isfinite(with_it).all()),
    }


def drops() -> dict[str, float]:
    """Dropout leaves the stated share out, and takes each number's coin from the operating system."""
    network = network_of([{"kind": "dropout", "share": "1/4"}], {"layer1.weight": [1, 1]}, [])
    given = network.forward(
        torch.ones(100, 1, 400, dtype=torch.float64), torch.zeros(100, 1, 0), Tape()
    )
    return {"share": float((given == 0).double().mean()), "mean": float(given.mean())}


def attack(runs: int, noise: Fraction) -> dict[str, list[float]]:
    """Train with and without one unit that has what nobody else has, and note the weight that only it can pull."""
    recipe = RECIPE | {
        "noise": str(noise),
        "sampling_rate": "1/2",
        "units": 20,
        "steps": 15,
        "optimiser": "sgd",
        "momentum": "0",
        "averaged": 0,
    }
    rows, found = rows_of(20, heavy=3), {}
    rows.plain[:, 3], rows.plain[19:] = 0, (0, 0, 0, 1)  # what nobody else has
    attempt = {"rate": "2", "clip": str(CLIP)}
    for name, units in (("with", 20), ("without", 19)):
        models = [
            trained(recipe, rows, np.arange(units), attempt=attempt)["layer1.weight"]
            for _ in range(runs)
        ]
        found[name] = [float(model[0, 3]) for model in models]
    return found


def scored(recipe: dict[str, Any]) -> list[list[float]]:
    """What the trainer's own network gives for the view's rows, in their order, by the arrays that it released."""
    arrays = made(recipe, read(recipe, Path("/data"), source=os.urandom))
    Path(f"/out/{recipe['output']}.bin").write_bytes(packed(arrays))
    table = pq.read_table(f"/data/{recipe['asset']}/{recipe['asset']}.parquet")
    plain, places = encoded(table, recipe["features"])
    known = {name: torch.from_numpy(arrays[name]).double() for name in recipe["tensors"]}
    network = Network(recipe, known, is_training=False)
    given = network.forward(
        torch.from_numpy(plain)[:, None].double(), torch.from_numpy(places)[:, None], Tape()
    )
    return [[float(x) for x in row] for row in given[:, 0]]


def main() -> None:
    """Measure what the parameters ask for."""
    asked = json.loads(Path("/job/parameters.json").read_text())
    torch.set_num_threads(1)
    torch.manual_seed(0)
    facts: dict[str, Any] = {}
    began = time.monotonic()
    if asked.get("audits"):
        facts["right"] = audit(right)
        facts["faults"] = {name: audit(step) for name, step in FAULTS.items()}
        facts["gradients"] = {
            f"{name}, at most {most}": gradients(network, some_rows(9, most), CLIP)
            for name, network in NETWORKS.items()
            for most in (1, 3, 40)
        }
        facts["opacus"] = opacus_error()
        facts["unbounded"] = unbounded()
        facts["drops"] = drops()
        facts["attack"] = attack(asked["runs"], Fraction(asked["attack_noise"]))
        facts["attack_control"] = attack(asked["runs"], Fraction(1, 1000))
    facts["scores"] = {recipe["output"]: scored(recipe) for recipe in asked["recipes"]}
    facts["seconds"] = time.monotonic() - began
    Path("/out/FACTS.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
