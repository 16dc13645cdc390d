"""Safetensors files that carry more than a model, or something else: each is refused where it is wrong."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.sandbox.egress.examples import CANARY
from tests.sandbox.egress.models.containers import document, tensors
from tests.sandbox.egress.models.spoilt import (
    AMOUNT,
    ARRAYS,
    INPUTS,
    SECRET,
    TENSORS_TEXT,
    TEXT,
    flaw_of,
    said_of,
)


def test_the_file_that_is_spoilt_below_is_a_model() -> None:
    assert set(said_of(tensors(TENSORS_TEXT, ARRAYS))) == {"model"}


def network(**more: object) -> str:
    return document("network", INPUTS, AMOUNT, **({"steps": 9, "hidden": [3]} | more))


def raw(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(begin: int, end: int, shape: tuple[int, ...] = (1,)) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


LINE = {"__metadata__": {"shuyu": document("linear", INPUTS, AMOUNT)}}
TENSORS: dict[str, tuple[bytes, str]] = {
    "a header of 2^63 bytes": (struct.pack("<Q", 2**63) + b"{}", "size"),
    "a header longer than the file": (struct.pack("<Q", 2**19) + b"{}", "container"),
    "a header that is not JSON": (raw(b"{nothing"), "container"),
    "a deep header": (raw(b'{"a":' * 5000), "container"),
    "offsets that overlap": (raw(LINE | {"weights": entry(0, 16, (4,)), "intercept": entry(12, 16)}, b"\0" * 16), "container"),
    "bytes between tensors": (raw(LINE | {"weights": entry(0, 16, (4,)), "intercept": entry(60, 64)}, b"\0" * 64), "container"),
    "bytes behind the tensors": (tensors(TENSORS_TEXT, ARRAYS) + SECRET.tobytes(), "container"),
    "a huge shape of few bytes": (raw(LINE | {"weights": entry(0, 4, (2**62, 2**62))}, b"\0" * 4), "container"),
    "a tensor of rows": (tensors(TENSORS_TEXT, ARRAYS | {"rows": SECRET}), "arrays"),
    "a missing tensor": (tensors(TENSORS_TEXT, {}), "arrays"),
    "another shape": (tensors(TENSORS_TEXT, ARRAYS | {"layers.0.bias": np.zeros((1, 3), "f4")}), "arrays"),
    "whole numbers": (tensors(TENSORS_TEXT, ARRAYS | {"layers.0.bias": np.zeros(3, "i4")}), "arrays"),
    "NaN": (tensors(TENSORS_TEXT, ARRAYS | {"layers.0.bias": np.full(3, np.nan)}), "arrays"),
    "infinity": (tensors(TENSORS_TEXT, ARRAYS | {"layers.0.bias": np.full(3, np.inf, "f2")}), "arrays"),
    "more metadata": (bytes(save(ARRAYS, {"shuyu": TENSORS_TEXT, "note": CANARY})), "document"),
    "no metadata": (bytes(save(ARRAYS)), "document"),
    "prose for metadata": (tensors(CANARY, ARRAYS), "document"),
    "numbers in the document": (tensors(network(layers=SECRET.tolist()), ARRAYS), "document"),
    "trees": (tensors(TEXT["trees"], ARRAYS), "document"),
    "an endless layer": (tensors(network(hidden=[2**62]), ARRAYS), "size"),
    "a layer of words": (tensors(network(hidden=[CANARY]), ARRAYS), "document"),
    "a file too large": (tensors(TENSORS_TEXT, {"rows": np.zeros(2**22)}), "size"),
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORS)
def test_a_safetensors_file_that_is_more_than_a_model_is_refused(name: str) -> None:
    content, flaw = TENSORS[name]

    assert flaw_of(content) == flaw


def test_without_the_gate_the_file_hands_its_rows_over() -> None:
    content, _ = TENSORS["a tensor of rows"]

    assert np.array_equal(load(content)["rows"], SECRET)
