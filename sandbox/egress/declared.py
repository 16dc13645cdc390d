"""The closed grammar in which a declared column says what it is taken from.

    number     column | clip(column, low, high) | column = 'category'
    dimension  column | merged(column, 'F' + 'G', 'A' + 'B')
    ratio      declared / declared               weighted   weighted(number, number)
    quantile   quantile(number, 0.9)             model      number ~ term + term, a term being number or column

Nothing of it can single out a unit: bounds lie in the catalogue's, categories are of a declared domain.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sandbox.asset import Column, Kind, Role
from sandbox.errors import SandboxError
from sandbox.order import Function, OutputColumn


class UndeclaredError(SandboxError):
    """The output's terms do not say how to compute it: a column is free, or of no granted source."""


_NAME = r"[^\s'(),/~+*=;]+"
_NUM = r"-?\d{1,15}(?:\.\d{1,9})?"
_QUOTED = r"'[^']+'"
_GROUP = rf"{_QUOTED}(?:\s*\+\s*{_QUOTED})+"
_NUMBER = rf"clip\(\s*{_NAME}\s*,\s*{_NUM}\s*,\s*{_NUM}\s*\)|{_NAME}\s*=\s*{_QUOTED}|{_NAME}"
_CLIP = re.compile(rf"clip\(\s*({_NAME})\s*,\s*({_NUM})\s*,\s*({_NUM})\s*\)")
_IS = re.compile(rf"({_NAME})\s*=\s*'([^']+)'")
_MERGED = re.compile(rf"merged\(\s*({_NAME})((?:\s*,\s*{_GROUP})+)\s*\)")
_GROUPS = re.compile(_GROUP)
_CATEGORY = re.compile(r"'([^']+)'")
_RATIO = re.compile(rf"({_NAME})\s*/\s*({_NAME})")
_WEIGHTED = re.compile(rf"weighted\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)")
_QUANTILE = re.compile(rf"quantile\(\s*({_NUMBER})\s*,\s*(0\.\d{{1,4}})\s*\)")
_MODEL = re.compile(rf"({_NUMBER})\s*~\s*((?:{_NUMBER})(?:\s*\+\s*(?:{_NUMBER}))*)")
_TERMS = re.compile(_NUMBER)

LABELS = frozenset({Function.DIMENSION, Function.DIMENSION_TOTAL, Function.TERM})
"""Functions of columns that say what a row is about."""
COUNTS = frozenset({Function.COUNT, Function.COUNT_UNITS})
SPREADS = frozenset({Function.VARIANCE, Function.STDDEV})
QUANTILES = frozenset({Function.QUANTILE, Function.MEDIAN})
COEFFICIENTS = frozenset({Function.LINEAR, Function.LOGISTIC})
MODELS = COEFFICIENTS | {Function.STANDARD_ERROR, Function.TERM}
"""Functions of a table of coefficients; they stand with no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of each row: a column, clipped to bounds, or 1 where it is of one category and else 0."""

    column: str
    low: float | None = None
    high: float | None = None
    category: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the column as it is."""
        return self.low is None and self.category is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A dimension's column, and which of its categories are shown as one."""

    column: str
    merged: tuple[tuple[str, ...], ...] = ()

    def shown(self, category: str) -> str:
        """Return the name that a category goes by."""
        group = next((group for group in self.merged if category in group), (category,))
        return "+".join(group)

    def written(self) -> str:
        """Return it as the grammar writes it."""
        groups = ", ".join(" + ".join(f"'{name}'" for name in group) for group in self.merged)
        return f"merged({self.column}, {groups})" if groups else self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A regression of one number on others, and on categories by dummies."""

    outcome: Number
    terms: tuple[Number, ...]
    """A plain column that is a dimension in the catalogue stands for its categories but the first."""


def number(text: str) -> Number:
    """Read a number; what is no other form is a column's name."""
    if found := _CLIP.fullmatch(text):
        low, high = float(found[2]), float(found[3])
        if not low < high:
            raise UndeclaredError("a clip without width")
        return Number(column=found[1], low=low, high=high)
    if found := _IS.fullmatch(text):
        return Number(column=found[1], category=found[2])
    return Number(column=text)


def categories(column: OutputColumn) -> Categories:
    """Read a dimension's source."""
    text = column.source or column.name
    found = _MERGED.fullmatch(text)
    if found is None:
        return Categories(column=text)
    groups = tuple(tuple(_CATEGORY.findall(group)) for group in _GROUPS.findall(found[2]))
    names = [name for group in groups for name in group]
    if len(names) != len(set(names)):
        raise UndeclaredError("a category merged twice")
    return Categories(column=found[1], merged=groups)


