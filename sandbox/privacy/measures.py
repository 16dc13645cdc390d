"""Reads the aggregates of a question: what is counted, summed or ranked, with the bounds that make it answerable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from sqlglot import exp

from sandbox.order import Function
from sandbox.privacy import faults, row_faults
from sandbox.privacy.expression import expression, holds
from sandbox.privacy.literal import fraction, only
from sandbox.privacy.scope import Scope
from sandbox.privacy.value import Value

MOST_PARTS = 1_000
"""A quantile is a fraction of at most so many parts, so that scores stay in 64 bits."""


class Form(StrEnum):
    """How an aggregate is computed from noisy vectors."""

    COUNT = "count"
    UNITS = "count_units"
    SUM = "sum"
    AVG = "avg"
    VAR_SAMP = "variance"
    VAR_POP = "var_pop"
    STD_SAMP = "stddev"
    STD_POP = "stddev_pop"
    QUANTILE = "quantile"


SPREADS = frozenset({Form.VAR_SAMP, Form.VAR_POP, Form.STD_SAMP, Form.STD_POP})
_FUNCTIONS: Mapping[Form, Function] = MappingProxyType(
    {
        Form.COUNT: Function.COUNT,
        Form.UNITS: Function.COUNT_UNITS,
        Form.SUM: Function.SUM,
        Form.AVG: Function.AVG,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One aggregate of a question."""

    form: Form
    value: Value | None = None
    """What is counted, summed or ranked; nothing for COUNT(*) and units."""
    where: str = ""
    """The condition of FILTER as trusted SQL; empty for all rows."""
    quantile: Fraction = Fraction(1, 2)
    """For a quantile: which one, between 0 and 1."""

    @property
    def function(self) -> Function:
        """Return what a declared output calls it; `free` for what the gate cannot recompute."""
        plain = self.value is None or self.value.column is not None
        return (
            _FUNCTIONS.get(self.form, Function.FREE) if plain and not self.where else Function.FREE
        )

    @property
    def source(self) -> str:
        """Return the column that it is over; empty for expressions, COUNT(*) and units."""
        return self.value.column.name if self.value and self.value.column else ""

    @property
    def name(self) -> str:
        """Return the name that the answer gives it where no AS gives another."""
        return f"{self.form}_{self.source}" if self.source else str(self.form)


def measure(node: exp.Expr, scope: Scope) -> Measure | None:
    """Read an aggregate, with or without FILTER, or note why it cannot be answered."""
    if isinstance(node, exp.Filter):
        inner = measure(node.this, scope)
        if inner is not None and inner.form is Form.UNITS:
            scope.refusals.at(node, faults.FILTERED_UNITS)
            return None
        where = holds(node.args["expression"].this, scope)
        return replace(inner, where=where) if inner and where else None
    reader = _READERS.get(type(node))
    if reader is None:
        scope.refusals.at(node, faults.FUNCTION)
        return None
    return reader(node, scope)


def _count(node: exp.Count, scope: Scope) -> Measure | None:
    if not only(node, "this", "big_int") or node.this is None:
        scope.refusals.at(node, faults.FUNCTION)
        return None
    if isinstance(node.this, exp.Star):
        return Measure(form=Form.COUNT)
    if isinstance(node.this, exp.Distinct):
        return _count_units(node.this, scope)
    value = expression(node.this, scope)
    return Measure(form=Form.COUNT, value=value) if value else None


def _count_units(node: exp.Distinct, scope: Scope) -> Measure | None:
    keys = node.expressions
    if only(node, "expressions") and len(keys) == 1 and scope.is_unit(keys[0]):
        return Measure(form=Form.UNITS)
    scope.refusals.at(node, faults.DISTINCT)
    return None


def _bounded(node: exp.Expr, scope: Scope) -> Value | None:
    """Return the bounded number that an aggregate is over, or refuse it."""
    inner = node.this.unnest() if isinstance(node.this, exp.Expr) else None
    if inner is None or isinstance(inner, exp.Distinct):
        scope.refusals.at(inner or node, faults.DISTINCT if inner else faults.FUNCTION)
        return None
    value = expression(inner, scope)
    if value is None or value.measurable:
        return value
    names = (field.name for field in scope.open if field.value.measurable)
    scope.refusals.at(inner, row_faults.no_measure(names))
    return None


def _number(node: exp.Expr, scope: Scope) -> Measure | None:
    if not only(node, "this"):
        scope.refusals.at(node, faults.FUNCTION)
        return None
    value = _bounded(node, scope)
    return Measure(form=_NUMBERS[type(node)], value=value) if value else None


def _quantile(node: exp.Expr, scope: Scope) -> Measure | None:
    given = node.args.get("quantile") or node.args.get("expression")
    which = Fraction(1, 2) if isinstance(node, exp.Median) else fraction(given)
    fine = which is not None and 0 < which < 1 and which.denominator <= MOST_PARTS
    if which is None or not fine or not only(node, "this", "quantile", "expression"):
        scope.refusals.at(node, row_faults.QUANTILE)
        return None
    value = _bounded(node, scope)
    return Measure(form=Form.QUANTILE, value=value, quantile=which) if value else None


_NUMBERS: Mapping[type[exp.Expr], Form] = MappingProxyType(
    {
        exp.Sum: Form.SUM,
        exp.Avg: Form.AVG,
        exp.Variance: Form.VAR_SAMP,
        exp.VariancePop: Form.VAR_POP,
        exp.Stddev: Form.STD_SAMP,
        exp.StddevSamp: Form.STD_SAMP,
        exp.StddevPop: Form.STD_POP,
    }
)
_READERS: Mapping[type[exp.Expr], Callable[..., Measure | None]] = MappingProxyType(
    {
        exp.Count: _count,
        **dict.fromkeys(_NUMBERS, _number),
        exp.Median: _quantile,
        exp.Quantile: _quantile,
        exp.PercentileCont: _quantile,
        exp.PercentileDisc: _quantile,
        exp.ApproxQuantile: _quantile,
    }
)
