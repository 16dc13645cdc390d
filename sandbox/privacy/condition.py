"""Turns a WHERE condition into trusted SQL that never fails, whatever the data.

Nothing of the developer's text goes through: literals are parsed here and written anew, in the type of the column
beside them, so that no comparison casts a value from the data to a narrower type. (DuckDB compares an integer column
with `1.5` by casting the column to DECIMAL, which can raise, with the raw value in the message.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy.faults import CONDITION, TOO_LONG, TYPE
from sandbox.privacy.literal import literal, only
from sandbox.privacy.refusal import Fault
from sandbox.privacy.scope import Scope

NEVER = "FALSE"
"""Stands in where a condition was refused; it is never run."""
DEEPEST = 40
_COMPARISONS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
)
_CHAINS: Mapping[type[exp.Expr], str] = MappingProxyType({exp.And: " AND ", exp.Or: " OR "})


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison that is a column."""

    sql: str
    kind: Kind


def condition(node: exp.Expr, *, scope: Scope, depth: int = 0) -> str:
    """Return the trusted SQL of a condition; what is refused is noted in the scope and becomes `NEVER`."""
    if depth > DEEPEST:
        return _refused(node, scope, TOO_LONG)
    if type(node) in _CHAINS:
        return _chain(node, scope, depth)
    if type(node) in _COMPARISONS:
        return _comparison(node, scope)
    if isinstance(node, exp.Boolean) and only(node, "this"):
        return literal(node, Kind.BOOL) or NEVER
    reader = _FORMS.get(type(node))
    return reader(node, scope, depth) if reader else _refused(node, scope, CONDITION)


def quoted(name: str) -> str:
    """Return a column's name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _chain(node: exp.Expr, scope: Scope, depth: int) -> str:
    """Join operands of one AND or OR chain side by side, so that long chains stay shallow."""
    if not only(node, "this", "expression"):
        return _refused(node, scope, CONDITION)
    parts = [condition(part, scope=scope, depth=depth + 1) for part in _links(node)]
    return "(" + _CHAINS[type(node)].join(parts) + ")"


def _links(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of a left-deep chain of one connective, from left to right."""
    right: list[exp.Expr] = []
    current = node
    while type(current) is type(node):
        right.append(current.args["expression"])
        current = current.this
    return [current, *reversed(right)]


def _comparison(node: exp.Expr, scope: Scope) -> str:
    left, right = _bare(node.this), _bare(node.args["expression"])
    column = next((side for side in (left, right) if isinstance(side, exp.Column)), None)
    found = _operand(column, scope) if column is not None else None
    if found is None:
        return NEVER if column is not None else _refused(node, scope, CONDITION)
    sides = [_side(side, found, scope) for side in (left, right)]
    return f"({sides[0]} {_COMPARISONS[type(node)]} {sides[1]})"


def _side(node: exp.Expr, beside: Operand, scope: Scope) -> str:
    """Return a column or literal that compares with `beside` without a failing cast."""
    if isinstance(node, exp.Column):
        operand = _operand(node, scope)
        if operand is None:
            return NEVER
        return operand.sql if _alike(operand, beside) else _refused(node, scope, TYPE)
    return _written(node, beside, scope)


def _written(node: exp.Expr, beside: Operand, scope: Scope) -> str:
    if not isinstance(node, exp.Literal | exp.Boolean | exp.Neg | exp.Cast):
        return _refused(node, scope, CONDITION)
    return literal(node, beside.kind) or _refused(node, scope, TYPE)


def _alike(one: Operand, other: Operand) -> bool:
    """Say whether two kinds compare in a type that holds every value of both."""
    numbers = {Kind.INT, Kind.FLOAT}
    return one.kind is other.kind or {one.kind, other.kind} <= numbers


def _operand(node: exp.Expr, scope: Scope) -> Operand | None:
    """Return the column that a node names, or note why it cannot be one."""
    if not isinstance(node, exp.Column):
        _refused(node, scope, CONDITION)
        return None
    column = scope.readable(node)
    return None if column is None else Operand(quoted(column.name), column.kind)


def _is_null(node: exp.Is, scope: Scope, _: int) -> str:
    if not isinstance(node.args["expression"], exp.Null):
        return _refused(node, scope, CONDITION)
    operand = _operand(_bare(node.this), scope)
    return f"({operand.sql} IS NULL)" if operand else NEVER


def _not(node: exp.Not, scope: Scope, depth: int) -> str:
    return f"(NOT {condition(node.this, scope=scope, depth=depth + 1)})"


def _paren(node: exp.Paren, scope: Scope, depth: int) -> str:
    return condition(node.this, scope=scope, depth=depth + 1)


def _in(node: exp.In, scope: Scope, _: int) -> str:
    choices = [_bare(choice) for choice in node.expressions]
    if not choices or not only(node, "this", "expressions"):
        return _refused(node, scope, CONDITION)
    operand = _operand(_bare(node.this), scope)
    if operand is None:
        return NEVER
    return f"({operand.sql} IN ({', '.join(_written(c, operand, scope) for c in choices)}))"


def _between(node: exp.Between, scope: Scope, _: int) -> str:
    if not only(node, "this", "low", "high"):
        return _refused(node, scope, CONDITION)
    operand = _operand(_bare(node.this), scope)
    if operand is None:
        return NEVER
    low, high = (_side(_bare(node.args[end]), operand, scope) for end in ("low", "high"))
    return f"({operand.sql} BETWEEN {low} AND {high})"


def _flag(node: exp.Column, scope: Scope, _: int) -> str:
    """Return a bare column, which is a condition where it is boolean."""
    operand = _operand(node, scope)
    if operand is None:
        return NEVER
    return operand.sql if operand.kind is Kind.BOOL else _refused(node, scope, TYPE)


def _bare(node: exp.Expr) -> exp.Expr:
    """Look through parentheses."""
    while isinstance(node, exp.Paren) and only(node, "this"):
        node = node.this
    return node


def _refused(node: exp.Expr, scope: Scope, fault: Fault) -> str:
    scope.refusals.at(node, fault)
    return NEVER


_FORMS: Mapping[type[exp.Expr], Callable[..., str]] = MappingProxyType(
    {
        exp.Paren: _paren,
        exp.Not: _not,
        exp.In: _in,
        exp.Is: _is_null,
        exp.Between: _between,
        exp.Column: _flag,
    }
)
