"""Writes a training as the trainer reads it: the parameters of its container, with no data in them."""

import json
from typing import Any, assert_never

from sandbox.asset import Column
from sandbox.order import OutputName
from sandbox.training.plan import BINS, Training
from sandbox.training.terms import Amount, Binary, Binned, Category, Feature, Number, OneOf, Target

COMMAND = ("python3", "-m", "shuyu_trainer")
"""What the trainer image is started with."""
SUFFIX = "bin"
"""What the trainer's one output ends in: a safetensors file."""


def parameters(training: Training, *, unit: str, output: OutputName) -> str:
    """Return the JSON object for `/job/parameters.json`.

    `unit` is the column of the view that tells units apart: the unit's own, granted to the trainer as a pseudonym.
    """
    terms, event = training.terms, training.event
    body = recipe(training) | {
        "asset": training.asset.id,
        "unit": unit,
        "output": output,
        "optimiser": terms.optimiser.kind,
        "momentum": str(getattr(terms.optimiser, "momentum", 0)),
        "tries": [{"rate": str(each.rate), "clip": str(each.clip)} for each in terms.tries],
        "steps": terms.steps,
        "sampling_rate": str(terms.sampling_rate),
        "noise": str(event.noise),
        "units": terms.units,
        "rows_per_unit": terms.rows_per_unit,
        "averaged": int(terms.averaged * terms.steps),
        "seed": terms.seed,
        "held_out": str(terms.metrics.share) if terms.metrics else "0",
        "metric_noise": str(event.metric_noise or 0),
        "bins": BINS,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def recipe(training: Training) -> dict[str, Any]:
    """Return what a row becomes on its way to a score: features, target and layers, every size stated."""
    terms = training.terms
    return {
        "features": [
            _feature(feature, training.column(feature.column), place)
            for place, feature in enumerate(terms.features, start=1)
        ],
        "target": _target(terms.target, training.column(terms.target.column)),
        "loss": terms.loss.value,
        "layers": [layer.step for layer in training.layers],
        "tensors": {tensor.name: list(tensor.shape) for tensor in training.tensors},
    }


def _feature(feature: Feature, column: Column, place: int) -> dict[str, Any]:
    form: dict[str, Any] = {"kind": feature.kind, "column": feature.column}
    match feature:
        case Number():
            return form | {"lower": column.lower, "upper": column.upper}
        case Binned(cuts=cuts, trend=trend):
            return form | {"cuts": [float(cut) for cut in cuts], "trend": trend.value}
        case Category(width=0):
            return form | {"domain": list(column.domain)}
        case Category(width=width):
            name = f"feature{place}.weight"
            return form | {"domain": list(column.domain), "width": width, "name": name}
        case _ as unknown:
            assert_never(unknown)


def _target(target: Target, column: Column) -> dict[str, Any]:
    form: dict[str, Any] = {"kind": target.kind, "column": target.column}
    match target:
        case Binary(positive=positive):
            return form | {"domain": list(column.domain), "positive": list(positive)}
        case OneOf():
            return form | {"domain": list(column.domain)}
        case Amount():
            return form | {"lower": column.lower, "upper": column.upper}
        case _ as unknown:
            assert_never(unknown)
