"""Plans a declared table: what to ask of the view, and how a row's numbers come out of the answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isfinite, sqrt

from sandbox.egress import declared
from sandbox.egress.declared import Number, UndeclaredError
from sandbox.egress.disclosure.evidence import CellEvidence
from sandbox.egress.gate import quoted
from sandbox.egress.lane.numbers import real, value_of
from sandbox.egress.lane.query import Found
from sandbox.egress.table import Cell
from sandbox.order import Function, OutputColumn

ALL = "1"
"""What every row counts for."""
Make = Callable[[Found], Cell]


@dataclass(frozen=True, slots=True)
class Made:
    """How one declared number is made of a cell of the answer."""

    column: OutputColumn
    make: Make
    evidence: Callable[[Found], tuple[CellEvidence, ...]]
    number: int | None = None
    """The place of the number that an attacker could subtract, for sums and averages."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The distinct counts and numbers of a table."""

    counted: list[str] = field(default_factory=lambda: [ALL])
    numbers: list[str] = field(default_factory=list)
    centres: dict[str, float] = field(default_factory=dict)
    """The middle of each bounded column's bounds, which are public."""

    def made(self, columns: tuple[OutputColumn, ...]) -> Iterator[Made]:
        """Plan each declared number but ratios and order statistics."""
        for column in columns:
            match column.function:
                case Function.COUNT | Function.COUNT_UNITS:
                    yield self._count(column)
                case Function.SUM | Function.AVG:
                    yield self._sum(column)
                case Function.WEIGHTED_AVG:
                    yield self._weighted(column)
                case Function.VARIANCE | Function.STDDEV:
                    yield self._spread(column)
                case _:
                    continue

    def _place(self, sql: str) -> int:
        if sql not in self.numbers:
            self.numbers.append(sql)
        return self.numbers.index(sql)

    def _count(self, column: OutputColumn) -> Made:
        sql = quoted(column.source) if column.source else ALL
        if sql not in self.counted:
            self.counted.append(sql)
        at = self.counted.index(sql)
        if column.function is Function.COUNT:
            return Made(column, lambda f: f.counted[at].rows, lambda f: (f.counted[at].evidence,))
        return Made(
            column, lambda f: f.counted[at].evidence.units, lambda f: (f.counted[at].evidence,)
        )

    def _sum(self, column: OutputColumn) -> Made:
        form = only_number(column)
        at = self._place(value_of(form))
        about = _plainly(at) if form.is_plain else _about(at)
        if column.function is Function.SUM:
            return Made(column, lambda f: f.summed[at].total, about, at)
        return Made(column, lambda f: divided(f.summed[at].total, f.summed[at].rows), about, at)

    def _weighted(self, column: OutputColumn) -> Made:
        of, by = (value_of(each) for each in declared.weighted(column))
        top = self._place(f"({of}) * ({by})")
        bottom = self._place(f"CASE WHEN ({of}) IS NOT NULL THEN ({by}) END")
        return Made(
            column,
            lambda f: divided(f.summed[top].total, f.summed[bottom].total),
            _about(top, bottom),
            top,
        )

    def _spread(self, column: OutputColumn) -> Made:
        form = only_number(column)
        sql, centre = value_of(form), self._centre(form)
        plain = self._place(sql)
        squared = self._place(f"(({sql}) - {real(centre)}) * (({sql}) - {real(centre)})")
        is_root = column.function is Function.STDDEV

        def make(found: Found) -> Cell:
            n, total, squares = (
                found.summed[plain].rows,
                found.summed[plain].total,
                found.summed[squared].total,
            )
            if n < 2 or total is None or squares is None:  # noqa: PLR2004 - one value has no spread
                return None
            variance = max(0.0, (squares - n * (total / n - centre) ** 2) / (n - 1))
            return sqrt(variance) if is_root else variance

        return Made(column, make, _about(plain, squared), squared)

    def _centre(self, form: Number) -> float:
        if form.low is not None and form.high is not None:
            return (form.low + form.high) / 2
        return self.centres.get(form.column, 0.0)


def _about(*places: int) -> Callable[[Found], tuple[CellEvidence, ...]]:
    return lambda found: tuple(found.summed[place].evidence for place in places)


def _plainly(place: int) -> Callable[[Found], tuple[CellEvidence, ...]]:
    return lambda found: (replace(found.summed[place].evidence, is_plain=True),)


def only_number(column: OutputColumn) -> Number:
    """Return the one number that a sum, average or spread is of."""
    return declared.number(column.source or column.name)


def divided(top: Cell, bottom: Cell) -> Cell:
    """Return a quotient, or nothing where there is none."""
    if not isinstance(top, int | float) or not isinstance(bottom, int | float) or not bottom:
        return None
    quotient = top / bottom
    return quotient if isfinite(quotient) else None


def parts(column: OutputColumn, columns: tuple[OutputColumn, ...]) -> tuple[int, int]:
    """Return the places of a ratio's two parts among `columns`: declared counts or sums."""
    places = {each.name: at for at, each in enumerate(columns)}
    able = declared.COUNTS | {Function.SUM}
    found = [places.get(name) for name in declared.ratio(column)]
    top, bottom = (at if at is not None and columns[at].function in able else None for at in found)
    if top is None or bottom is None:
        raise UndeclaredError("a ratio of what is no declared count or sum")
    return top, bottom
