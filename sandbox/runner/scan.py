"""Looks through an image for data that came in with it: such files count as outside data, and a person has to accept them.

What it cannot know is whether a file that looks like a program is one. It tells by content, never by what the image says of
itself, and adds files up, so that data cut into small pieces counts as what it is together. A finding is a kind, a number of
files and their bytes; the files' names are for the person who reviews them, and go no further.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from sandbox.runner.outside import DataKind, Finding

_KIB, _MIB = 1024, 1024**2
_WINDOW = 64 * _KIB
_DENSE_BITS = 7.95
"""Bits a byte, over one window: random bytes have 7.997, machine code about 6.5, base64 6.0."""
_HEAD = 64 * _KIB
_LEAST = 4 * _KIB
"""A smaller file counts as nothing, unless its head says what it is."""
_MOST_NAMED = 1000
_LINES = 12
_ALIKE = 0.9


BOUNDS = MappingProxyType(
    {
        DataKind.TABLE: 256 * _KIB,
        DataKind.MODEL: 256 * _KIB,
        DataKind.PACKED: 1 * _MIB,
        DataKind.DENSE: 2 * _MIB,
        DataKind.TEXT: 1 * _MIB,
        DataKind.LARGE: 0,
    }
)
"""How many bytes of a kind an image may hold in all before they are a finding."""
_LARGE = 8 * _MIB
_MAGICS: tuple[tuple[int, bytes, DataKind], ...] = (
    (0, b"PAR1", DataKind.TABLE),
    (0, b"ARROW1", DataKind.TABLE),
    (0, b"FEA1", DataKind.TABLE),
    (0, b"ORC", DataKind.TABLE),
    (0, b"Obj\x01", DataKind.TABLE),  # Avro
    (0, b"SQLite format 3\0", DataKind.TABLE),
    (8, b"DUCK", DataKind.TABLE),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DataKind.TABLE),  # the older Office
    (0, b"SAS", DataKind.TABLE),
    (0, b"$FL2", DataKind.TABLE),  # SPSS
    (0, b"\x89HDF", DataKind.MODEL),
    (0, b"CDF\x01", DataKind.MODEL),
    (0, b"\x93NUMPY", DataKind.MODEL),
    (0, b"GGUF", DataKind.MODEL),
    (0, b"\x80\x02", DataKind.MODEL),  # pickles of protocol 2 to 5
    (0, b"\x80\x03", DataKind.MODEL),
    (0, b"\x80\x04", DataKind.MODEL),
    (0, b"\x80\x05", DataKind.MODEL),
    (0, b"PK\x03\x04", DataKind.PACKED),
    (0, b"\x1f\x8b", DataKind.PACKED),
    (0, b"BZh", DataKind.PACKED),
    (0, b"\xfd7zXZ\0", DataKind.PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", DataKind.PACKED),
    (0, b"\x28\xb5\x2f\xfd", DataKind.PACKED),
    (0, b"\x04\x22\x4d\x18", DataKind.PACKED),
    (0, b"Rar!", DataKind.PACKED),
    (257, b"ustar", DataKind.PACKED),
)
_DATA_NAME = re.compile(
    r".*\.(csv|tsv|jsonl|ndjson|geojson|sql|dat|xlsx?|parquet|arrow|feather|safetensors|onnx|pt|pth|npz|npy)"
)
_INSTALLED = re.compile(rb"[^,\n]+,(sha256=[A-Za-z0-9_-]{43})?,[0-9]*")
"""A line of the list that Python's installers leave of every package."""
_PROGRAM = b"\x7fELF"
_SEPARATORS = b",;\t|"

Read = Callable[[int, int], bytes]
"""Reads so many bytes of one file from a place on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One file of an image that is to be looked at."""

    path: str
    size: int
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What was found in an image."""

    findings: tuple[Finding, ...]
    """Empty where nothing counts as outside data."""
    named: tuple[tuple[DataKind, str, int], ...]
    """The largest of the files behind the findings, with their bytes: for the reviewer alone."""


def scan(files: Iterable[Seen]) -> Scanned:
    """Look at every file once."""
    found: dict[DataKind, list[tuple[int, str]]] = defaultdict(list)
    for file in files:
        for kind, size in _judged(file):
            found[kind].append((size, file.path))
    over = {kind: each for kind, each in found.items() if _total(each) > BOUNDS[kind]}
    findings = (Finding(kind=k, files=len(each), size=_total(each)) for k, each in over.items())
    named = sorted(
        ((size, path, kind) for kind, each in over.items() for size, path in each), reverse=True
    )
    return Scanned(
        findings=tuple(sorted(findings, key=lambda one: one.kind)),
        named=tuple((kind, path, size) for size, path, kind in named[:_MOST_NAMED]),
    )


def _total(files: list[tuple[int, str]]) -> int:
    return sum(size for size, _ in files)


def _judged(file: Seen) -> Iterator[tuple[DataKind, int]]:
    """Say of what kinds a file is, and how much of it."""
    head = file.read(0, min(file.size, _HEAD))
    kind = _by_head(head)
    if kind is not None:
        yield kind, file.size
        return
    if file.size < _LEAST:
        return
    if _DATA_NAME.fullmatch(file.path.lower()) or _is_delimited(head):
        yield DataKind.TEXT, file.size
        return
    if dense := _dense(file):
        yield DataKind.DENSE, dense
    if file.size >= _LARGE and not head.startswith(_PROGRAM):
        yield DataKind.LARGE, file.size


def _by_head(head: bytes) -> DataKind | None:
    found = (kind for at, magic, kind in _MAGICS if head[at : at + len(magic)] == magic)
    return next(found, None)


def _is_delimited(head: bytes) -> bool:
    """Say whether it is text whose lines have the same number of one separator, as rows do."""
    if b"\0" in head:
        return False
    lines = [line for line in head.splitlines()[:-1] if line.strip()]
    if len(lines) < _LINES or all(_INSTALLED.fullmatch(line) for line in lines):
        return False
    for separator in _SEPARATORS:
        counts = [line.count(separator) for line in lines]
        most = max(set(counts), key=counts.count)
        if most and counts.count(most) >= _ALIKE * len(counts):
            return True
    return False


def _dense(file: Seen) -> int:
    """Return how many bytes of a file lie in windows that look random."""
    total = 0
    for at in range(0, file.size, _WINDOW):
        window = file.read(at, min(_WINDOW, file.size - at))
        if len(window) >= _LEAST and _bits(window) >= _limit(len(window)):
            total += len(window)
    return total


def _bits(window: bytes) -> float:
    """Return the entropy of the bytes (Shannon), in bits a byte."""
    counts = np.bincount(np.frombuffer(window, dtype=np.uint8), minlength=256)
    shares = counts[counts > 0] / len(window)
    bits: float = -(shares * np.log2(shares)).sum()
    return bits


def _limit(size: int) -> float:
    """Return from how many bits on a window looks random: so many random bytes have 255 / (2 ln 2 n) bits less than 8."""
    return _DENSE_BITS - 255 / (2 * math.log(2) * size) + 255 / (2 * math.log(2) * _WINDOW)
