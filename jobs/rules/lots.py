"""The lots by which automatic releases are drawn for a second look: nobody foresees them, everybody can recompute them."""

import hashlib
import hmac
from fractions import Fraction

from jobs.proof.bodies import digest_of
from sandbox.asset import Digest

SECRET_BYTES = 32
_BITS = 256


def seed_of(secret: bytes, day: str) -> bytes:
    """Return the day's seed; once it is revealed, it tells nothing of the secret or of another day's."""
    return hmac.digest(secret, f"shuyu lots {day}".encode(), hashlib.sha256)


def commitment_of(seed: bytes) -> Digest:
    """Return what the log has of a seed before its day: 256 random bits need no salt."""
    return digest_of(seed)


def is_drawn(seed: bytes, release: str, rate: Fraction) -> bool:
    """Say whether a release is drawn: HMAC-SHA256 of its id, as a fraction of 2^256, is below `rate`."""
    lot = int.from_bytes(hmac.digest(seed, release.encode(), hashlib.sha256))
    return lot * rate.denominator < rate.numerator << _BITS
