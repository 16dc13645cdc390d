"""Reads CASE, IF, COALESCE and NULLIF over rows, and brings values of one comparison to one kind."""

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy.interval import hull
from sandbox.privacy.literal import literal, only
from sandbox.privacy.numeric import Read, bounds
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import CONDITION, TYPE
from sandbox.privacy.value import Value

_LITERALS = (exp.Literal, exp.Boolean)
Branch = tuple[str, exp.Expr]
"""Trusted SQL of a condition, and what it leads to."""


def is_literal(node: exp.Expr) -> bool:
    """Say whether a node is a constant, so that it takes the kind of what stands beside it."""
    inner = node.unnest()
    if isinstance(inner, exp.Neg | exp.Cast):
        return isinstance(inner.this, exp.Literal)
    return isinstance(inner, _LITERALS)


def alike(nodes: list[exp.Expr], read: Read, refusals: Refusals) -> list[Value] | None:
    """Read values that stand beside each other; constants take the kind of the others.

    So no comparison casts a value from the data to a narrower type. (DuckDB compares an integer column with `1.5`
    by casting the column to DECIMAL, which can raise, with the raw value in the message.)
    """
    values = {i: read(node) for i, node in enumerate(nodes) if not is_literal(node)}
    if any(value is None for value in values.values()):
        return None
    found = {i: value for i, value in values.items() if value is not None}
    kind = next((value.kind for value in found.values()), None)
    for i, node in enumerate(nodes):
        value = found.get(i) or _constant(node.unnest(), kind, read)
        if value is None or not _same(value.kind, kind or value.kind):
            refusals.at(node.unnest(), TYPE)
            return None
        kind = kind or value.kind
        found[i] = value
    return [found[i] for i in range(len(nodes))]


def _constant(node: exp.Expr, kind: Kind | None, read: Read) -> Value | None:
    if kind in (None, Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING):
        same = kind in (None, Kind.INT, Kind.FLOAT) or literal(node, kind) is not None
        return read(node) if same else None
    sql = literal(node, kind) if kind else None
    return Value(sql=sql, kind=kind) if sql and kind else None


def _same(one: Kind, other: Kind) -> bool:
    """Say whether two kinds compare in a type that holds every value of both."""
    return one is other or {one, other} <= {Kind.INT, Kind.FLOAT}


def chosen(
    branches: list[Branch], last: exp.Expr | None, read: Read, refusals: Refusals
) -> Value | None:
    """Return a CASE over these branches; its categories and bounds are those of its values together."""
    nodes = [node for _, node in branches] + ([last] if last is not None else [])
    given = [node for node in nodes if not isinstance(node.unnest(), exp.Null)]
    values = alike(given, read, refusals) if given else None
    if values is None:
        if not given:
            refusals.at(nodes[0], CONDITION)
        return None
    by_node = {id(node): value for node, value in zip(given, values, strict=True)}
    whens = " ".join(
        f"WHEN {condition} THEN {_branch(by_node.get(id(node)), values)}"
        for condition, node in branches
    )
    ending = f" ELSE {_branch(by_node.get(id(last)), values)}" if last is not None else ""
    return _joined(f"(CASE {whens}{ending} END)", values)


def _branch(value: Value | None, values: list[Value]) -> str:
    if value is None:
        return "NULL"
    return value.double if values[0].is_number else value.sql


def _joined(sql: str, values: list[Value]) -> Value:
    first = values[0]
    if not first.is_number:
        domains = [value.categories for value in values]
        known = all(domains)
        merged = tuple(dict.fromkeys(name for domain in domains for name in domain))
        return Value(sql=sql, kind=first.kind, domain=merged if known else ())
    whole = all(value.kind is Kind.INT for value in values)
    domains = [value.categories or _point(value) for value in values]
    names = tuple(dict.fromkeys(name for domain in domains for name in domain))
    return Value(
        sql=sql,
        kind=Kind.INT if whole else Kind.FLOAT,
        real=True,
        interval=hull(bounds(value) for value in values),
        domain=names if whole and all(domains) else (),
    )


def _point(value: Value) -> tuple[str, ...]:
    """Return a whole literal as its one category."""
    inside = value.interval.whole(1) if value.interval else None
    return tuple(str(number) for number in inside) if inside else ()


def coalesced(node: exp.Coalesce, read: Read, refusals: Refusals) -> Value | None:
    """Read COALESCE: the first value that is not NULL."""
    nodes = [node.this, *node.expressions]
    if not only(node, "this", "expressions") or not node.expressions:
        refusals.at(node, CONDITION)
        return None
    values = alike(nodes, read, refusals)
    if values is None:
        return None
    return _joined(f"coalesce({', '.join(_branch(value, values) for value in values)})", values)


def nulled(node: exp.Nullif, read: Read, refusals: Refusals) -> Value | None:
    """Read NULLIF(x, y): NULL where both are the same."""
    values = alike([node.this, node.args["expression"]], read, refusals)
    if values is None:
        return None
    first, other = (_branch(value, values) for value in values)
    kept = values[0]
    return Value(
        sql=f"nullif({first}, {other})",
        kind=kept.kind,
        real=kept.is_number,
        interval=kept.interval,
        domain=kept.domain,
    )
