"""Chooses private keys: units vote with an L2 norm of one, and a key is answered where its noisy vote is above a threshold.

Source: Gopi, Gulhane, Kulkarni, Shen, Shokouhi and Yekhanin 2020, "Differentially Private Set Union", theorem 5.1. A unit
in t keys (t at most K) adds at most 1 / sqrt(t) to each. Of two neighbouring tables, the keys that both have are
a Gaussian mechanism of sensitivity 1: rho = 1 / (2 sigma^2). Those that one unit alone has are seen with a chance of
at most t Q((T - 1 / sqrt(t)) / sigma) for its t, which T makes at most delta for every t. Q is the normal tail, at most
exp(-x^2 / 2) / (x sqrt(2 pi)); the tail of the discrete Gaussian at m + 1 is at most Q(m / sigma) (Canonne, Kamath and
Steinke 2020, proposition 25), and a vote is answered where it is strictly above T.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from math import ceil, log, pi, sqrt

from sandbox.privacy.trusted import root_above

_DIGITS = 40
_ROOT_TWO_PI = Decimal("2.50662827463100050241576528481104525300")
"""Rounded down, so that the bound of the tail is above it."""


def threshold_for(*, one: int, scale: Fraction, delta: Fraction, most: int) -> int:
    """Return the threshold in steps: `one` is the vote of a unit in one key, `scale` is sigma.

    Floats only guess; exact decimals, rounded against the asker, decide.
    """
    groups = _groups(one, most)
    found = max(ceil(vote + scale * Fraction(_guess(delta, count))) for vote, count in groups)
    while not all(_holds(found - vote, count, scale=scale, delta=delta) for vote, count in groups):
        found += 1 + found // 10**6
    return found


def _groups(one: int, most: int) -> list[tuple[int, int]]:
    """Return for t from 2^j to 2^(j+1) - 1 the largest vote of each key, and the largest number of keys."""
    starts = [2**j for j in range(most.bit_length())]
    return [(root_above(-(-one * one // t)), min(2 * t - 1, most)) for t in starts]


def _guess(delta: Fraction, count: int) -> float:
    """Return about the x at which count exp(-x^2 / 2) / (x sqrt(2 pi)) is delta."""
    wanted = log(count) - (log(delta.numerator) - log(delta.denominator))
    x = 1.0
    for _ in range(60):
        x = sqrt(max(2 * (wanted - log(x * sqrt(2 * pi))), 1.0))
    return x


def _holds(beyond: int, count: int, *, scale: Fraction, delta: Fraction) -> bool:
    """Say whether `count` keys with so much left to the threshold are seen with at most a chance of delta."""
    down = Context(prec=_DIGITS, rounding=ROUND_FLOOR)
    up = Context(prec=_DIGITS, rounding=ROUND_CEILING)
    exact = beyond / scale
    if exact < 1:
        return False
    x = down.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    half = down.divide(down.multiply(x, x), Decimal(2))
    tail = up.divide(up.next_plus(up.exp(-half)), down.multiply(x, _ROOT_TWO_PI))
    most = down.divide(Decimal(delta.numerator), Decimal(delta.denominator))
    return up.multiply(Decimal(count), tail) <= most
