"""Bounds what one protected unit can change, and turns each measure into exact integers of known sensitivity.

Neighbouring tables differ by one unit with all of its rows. `_unit_rows` (n below) is the number of rows that the
unit has in the whole snapshot, stored there by ingest: adding or removing another unit does not change it, and no
view or WHERE leaves a unit more than n rows. B is the public bound `rows_per_unit`.

COUNT, SUM, AVG. Row i of a unit adds trunc(B * q_i / max(n, B)) steps to its cell, where q_i is an integer that
depends on the row alone, |q_i| <= Q, and `//` of DuckDB truncates towards zero, so that no addend is larger than its
untruncated value. The unit has at most n rows, in whatever cells. Hence over all cells together

    sum_i |trunc(B q_i / max(n, B))| <= n * B * Q / max(n, B) <= B * Q,

and B * Q is the exact L1 sensitivity of the whole vector. All rows of a unit with n <= B count in full; those of a
larger unit are scaled to weigh as much as B rows. A unit of n rows without n (NULL, or below 1) adds nothing.

q_i is STEPS for COUNT. For SUM it is the value clamped to its declared bounds and rounded on the grid 2^-s (AVG: less
the bounds' midpoint on that grid). NULL and NaN are mapped to "no addend" by CASE before the clamp, for
`greatest(lower, least(upper, NULL))` is `upper`. Multiplying a double by a power of two is exact and rounding is
monotonic, so a clamped value lies between the bounds' own steps. The grid follows from the declared bounds and B only.

COUNT(DISTINCT unit). A unit that is in c cells (after WHERE) adds trunc(C * STEPS / max(c, C)) steps to each of them,
C = min(B, cells of the answer). c depends on the unit's own rows only, so the L1 sensitivity is

    c * trunc(C * STEPS / max(c, C)) <= C * STEPS.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from sandbox.asset import Column
from sandbox.privacy.condition import quoted

STEPS = 2**20
"""Grid steps of one counted row: a unit's row still weighs something where the unit has a million rows."""
_BITS = 35
"""B * Q stays below 2^35, so that 2^28 rows at the bound still sum to 64 bits, where OpenDP's noise saturates."""
_FINEST = 200
_COARSEST = -1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """One integer vector over the cells of an answer."""

    sql: str
    """An aggregate in trusted SQL over the rows of one cell; its result is an integer."""
    sensitivity: int
    """The most that one unit changes it by: in steps, in the L1 norm over all cells."""
    grid: Fraction
    """The value of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The declared bounds of a measure, as the doubles that values are compared with."""

    lower: float
    upper: float

    @property
    def size(self) -> Fraction:
        """Return the largest absolute value inside."""
        return max(abs(Fraction(self.lower)), abs(Fraction(self.upper)))

    @property
    def width(self) -> Fraction:
        """Return the distance between the bounds."""
        return Fraction(self.upper) - Fraction(self.lower)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A measure's values as whole steps of a power of two."""

    interval: Interval
    shift: int
    """One step is 2^-shift."""

    @property
    def step(self) -> Fraction:
        """Return the value of one step."""
        return Fraction(2) ** -self.shift

    @property
    def lowest(self) -> int:
        """Return the smallest number of steps that a clamped value can have."""
        return floor(Fraction(self.interval.lower) / self.step)

    @property
    def highest(self) -> int:
        """Return the largest number of steps that a clamped value can have."""
        return ceil(Fraction(self.interval.upper) / self.step)

    @property
    def middle(self) -> int:
        """Return the bounds' midpoint in steps."""
        return (self.lowest + self.highest) // 2


def interval_of(column: Column) -> Interval | None:
    """Return a measure's declared bounds, or nothing where they are no two rising finite numbers."""
    try:
        lower, upper = float(Fraction(column.lower)), float(Fraction(column.upper))
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return Interval(lower=lower, upper=upper) if lower < upper else None


def grid_for(interval: Interval, *, bound: int) -> Grid:
    """Return the finest grid on which `bound` clamped values stay below 2^35 steps."""
    size = interval.size
    above = size.numerator.bit_length() - size.denominator.bit_length() + 1
    shift = _BITS - bound.bit_length() - above
    return Grid(interval=interval, shift=max(_COARSEST, min(_FINEST, shift)))


def count_rows(column: Column | None, *, bound: int) -> Bounded:
    """Bound COUNT(*), or COUNT(x): the rows in which x is not NULL."""
    addend = f"{_big(STEPS * bound)} // {_weight(bound)}"
    if column is not None:
        addend = f"CASE WHEN {quoted(column.name)} IS NOT NULL THEN {addend} END"
    return _rows(addend, sensitivity=STEPS * bound, grid=Fraction(1, STEPS))


def count_numbers(column: Column, *, bound: int) -> Bounded:
    """Bound the number of rows that an average is over: those neither NULL nor NaN."""
    addend = f"{_big(STEPS * bound)} // {_weight(bound)}"
    value = _double(column)
    sql = f"CASE WHEN {value} IS NOT NULL AND NOT isnan({value}) THEN {addend} END"
    return _rows(sql, sensitivity=STEPS * bound, grid=Fraction(1, STEPS))


def count_units(*, bound: int, cells: int) -> Bounded:
    """Bound COUNT(DISTINCT unit) over rows that stand for one unit in one cell, `_cells` of that unit."""
    most = min(bound, cells)
    weight = f"CASE WHEN _cells > {most} THEN _cells ELSE {most} END"
    addend = f"{_big(STEPS * most)} // {weight}"
    return _rows(addend, sensitivity=STEPS * most, grid=Fraction(1, STEPS))


def total(column: Column, *, grid: Grid, bound: int, centre: int = 0) -> Bounded:
    """Bound SUM(x - centre): `centre` is in steps, 0 for a sum and the midpoint for an average."""
    most = max(abs(grid.lowest - centre), abs(grid.highest - centre), 1)
    addend = f"(({_steps(column, grid)} - {_big(centre)}) * {_big(bound)}) // {_weight(bound)}"
    return _rows(addend, sensitivity=most * bound, grid=grid.step)


def _rows(addend: str, *, sensitivity: int, grid: Fraction) -> Bounded:
    return Bounded(sql=f"sum({addend})", sensitivity=sensitivity, grid=grid)


def _steps(column: Column, grid: Grid) -> str:
    """Return a value clamped and rounded to whole steps; NULL and NaN become NULL. Never fails."""
    value, interval = _double(column), grid.interval
    scaled = f"{value} * {_real(float(1 / grid.step))}"
    return (
        f"CASE WHEN isnan({value}) THEN NULL"
        f" WHEN {value} <= {_real(interval.lower)} THEN {_big(grid.lowest)}"
        f" WHEN {value} >= {_real(interval.upper)} THEN {_big(grid.highest)}"
        f" ELSE TRY_CAST(round({scaled}) AS BIGINT) END"
    )


def _weight(bound: int) -> str:
    """Return max(n, bound), or NULL where n is no count: DuckDB 2 raises on a division by zero."""
    return f"CASE WHEN _unit_rows > {bound} THEN _unit_rows WHEN _unit_rows >= 1 THEN {bound} END"


def _double(column: Column) -> str:
    return f"CAST({quoted(column.name)} AS DOUBLE)"


def _big(value: int) -> str:
    return f"CAST({value} AS BIGINT)"


def _real(value: float) -> str:
    return f"CAST('{value!r}' AS DOUBLE)"
