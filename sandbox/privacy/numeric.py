"""Reads arithmetic over rows: total functions of doubles, with their public bounds.

All arithmetic is in DOUBLE, which never fails: whole numbers beyond 2^53 lose digits, division by zero is NULL.
least and greatest are NULL where an argument is NULL or NaN. (DuckDB's own leave it out: `greatest(0, least(100, NULL))`
is 100, so that a row without a value would weigh as much as the largest.)
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy import interval
from sandbox.privacy.interval import EVERYTHING, Interval
from sandbox.privacy.literal import only, whole_number
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import CAST, CONDITION, TYPE
from sandbox.privacy.value import Value

Read = Callable[[exp.Expr], Value | None]
"""Reads an argument; what it refuses it has noted."""
MOST_DIGITS = 15
_SIGNS: Mapping[type[exp.Expr], str] = MappingProxyType({exp.Add: "+", exp.Sub: "-", exp.Mul: "*"})
_NUMERIC = frozenset({"DOUBLE", "FLOAT", "REAL"})
_WHOLE = frozenset({"BIGINT", "INT", "INTEGER"})
INTEGERS = Interval(lower=-(2.0**63), upper=2.0**63)


def bounds(value: Value) -> Interval:
    """Return the public bounds of a number; all numbers where none are declared."""
    return value.interval or EVERYTHING


def numbers(nodes: list[exp.Expr], read: Read, refusals: Refusals) -> list[Value] | None:
    """Read arguments that must be numbers."""
    values = []
    for node in nodes:
        value = read(node)
        if value is not None and not value.is_number:
            refusals.at(node, TYPE)
        values.append(value if value is not None and value.is_number else None)
    found = [value for value in values if value is not None]
    return found if len(found) == len(nodes) else None


def _made(sql: str, kind: Kind, within: Interval) -> Value:
    return Value(sql=sql, kind=kind, real=True, interval=within)


def _shared(values: list[Value]) -> Kind:
    return Kind.INT if all(value.kind is Kind.INT for value in values) else Kind.FLOAT


def binary(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Read x + y, x - y, x * y."""
    values = numbers([node.this, node.args["expression"]], read, refusals)
    if values is None:
        return None
    left, right = map(bounds, values)
    within = _combined(node, left, right)
    sql = f"({values[0].double} {_SIGNS[type(node)]} {values[1].double})"
    return _made(sql, _shared(values), within)


def _combined(node: exp.Expr, left: Interval, right: Interval) -> Interval:
    if isinstance(node, exp.Mul):
        return interval.multiplied(left, right)
    return interval.added(left, right if isinstance(node, exp.Add) else interval.negated(right))


def division(node: exp.Div, read: Read, refusals: Refusals) -> Value | None:
    """Read x / y, which is NULL where y is 0."""
    values = numbers([node.this, node.args["expression"]], read, refusals)
    if values is None:
        return None
    within = interval.divided(bounds(values[0]), bounds(values[1]))
    sql = f"({values[0].double} / nullif({values[1].double}, CAST(0 AS DOUBLE)))"
    return _made(sql, Kind.FLOAT, within)


def negation(node: exp.Neg, read: Read, refusals: Refusals) -> Value | None:
    """Read -x."""
    values = numbers([node.this], read, refusals)
    if values is None:
        return None
    return _made(f"(-{values[0].double})", values[0].kind, interval.negated(bounds(values[0])))


def absolute(node: exp.Abs, read: Read, refusals: Refusals) -> Value | None:
    """Read abs(x)."""
    values = numbers([node.this], read, refusals)
    if values is None:
        return None
    return _made(f"abs({values[0].double})", values[0].kind, interval.absolute(bounds(values[0])))


def extreme(node: exp.Least | exp.Greatest, read: Read, refusals: Refusals) -> Value | None:
    """Read least(…) and greatest(…); two arguments at a time."""
    if not only(node, "this", "expressions", "ignore_nulls") or not node.expressions:
        refusals.at(node, CONDITION)
        return None
    values = numbers([node.this, *node.expressions], read, refusals)
    if values is None:
        return None
    least = isinstance(node, exp.Least)
    found = values[0]
    for other in values[1:]:
        within = (interval.lesser if least else interval.greater)(bounds(found), bounds(other))
        sql = _lesser(found, other, than="<" if least else ">")
        found = _made(sql, _shared([found, other]), within)
    return found


def _lesser(one: Value, other: Value, *, than: str) -> str:
    x, y = one.double, other.double
    missing = " OR ".join(
        f"{v.double} IS NULL OR isnan({v.double})" for v in (one, other) if not _point(v)
    )
    guard = f"WHEN {missing} THEN NULL " if missing else ""
    return f"(CASE {guard}WHEN {x} {than} {y} THEN {x} ELSE {y} END)"


def _point(value: Value) -> bool:
    """Say whether a value is a literal, which is neither NULL nor NaN."""
    return value.interval is not None and value.interval.lower == value.interval.upper


def rounding(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Read round(x), round(x, digits), floor(x), ceil(x)."""
    digits = whole_number(node.args.get("decimals"))
    if not only(node, "this", "decimals") or (node.args.get("decimals") and digits is None):
        refusals.at(node, CONDITION)
        return None
    values = numbers([node.this], read, refusals)
    if values is None:
        return None
    within = bounds(values[0])
    if isinstance(node, exp.Floor | exp.Ceil) and digits is None:
        name, act = (
            ("floor", interval.floored)
            if isinstance(node, exp.Floor)
            else ("ceil", interval.ceiled)
        )
        return _made(f"{name}({values[0].double})", Kind.INT, act(within))
    return _rounded(node, values[0], digits or 0, refusals)


def _rounded(node: exp.Expr, value: Value, digits: int, refusals: Refusals) -> Value | None:
    if digits > MOST_DIGITS or not isinstance(node, exp.Round):
        refusals.at(node, CONDITION)
        return None
    wide = interval.widened(bounds(value), by=10.0**-digits)
    if digits:
        return _made(f"round({value.double}, {digits})", Kind.FLOAT, wide)
    ends = Interval(lower=_near(bounds(value).lower), upper=_near(bounds(value).upper))
    return _made(f"round({value.double})", Kind.INT, ends)


def _near(end: float) -> float:
    """Return an end as round() would: away from zero at a half, which only widens."""
    whole = interval.floored(Interval(lower=abs(end) + 0.5, upper=abs(end) + 0.5)).lower
    return whole if end >= 0 else -whole


def cast(node: exp.Cast, read: Read, refusals: Refusals) -> Value | None:
    """Read a cast between numbers, or of a flag to 0 and 1; to a whole number it rounds, and never fails."""
    kind = str(node.to.sql()).upper()
    if not only(node, "this", "to", "safe") or kind not in _NUMERIC | _WHOLE:
        refusals.at(node, CAST)
        return None
    value = read(node.this)
    if value is None:
        return None
    if value.kind is Kind.BOOL:
        flag = f"CAST(CAST({value.sql} AS INTEGER) AS DOUBLE)"
        return _made(flag, Kind.INT, Interval(lower=0, upper=1))
    if not value.is_number:
        refusals.at(node, CAST)
        return None
    if kind in _NUMERIC:
        return _made(value.double, Kind.FLOAT, bounds(value))
    within = Interval(lower=_near(bounds(value).lower), upper=_near(bounds(value).upper))
    return _made(f"round({value.double})", Kind.INT, within)
