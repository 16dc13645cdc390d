"""Reads conditions over rows into trusted SQL that never fails, whatever the data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy.choices import alike
from sandbox.privacy.literal import only
from sandbox.privacy.numeric import Read
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import CONDITION, TYPE
from sandbox.privacy.value import Value

COMPARISONS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
)
CHAINS: Mapping[type[exp.Expr], str] = MappingProxyType({exp.And: " AND ", exp.Or: " OR "})
MOST_CHOICES = 1_000


def truth(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Read what must be true or false."""
    value = read(node)
    if value is not None and value.kind is not Kind.BOOL:
        refusals.at(node, TYPE)
        return None
    return value


def _flag(sql: str) -> Value:
    return Value(sql=sql, kind=Kind.BOOL)


def chain(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Join operands of one AND or OR chain side by side, so that long chains stay shallow."""
    if not only(node, "this", "expression"):
        refusals.at(node, CONDITION)
        return None
    parts = [truth(part, read, refusals) for part in links(node)]
    known = [part.sql for part in parts if part is not None]
    return _flag("(" + CHAINS[type(node)].join(known) + ")") if len(known) == len(parts) else None


def links(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of a left-deep chain of one connective, from left to right."""
    right: list[exp.Expr] = []
    current = node
    while type(current) is type(node):
        right.append(current.args["expression"])
        current = current.this
    return [current, *reversed(right)]


def comparison(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Read two values side by side."""
    values = alike([node.this, node.args["expression"]], read, refusals)
    if values is None:
        return None
    return _flag(f"({values[0].sql} {COMPARISONS[type(node)]} {values[1].sql})")


def negation(node: exp.Not, read: Read, refusals: Refusals) -> Value | None:
    """Read NOT."""
    value = truth(node.this, read, refusals)
    return _flag(f"(NOT {value.sql})") if value else None


def is_null(node: exp.Is, read: Read, refusals: Refusals) -> Value | None:
    """Read IS NULL; IS NOT NULL is its negation."""
    if not isinstance(node.args["expression"], exp.Null):
        refusals.at(node, CONDITION)
        return None
    value = read(node.this)
    return _flag(f"({value.sql} IS NULL)") if value else None


def is_in(node: exp.In, read: Read, refusals: Refusals) -> Value | None:
    """Read IN over a list."""
    choices = node.expressions
    if not 0 < len(choices) <= MOST_CHOICES or not only(node, "this", "expressions"):
        refusals.at(node, CONDITION)
        return None
    values = alike([node.this, *choices], read, refusals)
    if values is None:
        return None
    return _flag(f"({values[0].sql} IN ({', '.join(value.sql for value in values[1:])}))")


def between(node: exp.Between, read: Read, refusals: Refusals) -> Value | None:
    """Read BETWEEN."""
    if not only(node, "this", "low", "high"):
        refusals.at(node, CONDITION)
        return None
    values = alike([node.this, node.args["low"], node.args["high"]], read, refusals)
    if values is None:
        return None
    return _flag(f"({values[0].sql} BETWEEN {values[1].sql} AND {values[2].sql})")


def like(node: exp.Like | exp.ILike, read: Read, refusals: Refusals) -> Value | None:
    """Read LIKE and ILIKE with a literal pattern."""
    pattern = node.args["expression"].unnest()
    if not isinstance(pattern, exp.Literal) or not only(node, "this", "expression", "negate"):
        refusals.at(node, CONDITION)
        return None
    values = alike([node.this, pattern], read, refusals)
    if values is None:
        return None
    if values[0].kind is not Kind.STRING:
        refusals.at(node, TYPE)
        return None
    word = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    form = f"{values[0].sql} {word} {values[1].sql}"
    return _flag(f"(NOT {form})" if node.args.get("negate") else f"({form})")


FORMS: Mapping[type[exp.Expr], Callable[..., Value | None]] = MappingProxyType(
    {
        **dict.fromkeys(CHAINS, chain),
        **dict.fromkeys(COMPARISONS, comparison),
        exp.Not: negation,
        exp.Is: is_null,
        exp.In: is_in,
        exp.Between: between,
        exp.Like: like,
        exp.ILike: like,
    }
)
