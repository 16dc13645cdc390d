"""The canonical content of a table: one hash a column, whatever file and batches it came in."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.asset import Kind

_AS_NUMPY: Mapping[Kind, Callable[[pa.Array], pa.Array]] = MappingProxyType(
    {
        Kind.INT: lambda array: array.fill_null(0),
        Kind.FLOAT: lambda array: array.fill_null(0.0),
        Kind.BOOL: lambda array: array.fill_null(False).cast(pa.uint8()),
        Kind.DATE: lambda array: array.cast(pa.int32()).fill_null(0),
        Kind.TIMESTAMP: lambda array: array.cast(pa.int64()).fill_null(0),
    }
)


@dataclass(frozen=True, slots=True)
class ColumnHash:
    """SHA-256 over which values are there, over the lengths of texts, and over the values."""

    kind: Kind
    _parts: "tuple[hashlib._Hash, ...]" = field(
        default_factory=lambda: tuple(hashlib.sha256() for _ in range(3))
    )

    def add(self, array: pa.Array) -> None:
        """Add the next values of the column, which are of its kind."""
        there, lengths, values = self._parts
        there.update(_bytes(array.is_valid().cast(pa.uint8())))
        if self.kind is not Kind.STRING:
            values.update(_bytes(_AS_NUMPY[self.kind](array)))
            return
        texts = array.fill_null("")
        lengths.update(_bytes(pc.binary_length(texts)))
        values.update(_characters(texts))

    def digest(self) -> str:
        """Return the hash in hexadecimal digits."""
        parts = b"".join(part.digest() for part in self._parts)
        return hashlib.sha256(self.kind.encode() + b"\0" + parts).hexdigest()


def _bytes(array: pa.Array) -> bytes:
    values: np.ndarray = array.to_numpy(zero_copy_only=False)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _characters(texts: pa.Array) -> bytes:
    """Return the UTF-8 of all texts, one after the other, as it lies in Arrow's buffer."""
    _, offsets, characters = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if characters is None:
        return b""
    return bytes(memoryview(characters)[places[0] : places[-1]])
