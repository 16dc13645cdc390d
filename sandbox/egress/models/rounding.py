"""Rounds a model's numbers to the few digits in which they leave."""

import math
import struct

from sandbox.egress.numbers import significant

SMALLEST = 1e-30
"""Numbers nearer to 0 are 0."""
_FEW = range(1, 6)


def short(value: float) -> float:
    """Return the shortest decimal number that is the same in bfloat16: 8 binary digits; raise `OverflowError`."""
    near = _bfloat(value)
    if near == 0:
        return 0.0
    found = (float(f"{near:.{digits - 1}e}") for digits in _FEW)
    return next((each for each in found if _bfloat(each) == near), near)


def cut_off(value: float, digits: int) -> float:
    """Return a threshold in `digits` significant decimal digits: an order statistic, like a quantile."""
    return float(significant(float(value), digits)) if abs(value) > SMALLEST else 0.0


def centred(centre: float, spread: float) -> float:
    """Return a centre as exactly as a hundredth of its spread: more digits would change no score that matters."""
    return round(centre, 2 - math.floor(math.log10(spread))) + 0.0


def _bfloat(value: float) -> float:
    if abs(value) < SMALLEST:
        return 0.0
    [bits] = struct.unpack("<I", struct.pack("<f", value))
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    [near] = struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))
    if not math.isfinite(near):
        raise OverflowError("a number too large for a model")
    return float(near)
