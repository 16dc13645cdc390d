"""Fits a reading into its output's declaration: refuses before the charge what could not leave after it."""

from collections.abc import Iterator
from fractions import Fraction
from math import prod

from sandbox.asset import Column, Kind
from sandbox.order import Function, OutputColumn, OutputTerms, ReleaseClass
from sandbox.privacy import faults
from sandbox.privacy.items import Asked
from sandbox.privacy.question import Question
from sandbox.privacy.reading import Reading
from sandbox.privacy.refusal import Fault

MOST_CELLS = 10_000
LEAST_EPSILON = Fraction(1, 1000)
MOST_EPSILON = Fraction(100)
_NUMBER_BYTES = 32
"""A number of the answer in text is shorter, for any declared bounds below 10^18."""
_TYPES = {
    Function.COUNT: ("int",),
    Function.COUNT_UNITS: ("int",),
    Function.SUM: ("float", "int"),
    Function.AVG: ("float",),
}
"""The first is what a column has where nothing is declared."""


def cells_of(dimensions: tuple[Column, ...]) -> int:
    """Return how many cells the cross product of public domains has; 1 without dimensions."""
    return prod(len(domain_of(column)) for column in dimensions)


def domain_of(column: Column) -> tuple[str, ...]:
    """Return a dimension's categories, each once: a cell answered twice would spend twice its noise."""
    return tuple(dict.fromkeys(column.domain))


def declared_type(asked: Asked, output: OutputTerms | None) -> str:
    """Return the type that an answered column is written as: the declared one, where it is possible."""
    possible = _possible(asked)
    declared = [c.type for c in (output.columns if output else ()) if c.name == asked.name]
    return declared[0] if declared and declared[0] in possible else possible[0]


def unfit(reading: Reading, question: Question) -> tuple[Fault, ...]:
    """Return every reason why this answer cannot be paid for, or cannot become the named output."""
    faulty = list(_epsilon(question))
    cells = cells_of(reading.dimensions)
    if cells > MOST_CELLS:
        faulty.append(faults.CELLS)
    if question.output is not None:
        faulty.extend(_output(reading, question.output, rows=min(cells, reading.limit or cells)))
    return tuple(faulty)


def _epsilon(question: Question) -> Iterator[Fault]:
    if not LEAST_EPSILON <= question.epsilon <= MOST_EPSILON:
        yield faults.EPSILON
    most = question.output.epsilon if question.output else None
    if most is not None and question.epsilon > most:
        yield faults.over_epsilon(str(most))


def _output(reading: Reading, output: OutputTerms, *, rows: int) -> Iterator[Fault]:
    if output.release is not ReleaseClass.DP:
        yield faults.CLASS
    if rows > output.max_rows or _bytes(reading, rows) > output.max_bytes:
        yield faults.too_large(rows=output.max_rows, size=output.max_bytes)
    if output.columns and not _declared(reading, output):
        yield faults.other_columns(_shown(column) for column in output.columns)


def _bytes(reading: Reading, rows: int) -> int:
    """Return an upper bound of the answer's size in bytes, quotes and separators included."""
    header = sum(len(column.name.encode()) + 3 for column in reading.columns)
    texts = sum(
        max(2 * len(value.encode()) for value in column.domain) + 3 for column in reading.dimensions
    )
    numbers = _NUMBER_BYTES * (len(reading.columns) - len(reading.dimensions))
    return header + rows * (texts + numbers)


def _declared(reading: Reading, output: OutputTerms) -> bool:
    """Say whether the answer has exactly the declared columns, in whatever order."""
    declared = {column.name: column for column in output.columns}
    return set(declared) == {asked.name for asked in reading.columns} and all(
        _same(asked, declared[asked.name]) for asked in reading.columns
    )


def _same(asked: Asked, declared: OutputColumn) -> bool:
    source = asked.column.name if asked.column else ""
    named = declared.source in ("", source) or asked.function is Function.COUNT_UNITS
    return (
        declared.function in (asked.function, Function.FREE)
        and named
        and declared.type in _possible(asked)
    )


def _possible(asked: Asked) -> tuple[str, ...]:
    if asked.function is Function.DIMENSION:
        return ("int", "string") if asked.column and asked.column.kind is Kind.INT else ("string",)
    return _TYPES[asked.function]


def _shown(column: OutputColumn) -> str:
    """Return a declared column as the developer should ask for it."""
    return f"{column.name} ({column.function} {column.source}".rstrip() + f", {column.type})"
