"""Reads what an answer is grouped by: public dimensions, bins of a number, and keys that noise must choose."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from sqlglot import exp

from sandbox.asset import Kind, Role
from sandbox.privacy import faults, row_faults
from sandbox.privacy.bounding import clamped
from sandbox.privacy.desk import Desk
from sandbox.privacy.expression import expression
from sandbox.privacy.interval import Interval
from sandbox.privacy.literal import fraction, only, whole_number
from sandbox.privacy.scope import Scope
from sandbox.privacy.value import Value, real

LONGEST_KEY = 64
"""Characters of a private key; rows with a longer one are in no cell."""
MOST_BINS = 100
_ARGUMENTS = 2
_PRIVATE = frozenset({Kind.STRING, Kind.INT, Kind.BOOL, Kind.DATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One expression of GROUP BY."""

    node: exp.Expr
    """As it stands in the text, to be found again in SELECT."""
    value: Value
    categories: tuple[str, ...]
    """Every public category; empty for a private key, which is answered where noise lets it be seen."""

    @property
    def private(self) -> bool:
        """Say whether its categories are facts about the data."""
        return not self.categories

    @property
    def name(self) -> str:
        """Return the column that it is, if it is one."""
        return self.value.column.name if self.value.column else ""

    @property
    def sql(self) -> str:
        """Return the category of a row as text; NULL where it is in no cell."""
        text = self.value.category
        return (
            f"(CASE WHEN length({text}) <= {LONGEST_KEY} THEN {text} END)" if self.private else text
        )


def grouped(select: exp.Select) -> tuple[exp.Expr, ...] | None:
    """Return the nodes of GROUP BY, none without one; nothing where it is of another form."""
    group = select.args.get("group")
    if group is None:
        return ()
    nodes = tuple(group.expressions)
    return nodes if nodes and only(group, "expressions") else None


def meant(node: exp.Expr, select: exp.Select, scope: Scope) -> exp.Expr:
    """Return what a node of GROUP BY stands for: an item's alias, where no column has its name."""
    inner = node.unnest()
    if isinstance(inner, exp.Column) and not inner.table and scope.found(inner) is None:
        for item in select.expressions:
            if isinstance(item, exp.Alias) and item.alias.casefold() == inner.name.casefold():
                meaning: exp.Expr = item.this
                return meaning
    return inner


def keys(nodes: tuple[exp.Expr, ...], select: exp.Select, scope: Scope, desk: Desk) -> list[Key]:
    """Read every node of GROUP BY, in the order of SELECT, or note why it cannot be grouped by."""
    pairs = [(node, meant(node, select, scope)) for node in nodes]
    pairs.sort(key=lambda pair: _place(pair[1], select, scope))
    return [key for node, inner in pairs for key in _key(node, inner, scope, desk)]


def _place(node: exp.Expr, select: exp.Select, scope: Scope) -> int:
    """Return where SELECT shows what is grouped by; the end where it does not."""
    field = scope.found(node) if isinstance(node, exp.Column) else None
    for place, item in enumerate(select.expressions):
        inner = item.unalias()
        same = field is not None and isinstance(inner, exp.Column) and scope.found(inner) is field
        if same or inner == node:
            return place
    return len(select.expressions)


def _key(node: exp.Expr, inner: exp.Expr, scope: Scope, desk: Desk) -> Iterator[Key]:
    if isinstance(inner, exp.Literal | exp.Rollup | exp.Cube | exp.GroupingSets):
        scope.refusals.at(node, faults.GROUP)
        return
    value = _histogram(inner, scope) if _is_histogram(inner) else expression(inner, scope)
    if value is None:
        return
    if value.column is not None and value.column.role is Role.DIMENSION and value.domain:
        yield Key(node=inner, value=value, categories=value.categories)
        return
    categories = value.categories if value.column is None else ()
    if not categories and (value.kind not in _PRIVATE or not desk.question.delta):
        dimensions = (f.name for f in scope.open if f.value.domain)
        scope.refusals.at(node, row_faults.no_dimension(dimensions))
        return
    yield Key(node=inner, value=value, categories=categories)


def _is_histogram(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() == "histogram"


def _histogram(node: exp.Expr, scope: Scope) -> Value | None:
    """Read histogram(x, n), n equal bins of the public bounds, or histogram(x, [edges])."""
    if len(node.expressions) != _ARGUMENTS:
        scope.refusals.at(node, row_faults.HISTOGRAM)
        return None
    value = expression(node.expressions[0], scope)
    if value is None:
        return None
    count = whole_number(node.expressions[1], most=MOST_BINS)
    if count and value.measurable and value.interval is not None:
        equal = _equal(value.interval, count)
        return _bins(replace(value, sql=clamped(value.double, value.interval), real=True), equal)
    edges = _edges(node.expressions[1])
    if not value.is_number or not edges:
        scope.refusals.at(node, row_faults.HISTOGRAM)
        return None
    return _bins(value, edges)


def _equal(interval: Interval, count: int) -> list[Fraction]:
    lower, width = Fraction(interval.lower), interval.width / count
    return [lower + i * width for i in range(count + 1)]


def _edges(node: exp.Expr) -> list[Fraction] | None:
    """Return rising edges, 2 to 101 of them."""
    found = [fraction(one) for one in node.expressions] if isinstance(node, exp.Array) else []
    edges = [edge for edge in found if edge is not None]
    rising = all(low < high for low, high in pairwise(edges))
    whole = len(edges) == len(found) and 1 < len(edges) <= MOST_BINS + 1
    return edges if rising and whole else None


def _bins(value: Value, edges: list[Fraction]) -> Value:
    """Return the bin of a number as a category such as `[0, 10)`; the last bin has its upper edge too."""
    ends = [float(edge) for edge in edges]
    labels = [f"[{low:.12g}, {high:.12g})" for low, high in pairwise(ends)]
    labels[-1] = labels[-1][:-1] + "]"
    whens = " ".join(
        f"WHEN {value.double} < {real(high)} THEN '{label}'"
        for high, label in zip(ends[1:-1], labels[:-1], strict=True)
    )
    inside = f"{value.double} >= {real(ends[0])} AND {value.double} <= {real(ends[-1])}"
    sql = f"(CASE WHEN NOT ({inside}) OR {value.double} IS NULL THEN NULL {whens} ELSE '{labels[-1]}' END)"
    return Value(sql=sql, kind=Kind.STRING, domain=tuple(labels))
