"""How numbers are rounded and written before they leave."""

import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext

COUNT_BASE = 5
"""Counts leave rounded to a multiple of this, after the thresholds (egress design, section 2)."""

_PLAIN = range(-9, 16)


def rounded_count(count: float) -> int:
    """Round a count to the nearest multiple of five, halves to even."""
    return int((Decimal(count) / COUNT_BASE).to_integral_value(ROUND_HALF_EVEN)) * COUNT_BASE


def significant(value: float, digits: int) -> float:
    """Round to `digits` significant decimal digits; whole numbers stay whole."""
    short = Decimal(f"{Decimal(value):.{digits - 1}e}")
    if isinstance(value, int):
        return int(short)
    if math.isfinite(float(short)):
        return float(short)
    with localcontext(prec=digits, rounding=ROUND_DOWN):  # the largest floats have nothing above
        return float(+Decimal(value))


def written(value: float) -> str:
    """Write a finite number: shortest form, no exponent where it can be avoided, no minus zero."""
    exact = Decimal(repr(value)) if value else Decimal(0)
    if exact and exact.adjusted() not in _PLAIN:
        return format(exact.normalize(), "e")
    plain = format(exact, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
