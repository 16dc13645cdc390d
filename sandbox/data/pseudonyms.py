"""Pseudonyms: the same for one value throughout a scenario, and shared by no two scenarios."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Protocol, Self

import pyarrow as pa

from sandbox.asset import Kind
from sandbox.data.pseudonym_keys import KEY_BYTES, SM3, is_for_sm3
from sandbox.errors import ViewError

PSEUDONYM_BYTES = 16
"""BLAKE2b-128 (RFC 7693), or HMAC-SM3 cut to as much: among 10^9 values, two share one with chance below 10^-20."""


class _Keyed(Protocol):
    """A hash that has taken its key, and is copied for each value."""

    def copy(self) -> Self: ...
    def update(self, text: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def derived(key: bytes, *, use: str, of: str) -> bytes:
    """Derive a key for one use from the domain's pseudonym key; raise `ViewError` if it is short.

    It has 32 bytes, and is marked for SM3 where the domain's is.
    """
    if is_for_sm3(key):
        text = use.encode().ljust(16, b"\0") + of.encode()
        return SM3 + hmac.digest(key.removeprefix(SM3), text, "sm3")
    if len(key) != KEY_BYTES:
        raise ViewError(f"The pseudonym key does not have {KEY_BYTES} bytes")
    return hashlib.blake2b(
        of.encode(), key=key, person=use.encode().ljust(16, b"\0"), digest_size=KEY_BYTES
    ).digest()


def pseudonyms(texts: pa.Array, kind: Kind, key: bytes) -> pa.Array:
    """Return the pseudonym of each value, as 32 hexadecimal digits, by HMAC-SM3 where the key is marked for it.

    The kind is part of what is hashed, and the column's name is not: two assets of one scenario
    that have the same key in the same kind can be joined.
    """
    return pa.array(_hashed(texts, _keyed(kind.encode() + b"\0", key)), pa.string())


def _keyed(kind: bytes, key: bytes) -> _Keyed:
    if is_for_sm3(key):
        return hmac.new(key.removeprefix(SM3), kind, "sm3")
    return hashlib.blake2b(kind, key=key, digest_size=PSEUDONYM_BYTES)


def _hashed(texts: pa.Array, keyed: _Keyed) -> Iterator[str]:
    for text in texts.to_pylist():
        one = keyed.copy()
        one.update(text.encode())
        yield one.hexdigest()[: 2 * PSEUDONYM_BYTES]
