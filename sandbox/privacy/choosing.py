"""Chooses by exact exponential weights: doubles decide where they are certain, and exact decimals where they are not.

The chance of place i is exp(-s_i / b) / sum_j exp(-s_j / b). A uniform point in [0, 1) falls between the bounds of one
place. 64 random bits of the point and weights in doubles decide, unless the point lies within 2^-30 of a bound, far
more than doubles can be wrong by; then more bits are drawn and the bounds are computed anew in decimals, until
the point is clear of every bound. So the choice has exactly these chances, whatever the doubles do.
"""

import os
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

_UNSURE = 2.0**-30
_WORD = 8
Scores = npt.NDArray[np.int64] | Sequence[Sequence[int]]
"""One row for each choice."""
Draw = Callable[[int], bytes]
"""Returns so many random bytes."""


def chosen(scores: Scores, scale: Fraction, *, draw: Draw = os.urandom) -> list[int]:
    """Choose one place in each row of scores; every row has at least one, and no score is 2^62 or more."""
    if not len(scores):
        return []
    table: npt.NDArray[np.int64] = np.asarray(scores, dtype=np.int64)
    table = table - table.min(axis=1, keepdims=True)
    weights = np.exp(-(table / float(scale)))
    bounds = np.cumsum(weights, axis=1)
    bounds /= bounds[:, -1:]
    words = np.frombuffer(draw(_WORD * len(table)), dtype="<u8")
    points = words.astype(np.float64) / 2.0**64
    places = (bounds <= points[:, None]).sum(axis=1)
    unsure = (np.abs(bounds - points[:, None]) < _UNSURE).any(axis=1) | (places >= table.shape[1])
    found = [int(place) for place in places]
    for row in np.flatnonzero(unsure):
        found[row] = _surely([int(s) for s in table[row]], scale, int(words[row]), draw)
    return found


def _surely(scores: list[int], scale: Fraction, word: int, draw: Draw) -> int:
    """Choose with the first 64 bits of the point given, drawing more until they are clear of every bound."""
    point, bits, digits = word, 64, 50
    while True:
        point, bits, digits = (
            (point << 128) | int.from_bytes(draw(16), "little"),
            bits + 128,
            digits + 60,
        )
        context = Context(prec=digits)
        bounds = _bounds(scores, scale, context)
        place = context.divide(Decimal(point), Decimal(2**bits))
        width = Decimal(10) ** (10 - digits) + Decimal(2) ** -bits
        inner = bounds[:-1]
        if all(abs(place - bound) > width for bound in inner):
            return sum(bound <= place for bound in inner)


def _bounds(scores: list[int], scale: Fraction, context: Context) -> list[Decimal]:
    over = [Fraction(score) / scale for score in scores]
    weights = [
        context.exp(context.divide(Decimal(-x.numerator), Decimal(x.denominator))) for x in over
    ]
    total = Decimal(0)
    sums = []
    for weight in weights:
        total = context.add(total, weight)
        sums.append(total)
    return [context.divide(some, total) for some in sums]
