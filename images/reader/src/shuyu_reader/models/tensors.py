"""Reads a safetensors file: the document in its metadata declares the architecture, the tensors hold the learnt numbers.

A linear, logistic or scorecard model has `weights` and `intercept`; a network declares `hidden`, the widths of its hidden
layers, and has `layers.0.weight`, `layers.0.bias` and so on, as torch names them (outputs x inputs). There is nothing else in the file.
"""

from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize, safe_open

from shuyu_reader.models.document import (
    KEY,
    MOST_BYTES,
    MOST_NUMBERS,
    WEIGHTED,
    Document,
    Flaw,
    Floats,
    Part,
    UnfitError,
    demand,
    finite,
    parsed,
)

MOST_HEADER = 2**20
MOST_HIDDEN = 3
_LENGTH = 8
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
Shapes = dict[str, tuple[int, ...]]


def model(file: Path) -> Part:
    """Return the model; raise `UnfitError`."""
    demand(file.stat().st_size <= MOST_BYTES, Flaw.SIZE)
    content = file.read_bytes()
    demand(int.from_bytes(content[:_LENGTH], "little") <= MOST_HEADER, Flaw.SIZE)
    try:
        with safe_open(file, framework="np") as opened:
            metadata = opened.metadata() or {}
        arrays = dict(deserialize(content))  # type: ignore[no-untyped-call]
    except (SafetensorError, TypeError, ValueError):
        raise UnfitError(Flaw.CONTAINER) from None
    demand(metadata.keys() == {KEY}, Flaw.DOCUMENT)
    document = parsed(metadata[KEY])
    hidden = document.fitted.pop("hidden", [])
    wanted = _shapes(document, hidden)
    demand(arrays.keys() == wanted.keys(), Flaw.ARRAYS)
    return _filled(document, {name: _floats(arrays[name], wanted[name]) for name in wanted})


def _shapes(document: Document, hidden: object) -> Shapes:
    """Return the tensors that the declared architecture has."""
    if document.kind in WEIGHTED and hidden == []:
        return {"weights": (document.width,), "intercept": (1,)}
    demand(document.kind == "network" and isinstance(hidden, list), Flaw.DOCUMENT)
    assert isinstance(hidden, list), "just demanded"
    demand(1 <= len(hidden) <= MOST_HIDDEN, Flaw.DOCUMENT)
    demand(all(type(width) is int and width > 0 for width in hidden), Flaw.DOCUMENT)
    widths = [document.width, *hidden, 1]
    shapes: Shapes = {}
    for at, (wide, high) in enumerate(pairwise(widths)):
        shapes |= {f"layers.{at}.weight": (high, wide), f"layers.{at}.bias": (high,)}
    demand(sum(map(prod, shapes.values())) <= MOST_NUMBERS, Flaw.SIZE)
    return shapes


def _floats(tensor: dict[str, Any], shape: tuple[int, ...]) -> Floats:
    """Return a tensor's numbers; its own shape must be the declared one."""
    kind, data = tensor["dtype"], bytes(tensor["data"])
    demand(tuple(tensor["shape"]) == shape, Flaw.ARRAYS)
    if kind == "BF16":  # the upper half of a 32-bit float
        return finite((np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape))
    demand(kind in _TYPES, Flaw.ARRAYS)
    return finite(np.frombuffer(data, _TYPES[kind]).reshape(shape))


def _filled(document: Document, arrays: dict[str, Floats]) -> Part:
    if document.kind != "network":
        return document.weighted(arrays["weights"], float(arrays["intercept"][0]))
    many = len(arrays) // 2
    layers = [(arrays[f"layers.{at}.weight"], arrays[f"layers.{at}.bias"]) for at in range(many)]
    return document.network(layers)
