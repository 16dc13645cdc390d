"""Draws discrete Laplace and Gaussian integers, exactly, from the operating system's random bytes.

A geometric number with ratio exp(-1/b) has independent binary digits: digit j is 1 with chance 1 / (1 + exp(2^j / b)). So each
digit is the inversion of a table of two places: 64 random bits are compared with the first 64 bits of its chance, for all
draws at once. Where both are the same (one in 2^64), the next bits decide, for as long as they are the same:
no chance is ever rounded. What is left beyond the last digit is geometric again (the distribution has no memory). The difference
of two geometric numbers is discrete Laplace of scale b. A Gaussian is a Laplace number of scale t = floor(sigma) + 1 that is
kept with chance exp(-(|y| - sigma^2 / t)^2 / (2 sigma^2)): Canonne, Kamath and Steinke 2020, algorithm 3. Doubles decide whether to
keep it where they are certain by 2^-30, and exact decimals where they are not.
"""

import os
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor

import numpy as np
import numpy.typing as npt

Draw = Callable[[int], bytes]
"""Returns so many random bytes."""
Integers = npt.NDArray[np.int64]
_WORD = 64
_BEYOND = 48
"""The digits go up to 2^J >= 48 b: one draw in 10^20 has something left beyond them."""
_UNSURE = 2.0**-30
MOST_SCALE = 2**56
"""The largest scale: 2^J stays below 2^62."""


def laplace(count: int, scale: Fraction, *, draw: Draw = os.urandom) -> Integers:
    """Draw so many discrete Laplace integers: P(x) in proportion to exp(-|x| / scale). Scales are below 2^56."""
    assert 0 < scale < MOST_SCALE, "the scale of a plan is in range"
    both = _geometric(2 * count, scale, draw)
    return both[:count] - both[count:]


def gaussian(count: int, scale: Fraction, *, draw: Draw = os.urandom) -> Integers:
    """Draw so many discrete Gaussian integers: P(x) in proportion to exp(-x^2 / (2 scale^2))."""
    kept: list[Integers] = []
    missing = count
    while missing > 0:
        tried = laplace(2 * missing + 8, Fraction(floor(scale) + 1), draw=draw)
        kept.append(tried[_keeps(tried, scale, draw)])
        missing = count - sum(len(some) for some in kept)
    return np.concatenate([*kept, np.zeros(0, dtype=np.int64)])[:count]


def _geometric(count: int, scale: Fraction, draw: Draw) -> Integers:
    digits = max(0, floor(_BEYOND * scale).bit_length())
    found: Integers = np.zeros(count, dtype=np.int64)
    for digit in range(digits):
        one = coins(count, digit_bits, Fraction(2**digit) / scale, draw)
        found |= one.astype(np.int64) << digit
    left = np.arange(count)
    while len(left):
        left = left[coins(len(left), rest_bits, Fraction(2**digits) / scale, draw)]
        found[left] += 2**digits
    return found


Chance = Callable[[Fraction, int], int]
"""Returns floor(p 2^bits) for the chance p that belongs to a number."""


def coins(count: int, chance: Chance, at: Fraction, draw: Draw) -> npt.NDArray[np.bool_]:
    """Toss so many coins of this chance, exactly."""
    words = np.frombuffer(draw(8 * count), dtype="<u8")
    first = np.uint64(chance(at, _WORD))
    heads: npt.NDArray[np.bool_] = words < first
    for place in np.flatnonzero(words == first):
        heads[place] = _tie(chance, at, draw)
    return heads


def _tie(chance: Chance, at: Fraction, draw: Draw) -> bool:
    """Toss one coin whose first 64 bits are those of its chance: the next ones decide."""
    bits = _WORD
    while True:
        bits += _WORD
        word, wanted = int.from_bytes(draw(8), "little"), chance(at, bits) % 2**_WORD
        if word != wanted:
            heads: bool = word < wanted
            return heads


@lru_cache(maxsize=4096)
def digit_bits(at: Fraction, bits: int) -> int:
    """Return floor(2^bits / (1 + exp(at)))."""
    return _floor(at, bits, lambda up, context: context.divide(Decimal(1), 1 + up))


@lru_cache(maxsize=4096)
def rest_bits(at: Fraction, bits: int) -> int:
    """Return floor(2^bits exp(-at))."""
    return _floor(at, bits, lambda up, context: context.divide(Decimal(1), up))


def _floor(at: Fraction, bits: int, of: Callable[[Decimal, Context], Decimal]) -> int:
    """Return a chance's first bits; digits are added until rounding cannot have changed them."""
    digits = bits // 3 + 30
    while True:
        context = Context(prec=digits)
        up = context.exp(context.divide(Decimal(at.numerator), Decimal(at.denominator)))
        exact = context.multiply(of(up, context), Decimal(2**bits))
        slack = context.multiply(exact, Decimal(10) ** (8 - digits))
        low, high = floor(exact - slack), floor(exact + slack)
        if low == high:
            return low
        digits *= 2


def _keeps(tried: Integers, scale: Fraction, draw: Draw) -> npt.NDArray[np.bool_]:
    """Say which Laplace numbers are kept as Gaussian ones."""
    middle = scale * scale / (floor(scale) + 1)
    far = (np.abs(tried).astype(np.float64) - float(middle)) / float(scale)
    chances = np.exp(-far * far / 2)
    words = np.frombuffer(draw(8 * len(tried)), dtype="<u8")
    points = words.astype(np.float64) / 2.0**_WORD
    kept: npt.NDArray[np.bool_] = points < chances
    for place in np.flatnonzero(np.abs(points - chances) < _UNSURE):
        exact = (abs(int(tried[place])) - middle) ** 2 / (2 * scale * scale)
        kept[place] = _surely(int(words[place]), exact, draw)
    return kept


def _surely(word: int, at: Fraction, draw: Draw) -> bool:
    """Toss a coin of chance exp(-at) whose first 64 random bits are given."""
    first = rest_bits(at, _WORD) if at else 2**_WORD
    return _tie(rest_bits, at, draw) if word == first else word < first
