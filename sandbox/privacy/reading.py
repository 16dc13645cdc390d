"""Reads a question against its grant: what is asked, in words that the planner can bound."""

import re
from collections import Counter
from dataclasses import dataclass

from sqlglot import exp

from sandbox.asset import Asset, Column
from sandbox.order import Function, ViewTerms
from sandbox.privacy import faults
from sandbox.privacy.condition import condition
from sandbox.privacy.items import Asked, asked, domained
from sandbox.privacy.literal import only
from sandbox.privacy.parse import Parsed, parsed
from sandbox.privacy.question import Question, Unanswerable
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.scope import Scope

MOST_AGGREGATES = 32
_NAME = re.compile(r"[^\W\d_]\w{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One key by which the finished answer is sorted."""

    column: int
    """The answer's column, from 0."""
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A question that keeps to the grammar and to its grant."""

    asset: Asset
    columns: tuple[Asked, ...]
    where: str
    """Trusted SQL; empty for all rows."""
    order: tuple[Sort, ...]
    limit: int | None
    rows_per_unit: int

    @property
    def dimensions(self) -> tuple[Column, ...]:
        """Return what the answer is grouped by, in the order of SELECT."""
        dims = (c.column for c in self.columns if c.function is Function.DIMENSION)
        return tuple(column for column in dims if column is not None)


def read(question: Question) -> Reading | Unanswerable:
    """Read the SQL of a question; every fault that can be told at once is told."""
    refusals = Refusals(question.sql)
    tree = parsed(refusals)
    scope = _scope(tree.select, question, refusals) if tree else None
    reading = _reading(tree, scope) if tree and scope else None
    if reading is None or refusals.found:
        return Unanswerable(refusals.reasons())
    return reading


def _scope(select: exp.Select, question: Question, refusals: Refusals) -> Scope | None:
    """Return what the FROM clause names, or nothing where it is not one granted asset."""
    source = select.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        refusals.at(table if table is not None else 0, faults.SOURCE)
        return None
    alias = table.args.get("alias")
    if not only(table, "this", "alias") or (alias is not None and alias.columns):
        refusals.at(table, faults.SOURCE)
        return None
    found = _granted(table.name, question)
    if found is None:
        refusals.at(table, faults.unknown_asset(terms.asset for terms in question.views))
        return None
    asset, view = found
    names = {table.alias} if table.alias else {table.name, asset.id}
    folded = frozenset(name.casefold() for name in names)
    return Scope(asset=asset, view=view, names=folded, refusals=refusals)


def _granted(name: str, question: Question) -> tuple[Asset, ViewTerms] | None:
    """Return the asset and view of this name; case and `_` for `-` do not matter."""
    wanted = name.upper().replace("_", "-")
    for asset in question.assets:
        for view in question.views:
            if view.asset == asset.id and asset.id.replace("_", "-") == wanted:
                return asset, view
    return None


def _reading(tree: Parsed, scope: Scope) -> Reading:
    select = tree.select
    columns = tuple(column for node in select.expressions for column in asked(node, scope))
    _hold_names(select, columns, scope.refusals)
    _hold_groups(select, columns, scope)
    where = select.args.get("where")
    return Reading(
        asset=scope.asset,
        columns=columns,
        where=condition(where.this, scope=scope) if where else "",
        order=_order(select, columns, scope.refusals),
        limit=_limit(select, scope.refusals),
        rows_per_unit=tree.rows_per_unit,
    )


def _hold_names(select: exp.Select, columns: tuple[Asked, ...], refusals: Refusals) -> None:
    """Refuse answers without aggregates, or with names that a table cannot bear."""
    aggregates = [c for c in columns if c.function is not Function.DIMENSION]
    if not aggregates and not refusals.found:
        refusals.at(0, faults.EMPTY)
    if len(aggregates) > MOST_AGGREGATES:
        refusals.at(select.expressions[MOST_AGGREGATES], faults.MANY)
    seen = Counter(column.name.casefold() for column in columns)
    if len(columns) != len(select.expressions):
        return
    for node, column in zip(select.expressions, columns, strict=True):
        if seen[column.name.casefold()] > 1 or not _NAME.fullmatch(column.name):
            refusals.at(node, faults.NAME)


def _hold_groups(select: exp.Select, columns: tuple[Asked, ...], scope: Scope) -> None:
    """Refuse where the dimensions of SELECT and of GROUP BY are not the same, once each."""
    group = select.args.get("group")
    nodes = list(group.expressions) if group is not None else []
    if group is not None and (not only(group, "expressions") or not nodes):
        sql = scope.refusals.sql
        scope.refusals.at(max(sql.upper().rfind("GROUP"), 0), faults.GROUP)
        return
    grouped = [column.name for node in nodes for column in _grouped(node, scope)]
    shown = [
        c.column.name for c in columns if c.function is Function.DIMENSION and c.column is not None
    ]
    whole = len(grouped) == len(nodes) and len(columns) == len(select.expressions)
    if whole and (sorted(grouped) != sorted(shown) or len(set(shown)) != len(shown)):
        scope.refusals.at(nodes[0] if nodes else select.expressions[0], faults.GROUP)


def _grouped(node: exp.Expr, scope: Scope) -> list[Column]:
    inner = node.unnest()
    if not isinstance(inner, exp.Column):
        scope.refusals.at(node, faults.GROUP)
        return []
    column = domained(inner, scope)
    return [column] if column else []


def _order(select: exp.Select, columns: tuple[Asked, ...], refusals: Refusals) -> tuple[Sort, ...]:
    order = select.args.get("order")
    nodes = list(order.expressions) if order is not None else []
    return tuple(sort for node in nodes for sort in _sort(node, columns, refusals))


def _sort(node: exp.Expr, columns: tuple[Asked, ...], refusals: Refusals) -> list[Sort]:
    """Read one ORDER BY key: an answered column's name, or a dimension's own."""
    key = node.this
    if isinstance(key, exp.Column) and only(key, "this") and only(node, "this", "desc"):
        for at, column in enumerate(columns):
            own = (
                column.column.name
                if column.function is Function.DIMENSION and column.column
                else ""
            )
            if key.name.casefold() in {column.name.casefold(), own.casefold()}:
                return [Sort(column=at, descending=bool(node.args.get("desc")))]
    refusals.at(node, faults.ORDER)
    return []


def _limit(select: exp.Select, refusals: Refusals) -> int | None:
    limit = select.args.get("limit")
    if limit is None:
        return None
    count = limit.args.get("expression")
    if isinstance(limit, exp.Limit) and only(limit, "expression") and _whole(count):
        return int(count.this)
    refusals.at(limit, faults.LIMIT)
    return None


def _whole(node: exp.Expr | None) -> bool:
    """Say whether a node is a positive whole number of at most 9 digits."""
    if not isinstance(node, exp.Literal) or node.is_string:
        return False
    return re.fullmatch(r"0*[1-9][0-9]{0,8}", str(node.this)) is not None
