"""Models of scikit-learn as safetensors and ONNX files, and the reader container's own program to read them here."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import onnx
import skl2onnx
from numpy.typing import NDArray
from safetensors.numpy import save

from sandbox.egress.models.words import Input, Target

Arrays = dict[str, NDArray[Any]]
Estimator = Any  # one of scikit-learn's


def document(kind: str, inputs: Sequence[Input], target: Target, **facts: object) -> str:
    """What a job writes under `shuyu`: all of a model but its learnt numbers."""
    said = {"column": target.column} | ({"positive": target.positive} if target.positive else {})
    whole = {"form": "shuyu-fitted-1", "target": said, "inputs": [asdict(each) for each in inputs]}
    return json.dumps(whole | {"fitted": {"kind": kind, **facts}}, ensure_ascii=False)


def tensors(text: str, arrays: Arrays) -> bytes:
    return bytes(save(arrays, metadata={"shuyu": text}))


def weighted(estimator: Estimator) -> Arrays:
    return {
        "weights": np.ravel(estimator.coef_),
        "intercept": np.ravel(estimator.intercept_),
    }


def layered(estimator: Estimator) -> Arrays:
    found: Arrays = {}
    pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for at, (weights, bias) in enumerate(pairs):
        found[f"layers.{at}.weight"] = np.ascontiguousarray(weights.T)
        found[f"layers.{at}.bias"] = bias
    return found


def graph(text: str, estimator: Estimator, sample: NDArray[Any], **options: object) -> bytes:
    """What skl2onnx writes, with the document in its metadata; `sample` says how many inputs, and of which width."""
    made = skl2onnx.to_onnx(estimator, sample[:1], options=options or None)
    return bytes(told_by(made, text).SerializeToString())


def told_by(made: onnx.ModelProto, text: str) -> onnx.ModelProto:
    onnx.helper.set_model_props(made, {"shuyu": text})
    return made
