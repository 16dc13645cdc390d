"""Takes a column's declared bounds, which the institution states and nobody reads from the data."""

from fractions import Fraction

from sandbox.asset import Column, Role
from sandbox.privacy.interval import Interval


def interval_of(column: Column) -> Interval | None:
    """Return a measure's declared bounds, or nothing where they are no two rising finite numbers."""
    try:
        lower, upper = float(Fraction(column.lower)), float(Fraction(column.upper))
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    rising = column.role is Role.MEASURE and lower < upper
    return Interval(lower=lower, upper=upper) if rising else None
