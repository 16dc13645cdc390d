"""Plans a question: trusted SQL, the noise of every measure and the exact price, before any data is read."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import floor, hypot, log10, sqrt

from sandbox.asset import AssetId, Column
from sandbox.order import Function, OutputTerms
from sandbox.privacy.bounding import (
    Bounded,
    Grid,
    count_numbers,
    count_rows,
    count_units,
    grid_for,
    interval_of,
    total,
)
from sandbox.privacy.events import DpEvent
from sandbox.privacy.items import Asked
from sandbox.privacy.noise import scale_for
from sandbox.privacy.pricing import cells_of, declared_type, domain_of, unfit
from sandbox.privacy.question import Question, Unanswerable
from sandbox.privacy.reading import Reading, Sort, read
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.statement import stated
from sandbox.privacy.trusted import over_rows, over_units
from sandbox.reason import Said

__all__ = ["AnswerColumn", "Cell", "Dimension", "Plan", "Question", "Unanswerable", "plan"]

Cell = tuple[str, ...]
"""One category of each dimension."""
USUAL_ROWS = 1_000
"""The size of the cell for which an average's deviation is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """What an answer is grouped by: a column and all of its public categories."""

    column: str
    domain: tuple[str, ...]
    """In catalogue order. Rows whose category is NULL or not among these are in no cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerColumn:
    """One column of the answer, and how far its noise reaches."""

    name: str
    type: str
    """`string`, `int` or `float`."""
    function: Function
    source: str
    """The view's column that it is taken from; empty for COUNT(*) and units."""
    parts: tuple[int, ...]
    """Indices: of its dimension, of its event, or for an average of its sum's and its count's event."""
    digits: int = 0
    """Decimal places; they follow from the noise, not from the data."""
    deviation: float = 0.0
    """The noise's standard deviation in each cell; for an average, in a cell of 1,000 rows."""
    lower: Fraction = Fraction(0)
    """For an average: it is clamped to the declared bounds."""
    upper: Fraction = Fraction(0)
    centre: Fraction = Fraction(0)
    """For an average: the midpoint that was taken off each value, to be added again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A priced question: everything that will be done, fixed before data is read."""

    asset: AssetId
    dimensions: tuple[Dimension, ...]
    """Every combination of their categories is answered, also those without rows."""
    sql: tuple[str, ...]
    """Trusted DuckDB SQL over a relation `view`: dimensions first, then one integer for each event in turn."""
    events: tuple[DpEvent, ...]
    columns: tuple[AnswerColumn, ...]
    """In the order of SELECT."""
    order: tuple[Sort, ...]
    limit: int | None
    rows_per_unit: int
    """A unit with more rows is scaled down to weigh as much as so many."""
    epsilon: Fraction
    """Pure differential privacy of the whole answer; delta is 0."""
    rho: int
    """The same in pico-rho (10^-12), rounded up."""
    statement: Said
    """What the answer promises, for people."""

    @property
    def cells(self) -> list[Cell]:
        """Return every cell, in catalogue order; one empty cell where nothing is grouped."""
        return list(product(*(dimension.domain for dimension in self.dimensions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vector:
    """One bounded vector, for the answered column that needs it."""

    asked: Asked
    bounded: Bounded
    epsilon: Fraction


def plan(question: Question) -> Plan | Unanswerable:
    """Plan a question, or tell every reason why not. Only the asset's declaration is looked at, never its data."""
    reading = read(question)
    if isinstance(reading, Unanswerable):
        return reading
    refusals = Refusals(question.sql)
    for fault in unfit(reading, question):
        refusals.at(0, fault)
    return Unanswerable(refusals.reasons()) if refusals.found else _planned(reading, question)


def _planned(reading: Reading, question: Question) -> Plan:
    vectors = _vectors(reading, question.epsilon)
    cells = cells_of(reading.dimensions)
    events = tuple(_event(vector, cells) for vector in vectors)
    return Plan(
        asset=reading.asset.id,
        dimensions=tuple(Dimension(column=d.name, domain=domain_of(d)) for d in reading.dimensions),
        sql=_sql(reading, vectors),
        events=events,
        columns=tuple(
            _column(a, reading, question.output, vectors, events) for a in reading.columns
        ),
        order=reading.order,
        limit=reading.limit,
        rows_per_unit=reading.rows_per_unit,
        epsilon=question.epsilon,
        rho=sum(event.rho for event in events),
        statement=stated(reading, question.epsilon),
    )


def _vectors(reading: Reading, epsilon: Fraction) -> tuple[_Vector, ...]:
    """Return every vector with its share of epsilon: those over rows first, then those over units.

    The aggregates share epsilon equally, the two vectors of an average its part. The shares are fractions:
    their sum is epsilon exactly.
    """
    aggregates = [a for a in reading.columns if a.function is not Function.DIMENSION]
    share = epsilon / len(aggregates)
    vectors = [
        _Vector(asked=asked, bounded=bounded, epsilon=share / len(parts))
        for asked in aggregates
        for parts in [_bounded(asked, reading)]
        for bounded in parts
    ]
    return tuple(sorted(vectors, key=lambda v: v.asked.function is Function.COUNT_UNITS))


def _bounded(asked: Asked, reading: Reading) -> tuple[Bounded, ...]:
    """Return the vectors that one aggregate is computed from."""
    bound, column = reading.rows_per_unit, asked.column
    if asked.function is Function.COUNT_UNITS:
        return (count_units(bound=bound, cells=cells_of(reading.dimensions)),)
    if column is None or asked.function is Function.COUNT:
        return (count_rows(column, bound=bound),)
    grid = _grid(column, bound)
    if asked.function is Function.SUM:
        return (total(column, grid=grid, bound=bound),)
    return (
        total(column, grid=grid, bound=bound, centre=grid.middle),
        count_numbers(column, bound=bound),
    )


def _grid(column: Column, bound: int) -> Grid:
    interval = interval_of(column)
    assert interval is not None, "the reading refuses measures without bounds"
    return grid_for(interval, bound=bound)


def _event(vector: _Vector, cells: int) -> DpEvent:
    bounded = vector.bounded
    return DpEvent(
        measure=vector.asked.name,
        sensitivity=bounded.sensitivity,
        scale=scale_for(sensitivity=bounded.sensitivity, epsilon=vector.epsilon),
        epsilon=vector.epsilon,
        grid=bounded.grid,
        cells=cells,
    )


def _sql(reading: Reading, vectors: tuple[_Vector, ...]) -> tuple[str, ...]:
    """Return one statement over rows and one over units, each only where it is needed."""
    of_rows = [v.bounded.sql for v in vectors if v.asked.function is not Function.COUNT_UNITS]
    of_units = [v.bounded.sql for v in vectors if v.asked.function is Function.COUNT_UNITS]
    statements = []
    if of_rows:
        statements.append(over_rows(reading.dimensions, of_rows, where=reading.where))
    if of_units:
        statements.append(over_units(reading.dimensions, of_units, where=reading.where))
    return tuple(statements)


def _column(
    asked: Asked,
    reading: Reading,
    output: OutputTerms | None,
    vectors: tuple[_Vector, ...],
    events: tuple[DpEvent, ...],
) -> AnswerColumn:
    source = asked.column.name if asked.column else ""
    column = AnswerColumn(
        name=asked.name,
        type=declared_type(asked, output),
        function=asked.function,
        source=source,
        parts=tuple(i for i, vector in enumerate(vectors) if vector.asked is asked),
    )
    if asked.function is Function.DIMENSION:
        names = [dimension.name for dimension in reading.dimensions]
        return replace(column, parts=(names.index(source),))
    noise = [_deviation(events[part]) for part in column.parts]
    if asked.function is Function.AVG and asked.column is not None:
        return _average(column, _grid(asked.column, reading.rows_per_unit), noise)
    digits = _digits(noise[0], figures=2) if column.type == "float" else 0
    return replace(column, deviation=noise[0], digits=digits)


def _average(column: AnswerColumn, grid: Grid, noise: list[float]) -> AnswerColumn:
    """Complete an average: its deviation is at most that of a cell of 1,000 rows at a bound."""
    width = grid.interval.width
    return replace(
        column,
        deviation=hypot(noise[0], float(width) / 2 * noise[1]) / USUAL_ROWS,
        digits=_digits(float(width), figures=4),
        lower=Fraction(grid.interval.lower),
        upper=Fraction(grid.interval.upper),
        centre=grid.middle * grid.step,
    )


def _deviation(event: DpEvent) -> float:
    """Return the standard deviation of one noisy cell: of a Laplace variable, a bound for the discrete one."""
    return sqrt(2) * float(event.scale * event.grid)


def _digits(size: float, *, figures: int) -> int:
    """Return how many decimal places show `figures` figures below the leading one of `size`; 12 at most."""
    return max(0, min(12, figures - floor(log10(size))))
