"""Reads a SELECT over rows that stands in FROM or WITH: every row stays with the unit that it is of."""

from dataclasses import replace

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy import faults, relation_faults, row_faults
from sandbox.privacy.bounding import grid_for, steps
from sandbox.privacy.desk import Desk
from sandbox.privacy.expression import expression, holds
from sandbox.privacy.interval import Interval
from sandbox.privacy.keys import grouped, meant
from sandbox.privacy.literal import only
from sandbox.privacy.rewrite import Group, aggregates, finder, is_aggregate, replaced
from sandbox.privacy.scope import Field, Scope, Source, Unit
from sandbox.privacy.value import Value, real

_INF = float("inf")
Item = tuple[str, exp.Expr]
"""The name of a column, and what it is."""


def is_by_unit(select: exp.Select, scope: Scope) -> bool:
    """Say whether a SELECT groups by the unit, so that its rows are still of one unit each."""
    return any(scope.is_unit(meant(node, select, scope)) for node in grouped(select) or ())


def row_source(select: exp.Select, scope: Scope, desk: Desk) -> Source | None:
    """Read a SELECT without aggregates: some rows, with computed columns."""
    for clause in ("having", "order", "limit"):
        if select.args.get(clause) is not None:
            desk.refusals.at(select.args[clause], relation_faults.ROWS_CLAUSE)
    where = select.args.get("where")
    items = [(item.alias_or_name, item) for item in select.expressions]
    return _projected(items, scope, where.this if where else None, desk)


def unit_source(select: exp.Select, scope: Scope, desk: Desk) -> Source | None:
    """Read a SELECT that groups by the unit: aggregates of one unit are values of its row, without noise."""
    for clause in ("order", "limit"):
        if select.args.get(clause) is not None:
            desk.refusals.at(select.args[clause], relation_faults.ROWS_CLAUSE)
    nodes = [meant(node, select, scope) for node in grouped(select) or ()]
    others = [node for node in nodes if not scope.is_unit(node)]
    having = select.args.get("having")
    items = [*select.expressions, *([having.this] if having else [])]
    found = [node for item in items for node in aggregates(item)]
    fields = _fields([*others, *found], scope)
    if fields is None:
        return None
    inner = _aggregated(select, scope, fields, groups=len(others), desk=desk)
    if inner is None:
        return None
    groups = [
        Group(node=node, sql=field.value.sql, name=field.name)
        for node, field in zip(others, fields, strict=False)
    ]
    places = iter([field.name for field in fields[len(others) :]])
    find = finder(groups, places, scope)
    turned = [replaced(item, find, desk.refusals) for item in items]
    return _projected(
        [
            (item.alias_or_name, made)
            for item, made in zip(select.expressions, turned, strict=False)
        ],
        replace(scope, sql=inner.sql, sources=(inner,), unit=_of(inner)),
        turned[-1] if having else None,
        desk,
    )


def _of(source: Source) -> Unit:
    assert source.unit is not None, "a source of rows has a unit"
    return source.unit


def _fields(nodes: list[exp.Expr], scope: Scope) -> list[Field] | None:
    """Return each grouped expression and aggregate as a column, named by its place."""
    fields = []
    for place, node in enumerate(nodes):
        value = _within(node, scope)
        if value is not None:
            fields.append(Field(name=f" {place}", value=value))
    return fields if len(fields) == len(nodes) else None


def _within(node: exp.Expr, scope: Scope) -> Value | None:
    """Return an aggregate of one unit's rows, or a value that it is grouped by."""
    filtered = isinstance(node, exp.Filter)
    inner = node.this if filtered else node
    if not is_aggregate(inner):
        return expression(inner, scope)
    where = holds(node.args["expression"].this, scope) if filtered else ""
    if where is None:
        return None
    return _aggregate(inner, scope, f" FILTER (WHERE {where})" if where else "")


def _aggregate(node: exp.Expr, scope: Scope, tail: str) -> Value | None:
    if isinstance(node, exp.Count):
        return _count(node, scope, tail)
    if type(node) not in (exp.Sum, exp.Avg, exp.Min, exp.Max) or not only(node, "this"):
        scope.refusals.at(node, faults.UNIT_FUNCTION)
        return None
    value = expression(node.this, scope)
    if value is None:
        return None
    if not value.is_number or (isinstance(node, exp.Sum | exp.Avg) and not value.measurable):
        names = (field.name for field in scope.open if field.value.measurable)
        scope.refusals.at(node.this, row_faults.no_measure(names))
        return None
    if isinstance(node, exp.Min | exp.Max):
        name = "min" if isinstance(node, exp.Min) else "max"
        made = f"{name}(CASE WHEN NOT isnan({value.double}) THEN {value.double} END){tail}"
        return Value(sql=made, kind=value.kind, real=True, interval=value.interval)
    return _mean(value, tail) if isinstance(node, exp.Avg) else _sum(value, tail)


def _sum(value: Value, tail: str) -> Value:
    """Return an exact sum over whole steps: a sum of doubles would depend on the order of the rows."""
    assert value.interval is not None, "a sum is over a bounded number"
    grid = grid_for(value.interval, bound=1)
    ends = Interval(
        lower=-_INF if value.interval.lower < 0 else 0.0,
        upper=_INF if value.interval.upper > 0 else 0.0,
    )
    total = f"sum({steps(value.double, grid)}){tail}"
    sql = f"(CAST({total} AS DOUBLE) * {real(float(grid.step))})"
    return Value(sql=sql, kind=Kind.FLOAT, real=True, interval=ends)


