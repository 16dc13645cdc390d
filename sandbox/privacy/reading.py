"""Reads a question against its grant: rows of units, what is measured over them, and what is made of the noise."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlglot import exp

from sandbox.privacy import faults, relation_faults
from sandbox.privacy.desk import MOST_SOURCES, Desk, Named, Names
from sandbox.privacy.draft import Draft, Shown
from sandbox.privacy.joins import joined
from sandbox.privacy.keys import grouped
from sandbox.privacy.literal import only
from sandbox.privacy.noised import finished, named, noised
from sandbox.privacy.parse import hold_clauses, parsed
from sandbox.privacy.post_reading import Columns, post
from sandbox.privacy.question import Question, Unanswerable
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.rewrite import aggregates
from sandbox.privacy.row_source import is_by_unit, row_source, unit_source
from sandbox.privacy.scope import Scope, Source
from sandbox.privacy.sources import asset_source, is_name

_NONE: Names = MappingProxyType({})


def read(question: Question) -> Draft | Unanswerable:
    """Read the SQL of a question; every fault that can be told at once is told."""
    refusals = Refusals(question.sql)
    tree = parsed(refusals)
    if tree is None:
        return Unanswerable(refusals.reasons())
    desk = Desk(question=question, refusals=refusals, tokens=tree.tokens, hints=tree.hints)
    found = _select(tree.select, _NONE, desk, top=True)
    if not isinstance(found, Draft) and not refusals.found:
        refusals.at(0, faults.EMPTY)
    if not isinstance(found, Draft) or refusals.found:
        return Unanswerable(refusals.reasons())
    protects = tuple(asset for asset in desk.reads if desk.public(asset) is None)
    return replace(found, reads=tuple(desk.reads), protects=protects)


def _select(
    select: exp.Select, names: Names, desk: Desk, *, top: bool = False
) -> Source | Draft | None:
    """Read one SELECT: over rows it gives rows, or a noised answer; over an answer it gives another."""
    hold_clauses(select, desk.tokens, desk.refusals)
    known = _with(select, names, desk)
    source = select.args.get("from_")
    first = _from(source.this if source is not None else None, known, desk)
    if isinstance(first, Draft):
        return _over(select, first, desk)
    scope = _scope(select, first, known, desk) if first else None
    if scope is None:
        return None
    if is_by_unit(select, scope):
        return unit_source(select, scope, desk)
    counts = any(next(aggregates(item), None) is not None for item in select.expressions)
    if top or counts or grouped(select) != () or select.args.get("having"):
        return noised(select, scope, desk)
    return row_source(select, scope, desk)


def _with(select: exp.Select, names: Names, desk: Desk) -> Names:
    """Return the names that a SELECT may use: those around it, and its own WITH."""
    clause = select.args.get("with_")
    if clause is None:
        return names
    known: Mapping[str, Named] = dict(names)
    own: set[str] = set()
    for cte in clause.expressions:
        name = cte.alias.casefold()
        plain = isinstance(cte.this, exp.Select) and not cte.args["alias"].columns
        if clause.args.get("recursive") or not plain or name in own:
            desk.refusals.at(cte, relation_faults.WITH)
            continue
        own.add(name)
        known = {**known, name: Named(cte.this, known)}
    return known


def _from(node: exp.Expr | None, names: Names, desk: Desk) -> Source | Draft | None:
    """Read what stands after FROM or JOIN: a name, or a SELECT in parentheses."""
    if next(desk.numbers) >= MOST_SOURCES:
        desk.refusals.at(node if node is not None else 0, faults.TOO_LONG)
        return None
    if isinstance(node, exp.Subquery) and _is_plain(node):
        return _called(_select(node.this, names, desk), node.alias)
    if node is None or not is_name(node):
        desk.refusals.at(node if node is not None else 0, relation_faults.SOURCE)
        return None
    assert isinstance(node, exp.Table)
    cte = names.get(node.name.casefold())
    if cte is not None:
        return _called(_select(cte.select, cte.before, desk), node.alias or node.name)
    return asset_source(node, desk)


def _is_plain(node: exp.Subquery) -> bool:
    """Say whether a subquery is a SELECT, with no more than a name."""
    alias = node.args.get("alias")
    listed = alias is not None and alias.columns
    return isinstance(node.this, exp.Select) and only(node, "this", "alias") and not listed


def _called(found: Source | Draft | None, name: str) -> Source | Draft | None:
    """Return a relation under the name that stands before its columns' dots."""
    names = frozenset({name.casefold()} - {""})
    if isinstance(found, Draft):
        return replace(found, qualifiers=names)
    return replace(found, names=names) if found else None


def _scope(select: exp.Select, first: Source, names: Names, desk: Desk) -> Scope | None:
    """Return the rows of FROM and its joins."""
    if first.unit is None:
        desk.refusals.at(select.args["from_"].this, relation_faults.PUBLIC)
        return None
    scope = Scope(sql=first.sql, sources=(first,), unit=first.unit, refusals=desk.refusals)
    for join in select.args.get("joins") or ():
        other = _from(join.this, names, desk)
        if isinstance(other, Draft):
            desk.refusals.at(join, relation_faults.JOIN_NOISED)
        if not isinstance(other, Source):
            return None
        wider = joined(scope, join, other, desk)
        if wider is None:
            return None
        scope = wider
    return scope


def _over(select: exp.Select, first: Draft, desk: Desk) -> Draft | None:
    """Read a SELECT over a noised answer: one more stage, which costs nothing."""
    for clause in ("joins", "group", "having"):
        if select.args.get(clause):
            at = select.args[clause]
            desk.refusals.at(at[0] if isinstance(at, list) else at, relation_faults.OVER_NOISED)
    for item in select.expressions:
        for node in aggregates(item):
            desk.refusals.at(node, relation_faults.OVER_NOISED)
    last = first.stages[-1]
    columns = Columns(
        names=tuple(column.name for column in last.columns),
        kinds=tuple(column.post.kind for column in last.columns),
        qualifiers=first.qualifiers,
        refusals=desk.refusals,
    )
    if desk.refusals.found:
        return None
    shown = _columns(select, columns, last.columns)
    if shown is None or not named(select, shown, columns):
        return None
    where = select.args.get("where")
    stage = finished(
        select, shown, columns, where=where.this if where else None, find=lambda _: None
    )
    return replace(first, stages=(*first.stages, stage)) if stage else None


def _columns(
    select: exp.Select, columns: Columns, before: tuple[Shown, ...]
) -> tuple[Shown, ...] | None:
    shown: list[Shown] = []
    for item in select.expressions:
        inner = item.this if isinstance(item, exp.Alias) else item
        if isinstance(inner, exp.Star) and only(inner) and len(select.expressions) == 1:
            return tuple(_passed(i, column) for i, column in enumerate(before))
        made = post(inner, columns)
        if made is None:
            return None
        if made.op == "column":
            passed = _passed(made.column, before[made.column])
            shown.append(replace(passed, name=item.alias_or_name))
        else:
            shown.append(Shown(name=item.alias_or_name, post=made))
    return tuple(shown)


def _passed(place: int, column: Shown) -> Shown:
    return replace(column, post=replace(column.post, op="column", args=(), column=place))
