"""Turns each measure into integers of known size, row by row, and bounds what one protected unit can change.

Neighbouring tables differ by one unit with all of its rows, in all assets. Row i of a unit has for each vector an integer
q_i that depends on the row alone, |q_i| <= Q: STEPS for a counted row; for a sum the value clamped to its public bounds
and rounded on the grid 2^-s (less the middle of the bounds where a mean follows). NULL and NaN add nothing: they are mapped by
CASE before the clamp, for `greatest(lower, least(upper, NULL))` is `upper`. Multiplying a double by a power of two is
exact and rounding is monotonic, so a clamped value lies between the bounds' own steps. The grid follows from public numbers
only. Sums of integers do not depend on the order of rows.

What a unit adds is then bounded in one of these ways (B is the public bound `rows_per_unit`, `//` truncates towards
zero, so that no addend is larger than its untruncated value):

By rows (L1). Row i adds (B q_i) // max(n, B) to its cell. n is at least the number of the unit's rows in the statement:
`_unit_rows` of the snapshot, stored by ingest and unchanged by adding or removing another unit; or 1 after a GROUP BY of the unit; or
counted by the statement itself. Over all cells together sum_i |(B q_i) // max(n, B)| <= n B Q / max(n, B) <= B Q, and
B Q is the exact L1 sensitivity of the whole vector. A unit of n rows without n (NULL, or below 1) adds nothing.

By norm (L2). With c_k the unit's rows in cell k, q_k the sum of its q_i there (so |q_k| <= c_k Q) and
R >= 2^10 |c|_2, cell k gets (2^10 B q_k) // max(R, 2^10 B). Hence the L2 norm over all cells is at most
2^10 B Q |c|_2 / max(R, 2^10 B) <= B Q. R is 2^10 B where |c|_2^2 <= B^2, and else ceil(2^10 sqrt(|c|_2^2)) + 1
in doubles; the step more covers the rounding, for |c|_2 < 2^31.

By cells (exact). Of the cells that a unit is in, the K with the smallest salted hashes are kept, and in each of them
q_k is clamped to -B Q … B Q. The L1 norm is at most K B Q, the L2 norm at most sqrt(K) B Q.

Units. A unit in c cells, C = min(B, cells): with L1, each gets (C STEPS) // max(c, C), together at most C STEPS. With L2,
each gets at most min(STEPS, 2^10 S // ceil(2^10 sqrt(c))), S = ceil(sqrt(C) STEPS), together at most S.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from sandbox.privacy.interval import Interval
from sandbox.privacy.value import big, real

STEPS = 2**20
"""Grid steps of one counted row: a unit's row still weighs something where the unit has a million rows."""
_BITS = 35
"""B * Q stays below 2^35, so that 2^28 rows at the bound still sum to 64 bits, where the noise saturates."""
_FINEST = 200
_COARSEST = -1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One integer for each row, to be summed in each cell."""

    addend: str
    """Trusted SQL of an integer over the columns of the statement's rows; NULL adds nothing."""
    most: int
    """The largest absolute value of the integer: Q above."""
    grid: Fraction
    """The value of one step."""


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


def grid_for(interval: Interval, *, bound: int) -> Grid:
    """Return the finest grid on which `bound` clamped values stay below 2^35 steps."""
    size = interval.size
    above = size.numerator.bit_length() - size.denominator.bit_length() + 1
    shift = _BITS - bound.bit_length() - above
    return Grid(interval=interval, shift=max(_COARSEST, min(_FINEST, shift)))


def counted(present: str = "") -> Vector:
    """Count rows: all of them, or those where `present` is true."""
    one = big(STEPS)
    addend = f"CASE WHEN {present} THEN {one} END" if present else one
    return Vector(addend=addend, most=STEPS, grid=Fraction(1, STEPS))


def counted_numbers(number: str) -> Vector:
    """Count the rows that a mean is over: those neither NULL nor NaN."""
    return counted(f"{number} IS NOT NULL AND NOT isnan({number})")


def summed(number: str, grid: Grid, *, centre: int = 0) -> Vector:
    """Sum x - centre: `centre` is in steps, 0 for a sum and the midpoint for a mean."""
    most = max(abs(grid.lowest - centre), abs(grid.highest - centre), 1)
    clamped = steps(number, grid)
    addend = f"({clamped} - {big(centre)})" if centre else clamped
    return Vector(addend=addend, most=most, grid=grid.step)


def steps(number: str, grid: Grid) -> str:
    """Return a double clamped and rounded to whole steps; NULL and NaN become NULL. Never fails."""
    interval = grid.interval
    scaled = f"{number} * {real(float(1 / grid.step))}"
    return (
        f"(CASE WHEN isnan({number}) THEN NULL"
        f" WHEN {number} <= {real(interval.lower)} THEN {big(grid.lowest)}"
        f" WHEN {number} >= {real(interval.upper)} THEN {big(grid.highest)}"
        f" ELSE TRY_CAST(round({scaled}) AS BIGINT) END)"
    )


def clamped(number: str, interval: Interval) -> str:
    """Return a double clamped to an interval; NULL and NaN become NULL."""
    lower, upper = real(interval.lower), real(interval.upper)
    return (
        f"(CASE WHEN isnan({number}) THEN NULL WHEN {number} <= {lower} THEN {lower}"
        f" WHEN {number} >= {upper} THEN {upper} ELSE {number} END)"
    )
