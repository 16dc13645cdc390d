"""Reads what the trainer left: the very arrays that the terms imply, or nothing; and writes them anew with our own card.

There is no parser: the header that a right file must begin with follows from the terms, byte for byte, and so does
the file's length. What remains is numbers, of which each is looked at.
"""

import json
import struct
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.reason import Reason
from sandbox.training.card import card
from sandbox.training.layers import Tensor
from sandbox.training.plan import BINS, Training
from sandbox.training.refusals import reason
from sandbox.training.terms import Binary, Binned, Scorecard, Trend

Array = NDArray[np.float32] | NDArray[np.int64]
_LARGEST_COUNT = 1 << 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that may leave."""

    content: bytes
    """A safetensors file, with the card in its metadata under `shuyu`."""
    card: str
    """The model card, as canonical JSON."""


def read_model(content: bytes, training: Training) -> Model | Reason:
    """Return the model that the trainer left for `training`, or why it is none: never more than that it is none."""
    arrays = _arrays(content, expected(training))
    if arrays is None:
        return reason("training.model")
    metrics, chosen = arrays.pop("metrics", None), arrays.pop("chosen", np.zeros(1, np.int64))
    if not (_is_sound(arrays, training) and _are_counts(metrics, int(chosen[0]), training)):
        return reason("training.model")
    text = card(training, chosen=int(chosen[0]), counts=None if metrics is None else metrics)
    return Model(content=_packed(arrays, {"shuyu": text}), card=text)


def expected(training: Training) -> dict[str, tuple[str, Tensor]]:
    """Return the type and shape of each array that the trainer must leave, in the order of the file."""
    found = {tensor.name: ("F32", tensor) for tensor in training.tensors}
    if training.terms.metrics:
        cells = 2 * BINS if isinstance(training.terms.target, Binary) else 2
        counts = Tensor(name="metrics", shape=(len(training.terms.tries), cells))
        found |= {
            "metrics": ("I64", counts),
            "chosen": ("I64", Tensor(name="chosen", shape=(1,))),
        }
    return dict(sorted(found.items()))


def _arrays(content: bytes, wanted: dict[str, tuple[str, Tensor]]) -> dict[str, Array] | None:
    header = _header(wanted, {})
    size = sum(_bytes(kind, tensor) for kind, tensor in wanted.values())
    if len(content) != len(header) + size or not content.startswith(header):
        return None
    found: dict[str, Array] = {}
    begin = len(header)
    for name, (kind, tensor) in wanted.items():
        end = begin + _bytes(kind, tensor)
        numbers = np.frombuffer(content[begin:end], "<f4" if kind == "F32" else "<i8")
        found[name] = numbers.reshape(tensor.shape)
        begin = end
    return found


def _bytes(kind: str, tensor: Tensor) -> int:
    return prod(tensor.shape) * (4 if kind == "F32" else 8)


def _header(wanted: dict[str, tuple[str, Tensor]], metadata: dict[str, str]) -> bytes:
    """Return how such a file begins: arrays by name without gaps, and the header filled up with spaces to eight."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    begin = 0
    for name, (kind, tensor) in wanted.items():
        ends = [begin, begin + _bytes(kind, tensor)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": ends}
        begin = ends[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _packed(arrays: dict[str, Array], metadata: dict[str, str]) -> bytes:
    wanted = {name: ("F32", Tensor(name=name, shape=array.shape)) for name, array in arrays.items()}
    body = b"".join((array + np.float32(0)).astype("<f4").tobytes() for array in arrays.values())
    return _header(wanted, metadata) + body  # adding 0 leaves one way to write zero


def _is_sound(arrays: dict[str, Array], training: Training) -> bool:
    """Say whether all numbers are finite, and a scorecard's bins run as the terms say."""
    if not all(bool(np.isfinite(array).all()) for array in arrays.values()):
        return False
    if not isinstance(training.terms.design, Scorecard):
        return True
    return all(_runs(weights, trend) for weights, trend in _binned(arrays, training))


def _binned(arrays: dict[str, Array], training: Training) -> list[tuple[Array, Trend]]:
    """Return the weights of each binned measure, without that of what is missing."""
    weights, begin, found = arrays["layer1.weight"][0], 0, []
    for feature, width in training.widths:
        if isinstance(feature, Binned):
            found.append((weights[begin : begin + width - 1], feature.trend))
        begin += width
    return found


def _runs(weights: Array, trend: Trend) -> bool:
    steps = np.diff(weights)
    match trend:
        case Trend.RISING:
            return bool((steps >= 0).all())
        case Trend.FALLING:
            return bool((steps <= 0).all())
        case Trend.FREE:
            return True


def _are_counts(metrics: Array | None, chosen: int, training: Training) -> bool:
    if metrics is None:
        return True
    is_small = bool((np.abs(metrics) <= _LARGEST_COUNT).all())
    return is_small and 0 <= chosen < len(training.terms.tries)
