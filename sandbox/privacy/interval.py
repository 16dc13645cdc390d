"""Computes with closed intervals of numbers, rounded outwards: the public bounds of an expression.

No proof rests on an interval being true of the data: every value is clamped to it before it is counted. An
interval that is too narrow would only clamp more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf, isfinite, isnan, nextafter


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Two ends as doubles; an end may be infinite."""

    lower: float
    upper: float

    @property
    def finite(self) -> bool:
        """Say whether both ends are numbers, and apart."""
        return isfinite(self.lower) and isfinite(self.upper) and self.lower < self.upper

    @property
    def size(self) -> Fraction:
        """Return the largest absolute value inside a finite interval."""
        return max(abs(Fraction(self.lower)), abs(Fraction(self.upper)))

    @property
    def width(self) -> Fraction:
        """Return the distance between the ends of a finite interval."""
        return Fraction(self.upper) - Fraction(self.lower)

    def whole(self, most: int) -> range | None:
        """Return the whole numbers inside, where there are `most` of them or fewer."""
        if not isfinite(self.lower) or not isfinite(self.upper):
            return None
        first, last = ceil(self.lower), floor(self.upper)
        return range(first, last + 1) if 0 <= last - first < most else None


EVERYTHING = Interval(lower=-inf, upper=inf)


def hull(intervals: Iterable[Interval]) -> Interval:
    """Return the smallest interval that holds all of these; there is at least one."""
    all_of = list(intervals)
    return Interval(lower=min(i.lower for i in all_of), upper=max(i.upper for i in all_of))


def negated(one: Interval) -> Interval:
    """Return the interval of -x."""
    return Interval(lower=-one.upper, upper=-one.lower)


def added(one: Interval, other: Interval) -> Interval:
    """Return the interval of x + y."""
    return Interval(
        lower=_outward(one.lower, other.lower, _sum, towards=-inf),
        upper=_outward(one.upper, other.upper, _sum, towards=inf),
    )


def multiplied(one: Interval, other: Interval) -> Interval:
    """Return the interval of x * y."""
    pairs = [(a, b) for a in (one.lower, one.upper) for b in (other.lower, other.upper)]
    return Interval(
        lower=min(_outward(a, b, _product, towards=-inf) for a, b in pairs),
        upper=max(_outward(a, b, _product, towards=inf) for a, b in pairs),
    )


def divided(one: Interval, other: Interval) -> Interval:
    """Return the interval of x / y, which is everything where y can come near 0."""
    if other.lower <= 0 <= other.upper:
        return EVERYTHING
    inverse = Interval(
        lower=nextafter(1 / other.upper, -inf), upper=nextafter(1 / other.lower, inf)
    )
    return multiplied(one, inverse)


def absolute(one: Interval) -> Interval:
    """Return the interval of |x|."""
    far = max(abs(one.lower), abs(one.upper))
    near = 0.0 if one.lower <= 0 <= one.upper else min(abs(one.lower), abs(one.upper))
    return Interval(lower=near, upper=far)


def lesser(one: Interval, other: Interval) -> Interval:
    """Return the interval of the lesser of x and y."""
    return Interval(lower=min(one.lower, other.lower), upper=min(one.upper, other.upper))


def greater(one: Interval, other: Interval) -> Interval:
    """Return the interval of the greater of x and y."""
    return Interval(lower=max(one.lower, other.lower), upper=max(one.upper, other.upper))


def widened(one: Interval, *, by: float) -> Interval:
    """Return the interval with both ends moved outwards, as rounding moves them."""
    return added(one, Interval(lower=-by, upper=by))


def floored(one: Interval) -> Interval:
    """Return the interval of floor(x)."""
    return Interval(lower=_whole(one.lower, floor), upper=_whole(one.upper, floor))


def ceiled(one: Interval) -> Interval:
    """Return the interval of ceil(x)."""
    return Interval(lower=_whole(one.lower, ceil), upper=_whole(one.upper, ceil))


def _whole(end: float, rounding: Callable[[float], int]) -> float:
    return float(rounding(end)) if isfinite(end) else end


def _outward(
    a: float, b: float, act: Callable[[Fraction, Fraction], Fraction], *, towards: float
) -> float:
    """Return a double at or beyond the exact result; an infinite end stays infinite, and 0 * inf is 0."""
    if not isfinite(a) or not isfinite(b):
        return _infinite(a, b, act, towards=towards)
    exact = act(Fraction(a), Fraction(b))
    try:
        near = float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf
    return near if Fraction(near) == exact else nextafter(near, towards)


def _infinite(
    a: float, b: float, act: Callable[[Fraction, Fraction], Fraction], *, towards: float
) -> float:
    found = a + b if act is _sum else (a * b if a and b else 0.0)
    return towards if isnan(found) else found


def _sum(a: Fraction, b: Fraction) -> Fraction:
    return a + b


def _product(a: Fraction, b: Fraction) -> Fraction:
    return a * b
