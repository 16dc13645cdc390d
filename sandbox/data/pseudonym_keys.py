"""The key of a domain's pseudonyms: 32 random bytes, marked where the domain hashes by SM3."""

import secrets

KEY_BYTES = 32
SM3 = b"sm3:"
"""What a key begins with that is for HMAC-SM3 (GB/T 32905, GB/T 15852.2); without it, it is for keyed BLAKE2b."""


def fresh(*, sm3: bool) -> bytes:
    """Return a new key: `KEY_BYTES` random bytes, behind the mark of their algorithm."""
    return (SM3 if sm3 else b"") + secrets.token_bytes(KEY_BYTES)


def is_for_sm3(key: bytes) -> bool:
    """Say whether a key is for HMAC-SM3: its length tells it from random bytes that happen to begin so."""
    return len(key) == len(SM3) + KEY_BYTES and key.startswith(SM3)
