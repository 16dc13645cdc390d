"""Scores rows by a released model, with numpy alone: the safetensors file carries all that it needs in its card."""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]
FORM = "shuyu-model-1"
_EPSILON = 1e-5
_MISSING = {"zh": "缺失", "en": "missing"}


def _sigmoid(value: Numbers) -> Numbers:
    return np.asarray(np.exp(-np.logaddexp(0.0, -value)))


_SMOOTH: dict[str, Callable[[Numbers], Numbers]] = {
    "relu": lambda value: np.maximum(value, 0.0),
    "tanh": lambda value: np.asarray(np.tanh(value)),
    "sigmoid": _sigmoid,
    "silu": lambda value: value * _sigmoid(value),
}


class ModelError(Exception):
    """The file is not a model of this form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedModel:
    """A model and its card."""

    card: dict[str, Any]
    arrays: dict[str, Numbers]

    def scores(self, columns: Columns) -> Numbers:
        """Return, for each row, the positive chance, the chance of each category, or the amount.

        `columns` holds a sequence for each feature's column; a missing value is None or NaN.
        """
        given = self.outputs(columns)
        target = self.card["target"]
        if target["kind"] == "binary":
            return _sigmoid(given[:, 0])
        if target["kind"] == "one_of":
            powers = np.exp(given - given.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))
        lower, upper = float(target["lower"]), float(target["upper"])
        return np.asarray((given[:, 0] + 1) / 2 * (upper - lower) + lower)

    def outputs(self, columns: Columns) -> Numbers:
        """Return (rows, outputs) of the last layer."""
        value = self._inputs(columns)
        for step in self.card["layers"]:
            value = _stepped(step, value, self.arrays)
        return value

    def points(self) -> str:
        """Return a scorecard's table as CSV: a line for each bin or category, and the points that every row begins with.

        Points fall with the chance of being positive: odds of one to `odds` are `base` points, and `double` points
        more halve them. Raises `ModelError` where the model is no scorecard.
        """
        design = self.card["design"]
        if design["kind"] != "scorecard":
            raise ModelError("the model is no scorecard")
        factor = design["double"] / log(2)
        begin = design["base"] - factor * (
            float(self.arrays["layer1.bias"][0]) + log(design["odds"])
        )
        lines = ["feature,value,points", f"base,,{begin:.1f}"]
        weights = iter((-factor * self.arrays["layer1.weight"][0]).tolist())
        for feature in self.card["features"]:
            column = _cell(feature["column"])
            lines.extend(f"{column},{_cell(name)},{next(weights):.1f}" for name in _values(feature))
        return "\n".join(lines) + "\n"

    def _inputs(self, columns: Columns) -> Numbers:
        """Return what the first layer takes: plain numbers, then what stands for the widened categories."""
        plain, widened = [], []
        for feature in self.card["features"]:
            column = columns[feature["column"]]
            if feature["kind"] == "number":
                plain.append(_scaled(column, feature)[:, None])
            elif feature["kind"] == "binned":
                plain.append(_indicators(_bins(column, feature), len(feature["cuts"]) + 2))
            elif "width" in feature:
                widened.append(self.arrays[feature["name"]][_places(column, feature)])
            else:
                width = len(feature["domain"]) + 1
                plain.append(_indicators(_places(column, feature), width))
        # the trainer holds plain numbers in 32 bits
        return np.concatenate(
            [*(part.astype(np.float32).astype(np.float64) for part in plain), *widened], axis=1
        )


def load(source: Path | bytes) -> ReleasedModel:
    """Read a released model; raise `ModelError` where it is none."""
    content = source if isinstance(source, bytes) else source.read_bytes()
    try:
        [size] = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
        card = json.loads(header.pop("__metadata__")["shuyu"])
        arrays = {name: _array(content[8 + size :], each) for name, each in header.items()}
        if card["form"] != FORM:
            raise ModelError("the model is of another form")
    except (struct.error, AttributeError, KeyError, ValueError, TypeError) as error:
        raise ModelError("the file is no released model") from error
    return ReleasedModel(card=card, arrays=arrays)


def _array(body: bytes, entry: Mapping[str, Any]) -> Numbers:
    begin, end = entry["data_offsets"]
    return np.frombuffer(body[begin:end], "<f4").reshape(entry["shape"]).astype(np.float64)


def _numbers(column: Sequence[Any]) -> Numbers:
    return np.array([np.nan if value is None else float(value) for value in column])


def _scaled(column: Sequence[Any], bounds: Mapping[str, Any]) -> Numbers:
    lower, upper = float(bounds["lower"]), float(bounds["upper"])
    scaled = (np.clip(_numbers(column), lower, upper) - lower) / (upper - lower) * 2 - 1
    return np.nan_to_num(scaled, nan=0.0)


def _bins(column: Sequence[Any], feature: Mapping[str, Any]) -> NDArray[np.int64]:
    numbers, cuts = _numbers(column), np.array(feature["cuts"])
    return np.where(
        np.isnan(numbers), len(cuts) + 1, np.searchsorted(cuts, numbers, side="right")
    ).astype(np.int64)


def _places(column: Sequence[Any], feature: Mapping[str, Any]) -> NDArray[np.int64]:
    known = {name: place for place, name in enumerate(feature["domain"], start=1)}
    return np.array([known.get(_text(value), 0) for value in column], np.int64)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _indicators(places: NDArray[np.int64], width: int) -> Numbers:
    return np.asarray(places[:, None] == np.arange(width), np.float64)


def _stepped(step: Mapping[str, Any], value: Numbers, arrays: Mapping[str, Numbers]) -> Numbers:
    kind = step["kind"]
    if kind in _SMOOTH:
        return _SMOOTH[kind](value)
    match kind:
        case "dropout":
            return value
        case "image":
            return value.reshape(len(value), *step["shape"])
        case "flatten":
            return value.reshape(len(value), -1)
        case "mean_pool" | "largest_pool":
            return _pooled(value, step["size"], largest=kind == "largest_pool")
        case _:
            return _learnt(step, value, arrays)


def _learnt(step: Mapping[str, Any], value: Numbers, arrays: Mapping[str, Numbers]) -> Numbers:
    weight = arrays[f"{step['name']}.weight"]
    bias = arrays.get(f"{step['name']}.bias", np.zeros(1))
    match step["kind"]:
        case "linear":
            return np.asarray(value @ weight.T + bias)
        case "convolution":
            return _convolved(value, weight, step) + bias[:, None, None]
        case "layer_norm":
            return _normed(value) * weight + bias
        case "rms_norm":
            return (
                np.asarray(value / np.sqrt((value**2).mean(1, keepdims=True) + _EPSILON)) * weight
            )
        case "group_norm":
            grouped = _normed(value.reshape(len(value), step["groups"], -1)).reshape(value.shape)
            return grouped * weight[:, None, None] + bias[:, None, None]
        case _:
            raise ModelError("the model has a layer of another form")


def _normed(value: Numbers) -> Numbers:
    centred = value - value.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON))


def _convolved(value: Numbers, weight: Numbers, step: Mapping[str, Any]) -> Numbers:
    edge = (step["padding"], step["padding"])
    wide = np.pad(value, ((0, 0), (0, 0), edge, edge))
    size, stride = weight.shape[2], step["stride"]
    windows = sliding_window_view(wide, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.asarray(np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True))


def _pooled(value: Numbers, size: int, *, largest: bool) -> Numbers:
    lines, pixels = value.shape[2] // size, value.shape[3] // size
    cut = value[:, :, : lines * size, : pixels * size]
    squares = cut.reshape(*value.shape[:2], lines, size, pixels, size)
    return np.asarray(squares.max(axis=(3, 5)) if largest else squares.mean(axis=(3, 5)))


def _values(feature: Mapping[str, Any]) -> list[str]:
    """Name the lines of a feature in the table, in the order of its weights."""
    missing = f"{_MISSING['zh']} {_MISSING['en']}"
    if feature["kind"] == "category":
        return [missing, *feature["domain"]]
    cuts = [f"{cut:g}" for cut in feature["cuts"]]
    inner = [f"[{low} {high})" for low, high in pairwise(cuts)]
    return [f"< {cuts[0]}", *inner, f">= {cuts[-1]}", missing]


def _cell(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if set(text) & set(',"\n\r') else text
