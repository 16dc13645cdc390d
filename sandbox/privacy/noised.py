"""Reads a SELECT that aggregates over units into measures and keys, and what is computed from their noisy values."""

import re
from collections import Counter
from dataclasses import dataclass, replace

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy import faults, row_faults
from sandbox.privacy.desk import Desk
from sandbox.privacy.draft import Draft, Rows, Shown, Sort, Stage, kind_of
from sandbox.privacy.expression import holds
from sandbox.privacy.keys import Key, grouped, keys
from sandbox.privacy.literal import only, whole_number
from sandbox.privacy.measures import Measure, measure
from sandbox.privacy.post import Post
from sandbox.privacy.post_reading import MOST_NODES, Columns, post, truth
from sandbox.privacy.refusal import Fault
from sandbox.privacy.rewrite import Finder, Group, aggregates, finder, is_aggregate, replaced
from sandbox.privacy.scope import Scope

MOST_MEASURES = 32
MOST_COLUMNS = 64
_NAME = re.compile(r"[^\W\d_]\w{0,63}")
_MOST_LIMIT = 10**9 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The keys and measures that a SELECT's expressions are over."""

    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    names: dict[exp.Expr, str]
    """Each aggregate as it stands in the text, and the column that it is."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns' names, which no text can have."""
        return tuple(f" {i}" for i in range(len(self.keys) + len(self.measures)))


def noised(select: exp.Select, scope: Scope, desk: Desk) -> Draft | None:
    """Read a SELECT with aggregates over the rows of a scope."""
    nodes = grouped(select)
    if nodes is None:
        at = max(desk.refusals.sql.upper().rfind("GROUP"), 0)
        desk.refusals.at(at, faults.GROUP)
        return None
    by = keys(nodes, select, scope, desk)
    base = _base(select, tuple(by), scope)
    where = select.args.get("where")
    held = holds(where.this, scope) if where else ""
    _hold_stars(select, desk)
    if desk.refusals.found or held is None:
        return None
    stage = _stage(select, base, nodes, scope)
    if stage is None:
        return None
    return Draft(
        rows=Rows(sql=scope.sql, where=held, unit=scope.unit, joined=len(scope.sources) > 1),
        keys=base.keys,
        measures=base.measures,
        stages=(stage,),
        qualifiers=frozenset(),
        hints=desk.hints,
    )


def _hold_stars(select: exp.Select, desk: Desk) -> None:
    for item in select.expressions:
        if item.is_star:
            desk.refusals.at(item, faults.ITEM)


def _clauses(select: exp.Select) -> list[exp.Expr]:
    """Return every tree of a SELECT that can hold aggregates, in the order of the text."""
    having, order = select.args.get("having"), select.args.get("order")
    return [
        *select.expressions,
        *([having.this] if having else []),
        *(node.this for node in (order.expressions if order else [])),
    ]


def _base(select: exp.Select, by: tuple[Key, ...], scope: Scope) -> _Base:
    """Read each aggregate once, however often it stands in the text."""
    names: dict[exp.Expr, str] = {}
    measures: list[Measure] = []
    for node in (found for clause in _clauses(select) for found in aggregates(clause)):
        read = measure(node, scope)
        if read is not None:
            if read not in measures:
                measures.append(read)
            names[node] = f" {len(by) + measures.index(read)}"
    if len(measures) > MOST_MEASURES:
        scope.refusals.at(select.expressions[0], faults.MANY)
    return _Base(keys=by, measures=tuple(measures), names=names)


def _stage(
    select: exp.Select, base: _Base, nodes: tuple[exp.Expr, ...], scope: Scope
) -> Stage | None:
    """Read what is shown of the noisy values, and hold GROUP BY to what is shown."""
    refusals = scope.refusals
    groups = [
        Group(node=key.node, sql=key.value.sql, name=f" {i}") for i, key in enumerate(base.keys)
    ]
    known = finder(groups, iter(()), scope)

    def find(node: exp.Expr) -> str | None:
        return base.names.get(node) if is_aggregate(node) else known(node)

    columns = Columns(
        names=base.columns,
        kinds=(*(_kind(key) for key in base.keys), *(kind_of(m) for m in base.measures)),
        qualifiers=frozenset(),
        refusals=refusals,
        why=lambda node: _why_loose(node, scope),
    )
    if not base.measures:
        refusals.at(0, faults.EMPTY)
        return None
    shown = _shown(select, base, columns, find, scope)
    if shown is None:
        return None
    seen = sorted(
        column.base for column in shown if column.base is not None and column.base < len(groups)
    )
    if seen != list(range(len(groups))):
        refusals.at(nodes[0] if nodes else select.expressions[0], faults.GROUP)
        return None
    having = select.args.get("having")
    turned = replaced(having.this, find, refusals) if having else None
    return finished(select, shown, columns, where=turned, find=find)


