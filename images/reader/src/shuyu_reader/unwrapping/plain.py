"""Says what bytes are that bear no mark: readable text, text under a one-byte mask, or an array of numbers."""

import json

import numpy as np

PRINTABLE = 0.9
"""The share of readable bytes from which decoded bytes count as a message."""
LEAST_NUMBERS = 8
"""Numbers of an array that can be told from chance."""
PLAUSIBLE = 0.95
"""The share of an array's numbers that must be of a usual size."""
LEAST_MASKED = 32
"""Bytes of a text under a mask that can be told from chance."""
SMALLEST, LARGEST = 1e-6, 1e12
_WHOLE = 2**24
"""Larger whole numbers look like chance where the array is of 32 bits."""
_SAMPLE = 1024
_JUDGED = 2**20
_LINE = 8
_TENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
_SHORTEST_HEADER, _LONGEST_HEADER = 2, 2**20


def is_readable(message: bytes) -> bool:
    """Whether bytes are mostly printable UTF-8, by their beginning where there are very many."""
    message = message[:_JUDGED]
    text = message.decode("utf-8", errors="ignore")
    good = sum(character.isprintable() or character in "\t\r\n" for character in text)
    lost = len(message) - len(text.encode("utf-8"))
    return good >= PRINTABLE * (len(text) + lost) and len(text) > len(message) * 0.3


def numbers_in(message: bytes) -> bytes:
    """Return the numbers of an array of floats or whole numbers as text, or nothing where it is none."""
    for kind in ("<f8", ">f8", "<f4", ">f4", "<i8", ">i8", "<i4", ">i4"):
        size = np.dtype(kind).itemsize
        if len(message) % size or len(message) < LEAST_NUMBERS * size:
            continue
        values = np.frombuffer(message, kind)
        if _is_usual(values):
            return _written(values)
    return b""


def tensors_in(content: bytes) -> bytes:
    """Return the header and the numbers of a safetensors file as text, or nothing where it is none."""
    length = int.from_bytes(content[:8], "little")
    if not _SHORTEST_HEADER <= length <= min(_LONGEST_HEADER, len(content) - 8):
        return b""
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        return b""
    if not isinstance(header, dict):
        return b""
    found = [_place(entry, len(content) - 8 - length) for entry in header.values()]
    # apart they fill the body once; those that overlap would fill memory
    if sum(end - start for _, start, end in found) > len(content):
        return content[8 : 8 + length]
    body = memoryview(content)[8 + length :]
    parts = [_tensor(body[start:end], kind) for kind, start, end in found]
    return b"\n".join([content[8 : 8 + length], *parts])


def _place(entry: object, most: int) -> tuple[str, int, int]:
    """Say of what kind a tensor is, and where in the body it begins and ends; nowhere where it is none."""
    kind, offsets = (
        (entry.get("dtype"), entry.get("data_offsets")) if isinstance(entry, dict) else (0, 0)
    )
    if kind not in _TENSORS or not isinstance(offsets, list) or not offsets:
        return "F64", 0, 0
    if not all(isinstance(each, int) and each >= 0 for each in offsets):
        return "F64", 0, 0
    start, end = min(offsets[0], most), min(offsets[-1], most)
    return str(kind), start, max(start, end)


def _tensor(part: memoryview, kind: str) -> bytes:
    size = np.dtype(_TENSORS[kind]).itemsize
    return _written(np.frombuffer(part[: len(part) // size * size], _TENSORS[kind]))


def unmasked(message: bytes) -> bytes:
    """Return the text that lies under one byte laid over all bytes by XOR, or nothing where there is none."""
    if len(message) < LEAST_MASKED:
        return b""
    sample = np.frombuffer(message[:_SAMPLE], np.uint8)
    masks = np.arange(1, 256, dtype=np.uint8)
    seen = sample[None, :] ^ masks[:, None]
    shown = ((seen >= ord(" ")) & (seen <= ord("~"))) | (seen == ord("\n"))
    words = ((seen >= ord("0")) & (seen <= ord("9"))) | np.isin(seen, list(b" ,.\n"))
    rank = np.where(shown.mean(1) >= PLAUSIBLE, words.mean(1), 0)
    best = int(rank.argmax())
    if rank[best] < 0.1:  # noqa: PLR2004 - prose and tables have more blanks, commas and digits
        return b""
    mask = int(masks[best])
    return message.translate(bytes(letter ^ mask for letter in range(256)))


def _is_usual(values: np.ndarray) -> bool:
    with np.errstate(all="ignore"):  # what is no array of numbers has NaN of every kind
        sizes = np.abs(values.astype(np.float64))
        usual = ((sizes >= SMALLEST) & (sizes <= LARGEST)) | (sizes == 0)
    if values.dtype.kind == "i":
        usual = sizes < _WHOLE
    return bool(usual.mean() >= PLAUSIBLE and len(np.unique(sizes)) > 1)


def _written(values: np.ndarray) -> bytes:
    """Write the numbers, a line at a time: as objects they are many times as large."""
    lines = (values[i : i + _LINE].tolist() for i in range(0, len(values), _LINE))
    return b"\n".join(" ".join(f"{value:.9g}" for value in line).encode() for line in lines)