def _mean(value: Value, tail: str) -> Value:
    assert value.interval is not None, "a mean is over a bounded number"
    grid = grid_for(value.interval, bound=1)
    sums = steps(value.double, grid)
    count = f"nullif(CAST(count({sums}){tail} AS DOUBLE), 0)"
    sql = f"(CAST(sum({sums}){tail} AS DOUBLE) / {count} * {real(float(grid.step))})"
    return Value(sql=sql, kind=Kind.FLOAT, real=True, interval=value.interval)


def _count(node: exp.Count, scope: Scope, tail: str) -> Value | None:
    """Return a number of rows, or of different values, of one unit."""
    many = Interval(lower=0.0, upper=_INF)
    if isinstance(node.this, exp.Star):
        return Value(sql=f"count(*){tail}", kind=Kind.INT, interval=many)
    distinct = isinstance(node.this, exp.Distinct)
    inner = node.this.expressions if distinct else [node.this]
    if len(inner) != 1 or not only(node, "this", "big_int"):
        scope.refusals.at(node, faults.UNIT_FUNCTION)
        return None
    value = expression(inner[0], scope)
    if value is None:
        return None
    word = "DISTINCT " if distinct else ""
    return Value(sql=f"count({word}{value.sql}){tail}", kind=Kind.INT, interval=many)


def _aggregated(
    select: exp.Select, scope: Scope, fields: list[Field], *, groups: int, desk: Desk
) -> Source | None:
    """Return the grouped rows, one for each unit and group."""
    where = select.args.get("where")
    held = holds(where.this, scope) if where else ""
    if held is None:
        return None
    alias, unit = f"t{next(desk.numbers)}", scope.unit
    columns = [_column(field.value, place) for place, field in enumerate(fields)]
    key = f", any_value({unit.key}) AS _key" if unit.key else ""
    by = ", ".join([unit.id, *(field.value.sql for field in fields[:groups])])
    sql = f"SELECT {unit.id} AS _unit{key}, {', '.join([*columns, '1 AS _one'])} FROM {scope.sql}"  # noqa: S608 - written by this room
    sql += f"{f' WHERE {held}' if held else ''} GROUP BY {by}"
    made = [
        Field(name=field.name, value=_outside(field.value, alias, place))
        for place, field in enumerate(fields)
    ]
    return Source(
        sql=f"({sql}) AS {alias}",
        names=frozenset(name for source in scope.sources for name in source.names),
        fields=tuple(made),
        unit=_carried(scope, alias, rows=None if groups else "1"),
    )


def _carried(scope: Scope, alias: str, *, rows: str | None) -> Unit:
    """Return the unit of a relation made of a scope's rows."""
    names = frozenset(name for s in scope.sources if s.unit for name in s.unit.names)
    key = f"{alias}._key" if scope.unit.key else None
    return replace(scope.unit, id=f"{alias}._unit", rows=rows, key=key, names=names)


def _column(value: Value, place: int) -> str:
    return f"{value.sql} AS c{place}"


def _outside(value: Value, alias: str, place: int) -> Value:
    return replace(value, sql=f"{alias}.c{place}")


def _projected(
    items: list[Item], scope: Scope, condition: exp.Expr | None, desk: Desk
) -> Source | None:
    """Return the rows of a scope that meet a condition, with these columns."""
    held = holds(condition, scope) if condition is not None else ""
    units, fields = _items(items, scope)
    if held is None or fields is None:
        return None
    alias, unit = f"t{next(desk.numbers)}", scope.unit
    rows = "" if unit.rows in (None, "1") else f", {unit.rows} AS _unit_rows"
    key = f", {unit.key} AS _key" if unit.key else ""
    columns = "".join(f", {_column(field.value, i)}" for i, field in enumerate(fields))
    sql = f"SELECT {unit.id} AS _unit{rows}{key}{columns} FROM {scope.sql}"  # noqa: S608 - written by this room
    carried = f"{alias}._unit_rows" if rows else unit.rows
    return Source(
        sql=f"({sql}{f' WHERE {held}' if held else ''}) AS {alias}",
        names=frozenset(),
        fields=tuple(replace(f, value=_outside(f.value, alias, i)) for i, f in enumerate(fields)),
        unit=replace(_carried(scope, alias, rows=carried), names=units),
    )


def _items(items: list[Item], scope: Scope) -> tuple[frozenset[str], list[Field] | None]:
    """Return the names that the unit has among these columns, and the other columns."""
    units: set[str] = set()
    fields: list[Field] = []
    whole = True
    for name, item in items:
        inner = item.unalias()
        if isinstance(inner, exp.Star) and only(inner):
            units |= {name for s in scope.sources if s.unit for name in s.unit.names}
            fields += scope.open
        elif scope.is_unit(inner):
            units.add(name)
        elif (value := expression(inner, scope)) is None:
            whole = False
        else:
            fields.append(Field(name=name, value=value))
    return frozenset(units), fields if whole else None
