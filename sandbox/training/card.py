"""Writes the card of a model from the terms alone: no number in it comes from data, but for counts that were charged."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.privacy.accounting import rho_text
from sandbox.privacy.approximate import delta_of
from sandbox.training.orders import recipe
from sandbox.training.plan import Training
from sandbox.training.terms import Binary

FORM = "shuyu-model-1"
_NEIGHBOURS = {
    "zh": "增加或删除一个受保护单元及其全部行",
    "en": "one protected unit is added or removed with all of its rows",
}
_EPSILON = {
    "zh": "按隐私损失分布在所述 delta 下计算,两个方向取大者;含计费的度量",
    "en": "by the privacy loss distribution at the stated delta, the larger of both directions; the charged counts included",
}


def card(training: Training, *, chosen: int, counts: NDArray[Any] | None) -> str:
    """Return the card as canonical JSON; `counts` are the charged ones of every try, noisy."""
    body = {"form": FORM, "asset": training.asset.id, "version": training.asset.version}
    body |= recipe(training) | {
        "design": _design(training),
        "privacy": _privacy(training),
        "training": _training(training, chosen),
    }
    if counts is not None:
        body["metrics"] = [_metric(training, each) for each in counts]
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _design(training: Training) -> dict[str, Any]:
    design = training.terms.design
    if design.kind == "scorecard":
        return {
            "kind": design.kind,
            "base": design.base,
            "odds": design.odds,
            "double": design.double,
        }
    return {"kind": design.kind}


def _privacy(training: Training) -> dict[str, Any]:
    return {
        "unit": training.asset.unit_kind.value,
        "neighbours": _NEIGHBOURS,
        "epsilon": str(training.epsilon),
        "epsilon_is": _EPSILON,
        "delta": str(training.terms.delta),
        "rho": rho_text(training.rho),
        "rho_delta": str(delta_of(training.rho)),
        "event": training.event.form(),
    }


def _training(training: Training, chosen: int) -> dict[str, Any]:
    terms = training.terms
    return {
        "rate": str(terms.tries[chosen].rate),
        "clip": str(terms.tries[chosen].clip),
        "optimiser": terms.optimiser.kind,
        "units_assumed": terms.units,
        "rows_per_unit": terms.rows_per_unit,
        "averaged": str(terms.averaged),
        "seed": terms.seed,
        "held_out": str(terms.metrics.share) if terms.metrics else "0",
    }


def _metric(training: Training, counts: NDArray[Any]) -> dict[str, Any]:
    """Return one try's noisy counts, and what follows from them alone."""
    known = np.maximum(counts, 0).astype(np.float64)
    if not isinstance(training.terms.target, Binary):
        share = known[1] / max(float(known.sum()), 1.0)
        return {"wrong_right": counts.tolist(), "accuracy": round(float(share), 4)}
    negative, positive = known.reshape(2, -1)
    pairs = float(positive @ (np.cumsum(negative) - negative / 2))
    area = pairs / max(float(negative.sum() * positive.sum()), 1.0)
    return {
        "negative": counts.reshape(2, -1)[0].tolist(),
        "positive": counts.reshape(2, -1)[1].tolist(),
        "auc": round(area, 4),
    }
