"""What a privacy loss costs: exact integers of zCDP, rounded against the asker.

The currency is rho of zero-concentrated differential privacy, in pico-rho (10^-12). Costs round up, limits
round down, and a displayed epsilon rounds up. No float decides. Source: Bun and Steinke 2016, "Concentrated
Differential Privacy", propositions 1.3 (conversion to epsilon and delta) and 1.4 (pure epsilon to rho).
A limit in (epsilon, delta) becomes rho, and is shown as epsilon again, by proposition 1.3; a statement also
gives the smaller epsilon that the same rho amounts to by its Renyi divergences (`tight_epsilon_of`).
"""

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import ceil, exp, floor, isqrt, log, log1p

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


def tight_epsilon_of(rho: int, delta: Fraction) -> Fraction:
    """Return a smaller epsilon for `rho` pico-rho at `delta`, rounded up to a millionth; for statements.

    rho-zCDP has Renyi divergence a*rho at every order a > 1, so that each order gives a bound:
    a*rho + ln(1 - 1/a) - ln(delta*a) / (a - 1). Source: Canonne, Kamath and Steinke 2020, "The Discrete
    Gaussian", proposition 12, as in dp-accounting's RdpAccountant. A float picks the order; exact decimals
    bound its epsilon from above. Raises `CostError` as `epsilon_of` does.
    """
    most = epsilon_of(rho, delta)
    if rho == 0:
        return most
    order = _best_order(rho / PICO, log(delta.denominator) - log(delta.numerator))
    return min(most, max(Fraction(0), _renyi_bound(Fraction(rho, PICO), order, delta=delta)))


def rho_text(rho: int) -> str:
    """Return whole pico-rho as a decimal number of rho, exactly."""
    exact = f"{Decimal(rho).scaleb(-12):f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def _best_order(rho: float, inverse: float) -> Fraction:
    """Return about the order that gives the least bound, by golden section over ln(a - 1)."""

    def bound(point: float) -> float:
        order = 1 + exp(point)
        return order * rho + log1p(-1 / order) + (inverse - log(order)) / (order - 1)

    low, high, golden = log(1e-9), log(1e12), (5**0.5 - 1) / 2
    for _ in range(120):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if bound(left) < bound(right) else (left, high)
    return 1 + Fraction(exp((low + high) / 2))


def _renyi_bound(rho: Fraction, order: Fraction, *, delta: Fraction) -> Fraction:
    """Return the bound of this order, rounded up to a millionth."""
    gain = _log_inverse(
        1 - 1 / order
    )  # at least ln(a / (a - 1)), which is taken off: one step less
    step = Fraction(1, 10 ** (_DIGITS // 2))
    rest = _log_inverse(delta * order) if delta * order < 1 else Fraction(0)
    return Fraction(ceil((order * rho - gain + step + rest / (order - 1)) * MICRO), MICRO)


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
