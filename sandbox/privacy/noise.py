"""Where noise comes from: OpenDP's exact sampler over the operating system's randomness."""

from collections.abc import Sequence
from fractions import Fraction
from math import inf, nextafter
from typing import Protocol

import opendp.prelude as dp

_I64 = 2**63 - 1


class Noise(Protocol):
    """Adds noise to a vector of integers."""

    def __call__(self, values: Sequence[int], *, scale: Fraction) -> Sequence[int]:
        """Return one noisy integer for each value; `scale` is in the values' own steps."""
        ...


def secure(values: Sequence[int], *, scale: Fraction) -> Sequence[int]:
    """Add discrete Laplace noise of this scale to each value.

    OpenDP samples on exact rationals and saturates at 64 bits. Values are clamped to 64 bits before: a clamp never
    moves two vectors apart, so the sensitivity holds. `scale` must be a double's exact value (see `scale_for`).
    """
    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    mechanism = dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=float(scale))
    return [int(value) for value in mechanism([max(-_I64, min(_I64, v)) for v in values])]


def scale_for(*, sensitivity: int, epsilon: Fraction) -> Fraction:
    """Return the exact value of the smallest double that is at least sensitivity / epsilon."""
    exact = sensitivity / epsilon
    nearest = float(exact)
    return Fraction(nearest if Fraction(nearest) >= exact else nextafter(nearest, inf))
