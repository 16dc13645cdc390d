"""Replaces parts of a tree by the columns that stand for them: aggregates, and what is grouped by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sandbox.privacy.refusal import Refusals
from sandbox.privacy.scope import Scope

AGGREGATES = (
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.Variance,
    exp.VariancePop,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Median,
    exp.Quantile,
    exp.PercentileCont,
    exp.PercentileDisc,
    exp.ApproxQuantile,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is grouped by, as a node, as trusted SQL, and the name of the column that stands for it."""

    node: exp.Expr
    sql: str
    name: str


Finder = Callable[[exp.Expr], str | None]
"""Names the column that stands for a node; nothing where the node stays."""


def is_aggregate(node: exp.Expr) -> bool:
    """Say whether a node is an aggregate, with or without FILTER."""
    inner = node.this if isinstance(node, exp.Filter) else node
    return isinstance(inner, AGGREGATES)


def aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """Return the aggregates in a tree, without those of its subqueries."""

    def ends(inner: exp.Expr) -> bool:
        return isinstance(inner, exp.Query | exp.Subquery) or is_aggregate(inner)

    return (inner for inner in node.dfs(prune=ends) if is_aggregate(inner))


def finder(groups: Sequence[Group], names: Iterator[str], scope: Scope) -> Finder:
    """Find what is grouped by, however a column is written, and the next aggregate each time."""
    nodes = {group.node: group.name for group in groups}
    columns = {group.sql: group.name for group in groups}

    def find(node: exp.Expr) -> str | None:
        if node in nodes:
            return nodes[node]
        if isinstance(node, exp.Column):
            field = scope.found(node)
            return columns.get(field.value.sql) if field else None
        return next(names, None) if is_aggregate(node) else None

    return find


def replaced(node: exp.Expr, find: Finder, refusals: Refusals) -> exp.Expr:
    """Return a copy of a tree in which every node that `find` names is a column of that name.

    Columns keep the place of what they stand for, so that faults are told there.
    """

    def turn(inner: exp.Expr) -> exp.Expr:
        name = find(inner)
        return inner if name is None else _column(name, refusals.start(inner))

    return node.transform(turn)


def _column(name: str, start: int) -> exp.Column:
    identifier = exp.to_identifier(name, quoted=True)
    identifier.meta["start"] = start
    return exp.Column(this=identifier)
