"""Reads the items of SELECT: dimensions with a public domain, and aggregates that can be bounded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Column, Kind, Role
from sandbox.order import Function
from sandbox.privacy import faults
from sandbox.privacy.bounding import interval_of
from sandbox.privacy.literal import only
from sandbox.privacy.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One column of the answer, as asked for."""

    name: str
    function: Function
    column: Column | None = None
    """What is grouped by, counted, summed or averaged; nothing for COUNT(*) and units."""


def asked(node: exp.Expr, scope: Scope) -> list[Asked]:
    """Read one item of SELECT; an empty list where it was refused."""
    inner = node.this if isinstance(node, exp.Alias) else node
    reader = _ITEMS.get(type(inner))
    asked = reader(inner, scope) if reader else _refuse_item(inner, scope)
    if asked is None:
        return []
    name = node.alias if isinstance(node, exp.Alias) else asked.name
    return [Asked(name=name, function=asked.function, column=asked.column)]


def _refuse_item(node: exp.Expr, scope: Scope) -> Asked | None:
    scope.refusals.at(node, faults.FUNCTION if isinstance(node, exp.Func) else faults.ITEM)
    return None


def _named(prefix: str, function: Function, column: Column | None) -> Asked | None:
    """Return what is asked about a column, under its name where no AS gives another."""
    if column is None:
        return None
    return Asked(name=prefix + column.name, function=function, column=column)


def _dimension(node: exp.Column, scope: Scope) -> Asked | None:
    column = domained(node, scope)
    return _named("", Function.DIMENSION, column)


def domained(node: exp.Column, scope: Scope) -> Column | None:
    """Return a column that has a public domain, or refuse it."""
    if isinstance(node.this, exp.Star):
        scope.refusals.at(node, faults.ITEM)
        return None
    column = scope.readable(node)
    if column is None or (column.role is Role.DIMENSION and column.domain):
        return column
    names = (other.name for other in scope.open if other.role is Role.DIMENSION)
    scope.refusals.at(node, faults.no_dimension(names))
    return None


def _count(node: exp.Count, scope: Scope) -> Asked | None:
    if not only(node, "this", "big_int"):
        scope.refusals.at(node, faults.FUNCTION)
        return None
    if isinstance(node.this, exp.Star):
        return Asked(name="count", function=Function.COUNT)
    if isinstance(node.this, exp.Distinct):
        return _count_units(node.this, scope)
    column = _argument(node, scope)
    return _named("count_", Function.COUNT, column)


def _count_units(node: exp.Distinct, scope: Scope) -> Asked | None:
    keys = [key.unnest() for key in node.expressions]
    if only(node, "expressions") and len(keys) == 1 and scope.is_unit(keys[0]):
        return Asked(name="count_units", function=Function.COUNT_UNITS)
    scope.refusals.at(node, faults.DISTINCT)
    return None


def _sum(node: exp.Sum, scope: Scope) -> Asked | None:
    column = _measure(node, scope)
    return _named("sum_", Function.SUM, column)


def _avg(node: exp.Avg, scope: Scope) -> Asked | None:
    column = _measure(node, scope)
    return _named("avg_", Function.AVG, column)


def _measure(node: exp.Expr, scope: Scope) -> Column | None:
    """Return the bounded number that an aggregate is over, or refuse it."""
    column = _argument(node, scope)
    if column is None or _is_measure(column):
        return column
    names = (other.name for other in scope.open if _is_measure(other))
    scope.refusals.at(node.this, faults.no_measure(names))
    return None


def _is_measure(column: Column) -> bool:
    numeric = column.kind in (Kind.INT, Kind.FLOAT)
    return column.role is Role.MEASURE and numeric and interval_of(column) is not None


def _argument(node: exp.Expr, scope: Scope) -> Column | None:
    """Return the plain column that an aggregate is over, or refuse it."""
    inner = node.this.unnest() if isinstance(node.this, exp.Expr) else None
    if isinstance(inner, exp.Distinct):
        scope.refusals.at(inner, faults.DISTINCT)
        return None
    if not isinstance(inner, exp.Column) or isinstance(inner.this, exp.Star):
        scope.refusals.at(node if inner is None else inner, faults.ITEM)
        return None
    return scope.readable(inner)


_ITEMS: Mapping[type[exp.Expr], Callable[..., Asked | None]] = MappingProxyType(
    {exp.Column: _dimension, exp.Count: _count, exp.Sum: _sum, exp.Avg: _avg}
)
