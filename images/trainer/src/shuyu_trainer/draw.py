"""Chooses units: each by a coin of its own from the operating system's randomness."""

import os
from collections.abc import Callable
from fractions import Fraction

import numpy as np

Bytes = Callable[[int], bytes]


def chosen(count: int, *, rate: Fraction, source: Bytes = os.urandom) -> np.ndarray:
    """Return the places, of `count`, whose coin fell: each with chance floor(rate * 2^64) / 2^64, independently.

    Sixteen bits decide; where they are just those of the threshold, 48 more do.
    """
    threshold = int(rate * (1 << 64))
    high, low = threshold >> 48, threshold & ((1 << 48) - 1)
    coins = np.frombuffer(source(2 * count), np.uint16).astype(np.int64)
    falls = coins < high
    ties = np.flatnonzero(coins == high)
    more = np.frombuffer(source(8 * len(ties)), np.uint64) >> np.uint64(16)
    falls[ties] = more < np.uint64(low)
    return np.flatnonzero(falls)


def shuffled(count: int, *, source: Bytes = os.urandom) -> np.ndarray:
    """Return the places 0 … count-1 in a random order."""
    keys = np.frombuffer(source(8 * count), np.uint64)
    return np.argsort(keys, kind="stable")
