"""Parses the literals of a condition, and writes them anew as trusted SQL of one kind."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from fractions import Fraction
from math import inf, isinf
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind

_CASTS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {Kind.DATE: ("DATE",), Kind.TIMESTAMP: ("TIMESTAMP", "TIMESTAMPNTZ")}
)
_INT64 = 2**63
_LONGEST = 40
_LEAST = 1e-300


def only(node: exp.Expr, *parts: str) -> bool:
    """Say whether a node has no part beside these: whatever is not known is not allowed."""
    return all(name in parts or name == "_type" for name, value in node.args.items() if value)


def whole_number(node: exp.Expr | None, *, most: int = 10**9) -> int | None:
    """Return a literal whole number from 0 to `most`, or nothing where a node is none."""
    if (
        not isinstance(node, exp.Literal)
        or node.is_string
        or not re.fullmatch("[0-9]+", str(node.this))
    ):
        return None
    text = str(node.this).lstrip("0") or "0"
    return int(text) if len(text) <= len(str(most)) and int(text) <= most else None


def fraction(node: exp.Expr | None) -> Fraction | None:
    """Return a literal number exactly, or nothing where a node is none."""
    sign, inner = (-1, node.this) if isinstance(node, exp.Neg) else (1, node)
    if not isinstance(inner, exp.Literal) or inner.is_string or len(str(inner.this)) > _LONGEST:
        return None
    try:
        near = abs(float(inner.this))
    except ValueError:
        return None
    if near == 0:
        return Fraction(0)
    return sign * Fraction(str(inner.this)) if _LEAST < near < inf else None


def literal(node: exp.Expr, kind: Kind) -> str | None:
    """Return a literal as SQL of a kind, or nothing where it is none, or of another kind."""
    if kind in (Kind.INT, Kind.FLOAT):
        return _number(node)
    if kind is Kind.BOOL:
        return str(bool(node.this)).upper() if isinstance(node, exp.Boolean) else None
    text = _text(node, _CASTS.get(kind, ()))
    return None if text is None else _WRITERS[kind](text)


def _number(node: exp.Expr) -> str | None:
    """Return a number as BIGINT where it is whole and fits, else as DOUBLE: both compare without failing."""
    sign, inner = ("-", node.this) if isinstance(node, exp.Neg) else ("", node)
    if not isinstance(inner, exp.Literal) or inner.is_string:
        return None
    try:
        value = float(inner.this)
        whole = int(inner.this) if inner.this.isdigit() else None
    except ValueError:
        return None
    if isinf(value):
        return None
    if whole is not None and whole < _INT64:
        return f"CAST({sign}{whole} AS BIGINT)"
    return f"CAST('{sign}{value!r}' AS DOUBLE)"


def _text(node: exp.Expr, casts: tuple[str, ...]) -> str | None:
    """Return a string literal's text; one cast to the kind itself, as in `DATE '…'`, is looked through."""
    if isinstance(node, exp.Cast) and only(node, "this", "to"):
        return _text(node.this, ()) if node.to.sql().upper() in casts else None
    if isinstance(node, exp.Literal) and node.is_string and "\0" not in node.this:
        return str(node.this)
    return None


def _string(text: str) -> str | None:
    return "'" + text.replace("'", "''") + "'"


def _date(text: str) -> str | None:
    try:
        return f"DATE '{date.fromisoformat(text).isoformat()}'"
    except ValueError:
        return None


def _timestamp(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return None
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"


_WRITERS: Mapping[Kind, Callable[[str], str | None]] = MappingProxyType(
    {Kind.STRING: _string, Kind.DATE: _date, Kind.TIMESTAMP: _timestamp}
)
