"""Pseudonyms: the same for one value throughout a scenario, and shared by no two scenarios."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa

from sandbox.asset import Kind
from sandbox.errors import ViewError

KEY_BYTES = 32
PSEUDONYM_BYTES = 16
"""BLAKE2b-128 (RFC 7693): among 10^9 values, two share a pseudonym with chance below 10^-20."""


def derived(key: bytes, *, use: str, of: str) -> bytes:
    """Derive 32 bytes for one use from the domain's pseudonym key; raise `ViewError` if it is short."""
    if len(key) != KEY_BYTES:
        raise ViewError(f"The pseudonym key does not have {KEY_BYTES} bytes")
    return hashlib.blake2b(
        of.encode(), key=key, person=use.encode().ljust(16, b"\0"), digest_size=KEY_BYTES
    ).digest()


def pseudonyms(texts: pa.Array, kind: Kind, key: bytes) -> pa.Array:
    """Return the pseudonym of each value, as 32 hexadecimal digits.

    The kind is part of what is hashed, and the column's name is not: two assets of one scenario
    that have the same key in the same kind can be joined.
    """
    keyed = hashlib.blake2b(kind.encode() + b"\0", key=key, digest_size=PSEUDONYM_BYTES)
    return pa.array(_hashed(texts, keyed), pa.string())


def _hashed(texts: pa.Array, keyed: "hashlib.blake2b") -> Iterator[str]:
    for text in texts.to_pylist():
        one = keyed.copy()
        one.update(text.encode())
        yield one.hexdigest()
