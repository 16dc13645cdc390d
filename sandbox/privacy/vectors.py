"""Lays out what each measure needs: columns of the statement's rows, and the integers that are summed over them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sandbox.privacy.bounding import (
    Grid,
    Vector,
    clamped,
    counted,
    counted_numbers,
    grid_for,
    summed,
)
from sandbox.privacy.interval import Interval
from sandbox.privacy.measures import SPREADS, Form, Measure
from sandbox.privacy.value import Value, real

BINS = 200
"""Steps of the public grid on which a quantile is chosen: half a unit for bounds of 0 and 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """One measure as it is computed."""

    measure: Measure
    columns: tuple[tuple[str, str], ...] = ()
    """Names and trusted SQL of what each row must have for it."""
    vectors: tuple[Vector, ...] = ()
    """What is summed; none for units and quantiles, which have statements of their own."""
    bins: str = ""
    """For a quantile: trusted SQL of a row's bin."""
    grid: Grid | None = None

    @property
    def centre(self) -> Fraction:
        """Return the middle that a mean takes off each value."""
        return self.grid.middle * self.grid.step if self.grid else Fraction(0)


def laid(measure: Measure, place: int, *, bound: int) -> Laid:
    """Lay out one measure; `place` keeps the names of its columns apart from those of others."""
    name, value = f"m{place}", measure.value
    if measure.form is Form.UNITS:
        return Laid(measure=measure)
    if measure.form is Form.COUNT:
        return _count(measure, name)
    assert value is not None, "only counts are over no value"
    assert value.interval is not None, "the reading refuses measures without bounds"
    columns = ((name, _filtered(value.double, measure.where)),)
    if measure.form is Form.QUANTILE:
        return Laid(measure=measure, columns=columns, bins=_bin(name, value.interval))
    grid = grid_for(value.interval, bound=bound)
    if measure.form is Form.SUM:
        return Laid(measure=measure, columns=columns, vectors=(summed(name, grid),), grid=grid)
    centred = summed(name, grid, centre=grid.middle)
    if measure.form is Form.AVG:
        return Laid(
            measure=measure, columns=columns, vectors=(centred, counted_numbers(name)), grid=grid
        )
    assert measure.form in SPREADS, "all forms are laid out"
    square, column = _square(f"s{place}", value, measure.where, grid, bound=bound)
    return Laid(
        measure=measure,
        columns=(*columns, column),
        vectors=(centred, square, counted_numbers(name)),
        grid=grid,
    )


def _filtered(sql: str, where: str) -> str:
    return f"CASE WHEN {where} THEN {sql} END" if where else sql


def _count(measure: Measure, name: str) -> Laid:
    present = f"{measure.value.sql} IS NOT NULL" if measure.value else ""
    held = " AND ".join(part for part in (present, measure.where) if part)
    if not held:
        return Laid(measure=measure, vectors=(counted(),))
    return Laid(measure=measure, columns=((name, held),), vectors=(counted(name),))


def _square(
    name: str, value: Value, where: str, grid: Grid, *, bound: int
) -> tuple[Vector, tuple[str, str]]:
    """Return the vector of (x - middle)^2, with x clamped before, and the column that it is over."""
    middle = real(float(grid.middle * grid.step))
    distance = f"({clamped(value.double, grid.interval)} - {middle})"
    far = float(grid.interval.width) * 0.5000001
    squares = grid_for(Interval(lower=0.0, upper=far * far), bound=bound)
    return summed(name, squares), (name, _filtered(f"{distance} * {distance}", where))


def _bin(name: str, interval: Interval) -> str:
    """Return which of the public bins a number falls into; the first and the last take all beyond them."""
    lower, upper = real(interval.lower), real(interval.upper)
    share = real(BINS / float(interval.width))
    inside = f"TRY_CAST(floor(({name} - {lower}) * {share}) AS BIGINT)"
    return (
        f"(CASE WHEN isnan({name}) THEN NULL WHEN {name} <= {lower} THEN 0"
        f" WHEN {name} >= {upper} THEN {BINS - 1} WHEN {inside} >= {BINS} THEN {BINS - 1}"
        f" ELSE {inside} END)"
    )


def columns_of(all_of: tuple[Laid, ...]) -> Iterator[tuple[str, str]]:
    """Return the columns that all these measures need."""
    return (column for one in all_of for column in one.columns)
