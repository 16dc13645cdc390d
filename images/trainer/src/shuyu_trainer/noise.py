"""Gaussian noise on whole numbers, by inverting 191 bits of the operating system's randomness.

A draw is round(scale * Z) for a standard normal Z. Added to whole numbers it is exactly what the continuous Gaussian
mechanism answers, rounded afterwards: rounding is post-processing, so the continuous mechanism's price holds, whatever
is composed or sampled. No floating-point number is ever added to a float.

|Z| is where its upper tail, which is uniform, has the value drawn: 63 bits tell it as a double. Where those bits and
the double's error could leave two whole numbers open, 128 more bits are drawn and the tail is compared at 300 bits.
A draw is off by at most (whole numbers that can occur, below 2^42) * 2^-191 in total variation.
"""

import os
from collections.abc import Callable

import mpmath
import numpy as np
from scipy.special import ndtri

Bytes = Callable[[int], bytes]
MAX_SCALE = 2.0**36
_PRECISION = 300
_GUARD = 2.0**-44
"""Far above the relative error of `ndtri` in doubles, about 2^-50; a test holds it against mpmath."""
_FEW = 1 << 20
"""Tails of fewer units of 2^-63 than this are always looked at closely."""


def rounded_gaussian(count: int, *, scale: float, source: Bytes = os.urandom) -> np.ndarray:
    """Return `count` independent draws as int64; `scale` is the deviation in whole numbers, at most `MAX_SCALE`."""
    if not 0 < scale <= MAX_SCALE:
        raise ValueError("the scale is out of range")
    bits = np.frombuffer(source(8 * count), np.uint64)
    tails = bits >> np.uint64(1)
    middle = (tails.astype(np.float64) + 0.5) * 2.0**-63
    size = -ndtri(middle / 2)
    near = size * scale
    whole = np.floor(near + 0.5)
    density = np.exp(-(size**2) / 2) * 0.3989422804014327
    off = 2.0**-62 + middle * 2.0**-50  # the bits not yet drawn, and the tail's own rounding
    open_by = scale * (size * _GUARD + off / density) + 2.0**-44 * (near + 1)
    is_open = (0.5 - np.abs(near - whole) <= open_by) | (tails < _FEW)
    for place in np.flatnonzero(is_open):
        low = int.from_bytes(source(16), "little")
        whole[place] = _closely(int(tails[place]) << 128 | low, scale, guess=int(whole[place]))
    signs = 1 - 2 * (bits & np.uint64(1)).astype(np.int64)
    return whole.astype(np.int64) * signs


def _closely(tail: int, scale: float, *, guess: int) -> int:
    """Return the whole number next to scale * |Z| where P(|Z| > that) is (tail + 1/2) / 2^191."""
    with mpmath.workprec(_PRECISION):
        wanted = (mpmath.mpf(tail) + mpmath.mpf(1) / 2) / mpmath.mpf(2) ** 191
        root = mpmath.mpf(scale) * mpmath.sqrt(2)
        guess = max(guess, 0)
        while guess > 0 and mpmath.erfc((guess - mpmath.mpf(1) / 2) / root) < wanted:
            guess -= 1
        while mpmath.erfc((guess + mpmath.mpf(1) / 2) / root) >= wanted:
            guess += 1
        return guess