def ratio(column: OutputColumn) -> tuple[str, str]:
    """Read the names of a ratio's two declared parts."""
    found = _read(_RATIO, column)
    return found[1], found[2]


def weighted(column: OutputColumn) -> tuple[Number, Number]:
    """Read what a weighted mean is of, and its weight."""
    found = _read(_WEIGHTED, column)
    return number(found[1]), number(found[2])


def quantile(column: OutputColumn) -> tuple[Number, float]:
    """Read what a quantile is of, and which one: above 0 and below 1."""
    if column.function is Function.MEDIAN:
        return number(column.source or column.name), 0.5
    found = _read(_QUANTILE, column)
    if not 0 < float(found[2]) < 1:
        raise UndeclaredError("no quantile")
    return number(found[1]), float(found[2])


def apart(columns: tuple[OutputColumn, ...]) -> dict[str, float]:
    """Return for each quantile the least share of units between it and the next of the same number, or an end."""
    found = {c.name: quantile(c) for c in columns if c.function in QUANTILES}
    return {
        name: min(
            round(abs(which - other), 4)
            for other in (0.0, 1.0, *(w for n, (f, w) in found.items() if n != name and f == form))
        )
        for name, (form, which) in found.items()
    }


def model(column: OutputColumn) -> Model:
    """Read the form of a regression."""
    found = _read(_MODEL, column)
    terms = tuple(number(text) for text in _TERMS.findall(found[2]))
    if len(set(terms)) != len(terms):
        raise UndeclaredError("a term that stands twice")
    return Model(outcome=number(found[1]), terms=terms)


def _read(pattern: re.Pattern[str], column: OutputColumn) -> re.Match[str]:
    found = pattern.fullmatch(column.source)
    if found is None:
        raise UndeclaredError("a source that is not of its function's form")
    return found


def numbers(column: OutputColumn) -> Iterator[Number]:
    """Yield the numbers of the view that a declared column is made from; none for labels and ratios."""
    match column.function:
        case Function.SUM | Function.AVG | Function.VARIANCE | Function.STDDEV:
            yield number(column.source or column.name)
        case Function.COUNT | Function.COUNT_UNITS if column.source:
            yield number(column.source)
        case Function.QUANTILE | Function.MEDIAN:
            yield quantile(column)[0]
        case Function.WEIGHTED_AVG:
            yield from weighted(column)
        case Function.LINEAR | Function.LOGISTIC | Function.STANDARD_ERROR:
            form = model(column)
            yield from (form.outcome, *form.terms)
        case _:
            return


def named(column: OutputColumn) -> tuple[str, ...]:
    """Return the view's columns that a declared column needs; raise `UndeclaredError` where it is of no form."""
    if column.function in {Function.DIMENSION, Function.DIMENSION_TOTAL}:
        return (categories(column).column,)
    return tuple(each.column for each in numbers(column))


def shown(column: Column, form: Categories) -> Column:
    """Return a granted column as a dimension's form shows it, in the catalogue's order."""
    if not form.merged:
        return column
    domain = tuple(dict.fromkeys(form.shown(name) for name in column.domain))
    return replace(column, domain=domain, kind=Kind.STRING)


def demand_number(form: Number, column: Column | None) -> None:
    """Raise `UndeclaredError` unless a granted column can be read in this form.

    A clip lies within the catalogue's bounds; a category is one of a declared domain.
    """
    if column is None or column.role in {Role.UNIT, Role.IDENTIFIER}:
        raise UndeclaredError("a number without a granted column")
    if form.category is not None and form.category not in column.domain:
        raise UndeclaredError("a category outside the catalogue")
    if form.low is not None and form.high is not None and not _inside(form.low, form.high, column):
        raise UndeclaredError("a clip outside the catalogue's bounds")


def _inside(low: float, high: float, column: Column) -> bool:
    return bool(column.lower and column.upper) and (
        float(column.lower) <= low and high <= float(column.upper)
    )


def demand_categories(form: Categories, column: Column | None) -> None:
    """Raise `UndeclaredError` unless a granted column is a dimension with all these categories."""
    if column is None or column.role is not Role.DIMENSION or not column.domain:
        raise UndeclaredError("a dimension is not one in the catalogue")
    merged = [name for group in form.merged for name in group]
    if "" in column.domain or not set(merged) <= set(column.domain):
        raise UndeclaredError("a category outside the catalogue")
