"""What a privacy loss costs: exact integers of zCDP, rounded against the asker.

The currency is rho of zero-concentrated differential privacy, in pico-rho (10^-12). Costs round up, limits
round down, and a displayed epsilon rounds up. No float takes part. Source: Bun and Steinke 2016, "Concentrated
Differential Privacy", propositions 1.3 (conversion to epsilon and delta) and 1.4 (pure epsilon to rho).
"""

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import ceil, floor, isqrt

from sandbox.privacy.errors import CostError

PICO = 10**12
"""Steps of rho in one: the unit of every stored cost."""
MICRO = 10**6
_DIGITS = 60
"""Decimal digits of the logarithm: far below a pico-rho, and then rounded up."""


def rho_of_pure(epsilon: Fraction) -> int:
    """Return the pico-rho that an (epsilon, 0) mechanism costs: epsilon squared over two, rounded up.

    Raises `CostError` where epsilon is negative.
    """
    if epsilon < 0:
        raise CostError("epsilon is negative")
    return ceil(epsilon * epsilon * PICO / 2)


def rho_of_approx(epsilon: Fraction, delta: Fraction) -> int:
    """Return the most pico-rho that an (epsilon, delta) limit allows, rounded down.

    It is the largest rho with rho + 2 sqrt(rho ln(1/delta)) <= epsilon; the inequality is squared and decided in
    rationals. Raises `CostError` where epsilon is negative or delta is not between 0 and 1.
    """
    if epsilon < 0:
        raise CostError("epsilon is negative")
    log = _log_inverse(delta)
    low, high = 0, floor(epsilon * PICO)
    while low < high:
        middle = (low + high + 1) // 2
        if _allows(Fraction(middle, PICO), epsilon=epsilon, log=log):
            low = middle
        else:
            high = middle - 1
    return low


def epsilon_of(rho: int, delta: Fraction) -> Fraction:
    """Return the epsilon that `rho` pico-rho amount to at `delta`, rounded up to a millionth; for display.

    Raises `CostError` where rho is negative or delta is not between 0 and 1.
    """
    if rho < 0:
        raise CostError("rho is negative")
    exact = Fraction(rho, PICO)
    root = Fraction(_root_above(4 * exact * _log_inverse(delta) * PICO * PICO), PICO)
    return Fraction(ceil((exact + root) * MICRO), MICRO)


def _allows(rho: Fraction, *, epsilon: Fraction, log: Fraction) -> bool:
    """Say whether this rho stays within epsilon; `rho <= epsilon` must hold."""
    return 4 * rho * log <= (epsilon - rho) ** 2


def _log_inverse(delta: Fraction) -> Fraction:
    """Return an upper bound of ln(1/delta): `Decimal.ln` is correctly rounded, one step up is above it."""
    if not 0 < delta < 1:
        raise CostError("delta is not between 0 and 1")
    up = Context(prec=_DIGITS, rounding=ROUND_CEILING)
    inverse = up.divide(Decimal(delta.denominator), Decimal(delta.numerator))
    return Fraction(up.next_plus(up.ln(inverse)))


def _root_above(value: Fraction) -> int:
    """Return the smallest integer that is at least the square root of `value`."""
    whole = ceil(value)
    root = isqrt(whole)
    return root if root * root == whole else root + 1