def _kind(key: Key) -> Kind:
    return Kind.STRING if key.value.kind is Kind.DATE else key.value.kind


def _shown(
    select: exp.Select, base: _Base, columns: Columns, find: Finder, scope: Scope
) -> tuple[Shown, ...] | None:
    shown = []
    for item in select.expressions:
        inner = item.this if isinstance(item, exp.Alias) else item
        turned = replaced(inner, find, scope.refusals)
        made = post(turned, columns)
        if made is not None and not made.columns:
            scope.refusals.at(item, faults.ITEM)
        elif made is not None:
            shown.append(_column(item, made, base))
    whole = len(shown) == len(select.expressions)
    return tuple(shown) if whole and named(select, tuple(shown), columns) else None


def _why_loose(node: exp.Column, scope: Scope) -> Fault:
    """Say why a column outside of aggregates and GROUP BY is refused: it is unknown, or not grouped by."""
    field = scope.found(node)
    if field is None:
        return row_faults.unknown_column(field.name for field in scope.open)
    if field.identifies:
        return row_faults.IDENTITY
    if field.value.domain:
        return faults.GROUP
    return row_faults.no_dimension(f.name for f in scope.open if f.value.domain)


def _column(item: exp.Expr, made: Post, base: _Base) -> Shown:
    """Return a shown column under its alias, or under the name of the key or measure that it is."""
    place = made.column if made.op == "column" else None
    name = item.alias if isinstance(item, exp.Alias) else ""
    if place is not None and place < len(base.keys):
        key = base.keys[place]
        return Shown(name=name or key.name, post=made, ranks=key.categories, base=place)
    if place is not None and not name:
        name = base.measures[place - len(base.keys)].name
    return Shown(name=name, post=made, base=place)


def named(select: exp.Select, shown: tuple[Shown, ...], columns: Columns) -> bool:
    """Hold the answer's names to what a table can bear: each once, and of letters."""
    seen = Counter(column.name.casefold() for column in shown)
    before = len(columns.refusals.found)
    if len(shown) > MOST_COLUMNS or sum(column.post.size for column in shown) > MOST_NODES:
        columns.refusals.at(select.expressions[0], faults.TOO_LONG)
    for node, column in zip(select.expressions, shown, strict=True):
        if seen[column.name.casefold()] > 1 or not _NAME.fullmatch(column.name):
            columns.refusals.at(node, faults.NAME)
    return len(columns.refusals.found) == before


def finished(
    select: exp.Select,
    shown: tuple[Shown, ...],
    columns: Columns,
    *,
    where: exp.Expr | None,
    find: Finder,
) -> Stage | None:
    """Return the stage of these columns, with its condition, its order and its limit."""
    before = len(columns.refusals.found)
    held = truth(where, columns) if where is not None else None
    order = select.args.get("order")
    sorts = [
        sort
        for node in (order.expressions if order else [])
        for sort in _sort(node, shown, columns, find)
    ]
    stage = Stage(columns=shown, where=held, order=tuple(sorts), limit=_limit(select, columns))
    return stage if len(columns.refusals.found) == before else None


def _sort(node: exp.Expr, shown: tuple[Shown, ...], columns: Columns, find: Finder) -> list[Sort]:
    """Read one key of ORDER BY: an answered column's name, or an expression over what is answered."""
    key = node.this
    if (
        not only(node, "this", "desc")
        or not isinstance(key, exp.Expr)
        or isinstance(key, exp.Literal)
    ):
        columns.refusals.at(node, faults.ORDER)
        return []
    down = bool(node.args.get("desc"))
    for place, column in enumerate(shown):
        plain = isinstance(key, exp.Column) and not key.table
        if plain and key.name.casefold() == column.name.casefold():
            by = replace(column.post, op="column", args=(), column=len(columns.names) + place)
            return [Sort(by=by, descending=down, ranks=column.ranks)]
    turned = replaced(key, find, columns.refusals)
    made = post(turned, replace(columns, why=lambda _: faults.ORDER))
    if made is None:
        return []
    ranks = next((c.ranks for c in shown if c.post == made), ())
    return [Sort(by=made, descending=down, ranks=ranks)]


def _limit(select: exp.Select, columns: Columns) -> int | None:
    limit = select.args.get("limit")
    if limit is None:
        return None
    count = limit.args.get("expression")
    if isinstance(limit, exp.Limit) and only(limit, "expression"):
        found = whole_number(count, most=_MOST_LIMIT)
        if found:
            return found
    columns.refusals.at(limit, faults.LIMIT)
    return None
