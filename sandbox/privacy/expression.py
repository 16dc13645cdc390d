"""Reads an expression over the columns of one row into trusted SQL that never fails, whatever the data.

Nothing of the developer's text goes through: every node of the closed grammar is written anew from its typed parts.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy import choices, condition, moments, numeric
from sandbox.privacy.faults import TOO_LONG
from sandbox.privacy.interval import Interval
from sandbox.privacy.literal import fraction, literal, only
from sandbox.privacy.numeric import Read
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import CONDITION, TYPE
from sandbox.privacy.scope import Scope
from sandbox.privacy.value import LONGEST_SQL, Value

DEEPEST = 40


def expression(node: exp.Expr, scope: Scope, *, depth: int = 0) -> Value | None:
    """Return the value that an expression has in each row, or note why it has none."""
    refusals = scope.refusals
    if depth > DEEPEST:
        refusals.at(node, TOO_LONG)
        return None

    def read(inner: exp.Expr) -> Value | None:
        return expression(inner, scope, depth=depth + 1)

    value = _read(node, scope, read)
    if value is not None and len(value.sql) > LONGEST_SQL:
        refusals.at(node, TOO_LONG)
        return None
    return value


def holds(node: exp.Expr, scope: Scope) -> str | None:
    """Return the trusted SQL of a condition, or note why there is none."""
    value = condition.truth(node, lambda inner: expression(inner, scope), scope.refusals)
    return value.sql if value else None


def _read(node: exp.Expr, scope: Scope, read: Read) -> Value | None:
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        return scope.readable(node)
    if isinstance(node, exp.Paren) and only(node, "this"):
        return read(node.this)
    if choices.is_literal(node) and not isinstance(node, exp.Cast):
        return _constant(node, scope.refusals)
    reader = _FORMS.get(type(node))
    if reader is None:
        scope.refusals.at(node, CONDITION)
        return None
    return reader(node, read, scope.refusals)


def _constant(node: exp.Expr, refusals: Refusals) -> Value | None:
    """Read a literal on its own."""
    kind = Kind.BOOL if isinstance(node, exp.Boolean) else Kind.STRING
    exact = fraction(node)
    if exact is not None:
        kind = Kind.INT if exact.denominator == 1 else Kind.FLOAT
    sql = literal(node, kind)
    if sql is None:
        refusals.at(node, TYPE)
        return None
    if exact is None:
        return Value(sql=sql, kind=kind, domain=(str(node.this),) if kind is Kind.STRING else ())
    point = Interval(lower=float(exact), upper=float(exact))
    return Value(sql=sql, kind=kind, real="AS DOUBLE" in sql, interval=point)


def _case(node: exp.Case, read: Read, refusals: Refusals) -> Value | None:
    """Read CASE WHEN …, and CASE x WHEN … as the comparison that it stands for."""
    if not only(node, "this", "ifs", "default"):
        refusals.at(node, CONDITION)
        return None
    whens = [_when(branch.this, node.this) for branch in node.args["ifs"]]
    truths = [condition.truth(when, read, refusals) for when in whens]
    known = [truth.sql for truth in truths if truth is not None]
    if len(known) < len(truths):
        return None
    branches = [
        (sql, branch.args["true"]) for sql, branch in zip(known, node.args["ifs"], strict=True)
    ]
    return choices.chosen(branches, node.args.get("default"), read, refusals)


def _when(when: exp.Expr, subject: exp.Expr | None) -> exp.Expr:
    return when if subject is None else exp.EQ(this=subject.copy(), expression=when)


def _if(node: exp.If, read: Read, refusals: Refusals) -> Value | None:
    if not only(node, "this", "true", "false"):
        refusals.at(node, CONDITION)
        return None
    truth = condition.truth(node.this, read, refusals)
    if truth is None:
        return None
    return choices.chosen([(truth.sql, node.args["true"])], node.args.get("false"), read, refusals)


def _cast(node: exp.Cast, read: Read, refusals: Refusals) -> Value | None:
    """Read `DATE '…'` and `TIMESTAMP '…'` as the constants that they are, and casts between numbers."""
    for kind in (Kind.DATE, Kind.TIMESTAMP):
        sql = literal(node, kind) if isinstance(node.this, exp.Literal) else None
        if sql is not None and str(node.to.sql()).upper().startswith(kind.name):
            return Value(sql=sql, kind=kind)
    return numeric.cast(node, read, refusals)


def plain(value: Value) -> Value:
    """Return a value as one that is no plain column any more."""
    return replace(value, column=None)


_FORMS: Mapping[type[exp.Expr], Callable[..., Value | None]] = MappingProxyType(
    {
        **condition.FORMS,
        **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), numeric.binary),
        exp.Div: numeric.division,
        exp.Neg: numeric.negation,
        exp.Abs: numeric.absolute,
        **dict.fromkeys((exp.Least, exp.Greatest), numeric.extreme),
        **dict.fromkeys((exp.Round, exp.Floor, exp.Ceil), numeric.rounding),
        **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
        **dict.fromkeys(
            (exp.Year, exp.Quarter, exp.Month, exp.Day, exp.DayOfWeek, exp.Hour), moments.part
        ),
        exp.Extract: moments.extract,
        exp.Anonymous: moments.named,
        exp.TimestampTrunc: moments.truncated,
        exp.Length: moments.length,
        **dict.fromkeys((exp.Lower, exp.Upper), moments.cased),
        exp.Substring: moments.substring,
        exp.Case: _case,
        exp.If: _if,
        exp.Coalesce: choices.coalesced,
        exp.Nullif: choices.nulled,
    }
)
