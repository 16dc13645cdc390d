"""Reads FROM with its joins into one scope: on the unit across assets, or on the key of a public table.

A joined row is of one protected unit, for both sides of a join on the unit are of the same one. The stored number of
rows of a unit stays valid where no row is multiplied: the other side is a public table with a unique key, or has one row
for each unit. After any other join it does not hold, and the statement counts the rows itself.
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy import relation_faults
from sandbox.privacy.desk import Desk
from sandbox.privacy.expression import expression
from sandbox.privacy.literal import only
from sandbox.privacy.scope import Scope, Source, Unit


def joined(scope: Scope, join: exp.Join, other: Source, desk: Desk) -> Scope | None:
    """Return the scope with one more source, or refuse the join."""
    side = str(join.args.get("side") or "")
    kind = str(join.args.get("kind") or "")
    if not only(join, "this", "on", "using", "side", "kind") or side not in ("", "LEFT"):
        desk.refusals.at(join, relation_faults.JOIN)
        return None
    if kind not in ("", "INNER", "OUTER") or not _said(join):
        desk.refusals.at(join, relation_faults.JOIN)
        return None
    both = replace(scope, sources=(*scope.sources, other))
    on = _on_key(both, join, other) if other.unit is None else _on_unit(both, join, other)
    if on is None:
        if not desk.refusals.found:
            desk.refusals.at(join, relation_faults.JOIN)
        return None
    word = "LEFT JOIN" if side else "JOIN"
    return replace(
        both,
        sql=f"{scope.sql} {word} {other.sql} ON {on}",
        unit=_unit(scope.unit, other.unit, left=bool(side)),
    )


def _said(join: exp.Join) -> bool:
    """Say whether a join has exactly one of ON and USING."""
    return bool(join.args.get("on")) != bool(join.args.get("using"))


def _sides(join: exp.Join) -> tuple[exp.Expr, exp.Expr] | None:
    """Return what is equal: of USING the one name, of ON the two sides of its only equation."""
    using = join.args.get("using") or []
    if len(using) == 1:
        column = exp.column(using[0].copy())
        return column, column
    on = join.args.get("on")
    on = on.unnest() if on is not None else None
    return (on.this, on.args["expression"]) if isinstance(on, exp.EQ) else None


def _on_unit(both: Scope, join: exp.Join, other: Source) -> str | None:
    """Return the condition of a join on the unit, or refuse it."""
    sides, unit = _sides(join), other.unit
    named = sides is not None and _names_both(both, sides, other)
    if not named or unit is None:
        both.refusals.at(join, relation_faults.JOIN)
        return None
    mine = both.unit
    if mine.asset.id == unit.asset.id:
        return f"{mine.id} = {unit.id}"
    if mine.asset.unit_kind is not unit.asset.unit_kind or _kind(mine) is not _kind(unit):
        both.refusals.at(join, relation_faults.JOIN_KIND)
        return None
    if mine.key is None or unit.key is None:
        both.refusals.at(join, relation_faults.JOIN_KEY)
        return None
    return f"{mine.key} = {unit.key}"


def _names_both(both: Scope, sides: tuple[exp.Expr, exp.Expr], other: Source) -> bool:
    """Say whether one side names the unit of what stands before the join, and the other that of what joins."""
    before = both.sources[:-1]

    def is_before(node: exp.Expr) -> bool:
        return any(source in before for source in both.unit_source(node))

    def is_other(node: exp.Expr) -> bool:
        return other in both.unit_source(node)

    first, second = sides
    return (is_before(first) and is_other(second)) or (is_other(first) and is_before(second))


def _kind(unit: Unit) -> Kind | None:
    column = unit.asset.column(unit.asset.unit_column)
    return column.kind if column else None


def _on_key(both: Scope, join: exp.Join, other: Source) -> str | None:
    """Return the condition of a join with a public table on its unique key, or refuse it."""
    before = replace(both, sources=both.sources[:-1])
    after = replace(both, sources=(other,))
    for mine, key in _orders(join):
        if isinstance(key, exp.Column) and (field := after.found(key)) is not None:
            if field.name != other.unique:
                continue
            value = expression(mine, before)
            if value is not None and value.kind is field.value.kind and not value.real:
                return f"{value.sql} = {field.value.sql}"
            return None
    return None


def _orders(join: exp.Join) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Return the sides of an equation in both orders."""
    sides = _sides(join)
    if sides is not None:
        first, second = (side.unnest() for side in sides)
        yield from ((first, second), (second, first))


def _unit(mine: Unit, other: Unit | None, *, left: bool) -> Unit:
    """Return the unit of a joined row, with the number of rows that still bounds it."""
    if other is None:
        return mine
    names = mine.names | other.names
    if other.once:
        return replace(mine, names=names)
    return replace(mine, names=names, rows=other.rows if mine.once and not left else None)
