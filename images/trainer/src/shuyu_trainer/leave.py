"""Writes the model: arrays as 32-bit numbers in a safetensors file, and nothing about how it was made."""

import json
import struct
from typing import Any

import numpy as np


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """Return a safetensors file of these arrays (float32 and int64), by name."""
    header: dict[str, Any] = {}
    body = b""
    for name, array in sorted(arrays.items()):
        kind = {"f": "F32", "i": "I64"}[array.dtype.kind]
        content = array.astype("<f4" if kind == "F32" else "<i8").tobytes()
        ends = [len(body), len(body) + len(content)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
        body += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def monotone(recipe: dict[str, Any], weights: np.ndarray) -> np.ndarray:
    """Return a single row of weights with those of binned measures running as they must; post-processing."""
    made, begin = weights.copy(), 0
    for feature in recipe["features"]:
        width = _width(feature)
        if feature.get("trend", "free") != "free":
            inner = slice(begin, begin + width - 1)  # the last is what is missing
            sign = 1 if feature["trend"] == "rising" else -1
            made[:, inner] = sign * _pooled(sign * made[0, inner])
        begin += width
    return made


def _width(feature: dict[str, Any]) -> int:
    if feature["kind"] == "binned":
        return len(feature["cuts"]) + 2
    return len(feature["domain"]) + 1 if feature["kind"] == "category" else 1


def _pooled(values: np.ndarray) -> np.ndarray:
    """Return the nearest ascending values: neighbours that descend are pooled to their mean."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, count = blocks.pop()
            before, many = blocks.pop()
            blocks.append([(before * many + mean * count) / (many + count), many + count])
    return np.concatenate([np.full(int(count), mean) for mean, count in blocks])
