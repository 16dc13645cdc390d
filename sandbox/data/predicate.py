"""The row condition of a view: one boolean expression over the asset's columns, of a closed form.

Whatever is let through is total: it cannot fail on any row, and it asks nothing but the row.
"""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from sandbox.asset import Asset
from sandbox.data.condition import FORM_FIX, Fault, condition_faults, found_column
from sandbox.errors import ViewError
from sandbox.reason import Reason, Said

MAX_LENGTH = 4_096
"""Characters."""


def check_predicate(sql: str, asset: Asset) -> tuple[Reason, ...]:
    """Return every reason why `sql` may not choose the rows of a view; none where it may."""
    judged = _judged(sql, asset)
    return judged if isinstance(judged, tuple) else ()


def bound_predicate(sql: str, asset: Asset) -> str:
    """Return an allowed condition in one canonical form, its columns quoted as the asset has them.

    Raises `ViewError` naming rule and place where it is not allowed.
    """
    judged = _judged(sql, asset)
    if isinstance(judged, tuple):
        rules = "; ".join(f"{reason.rule} at {reason.place}" for reason in judged)
        raise ViewError(f"The row condition is refused: {rules}")
    return judged


def _judged(sql: str, asset: Asset) -> str | tuple[Reason, ...]:
    if len(sql) > MAX_LENGTH:
        return (_too_long(),)
    try:
        tree = _parsed(sql)
        if isinstance(tree, Reason):
            return (tree,)
        reasons = tuple(_reason(fault, sql) for fault in condition_faults(tree, asset))
        return reasons or _canonical(tree, asset)
    except RecursionError:
        return (_too_long(),)


def _parsed(sql: str) -> exp.Expr | Reason:
    place = "line 1, column 1"
    try:
        trees = sqlglot.parse(sql, read="duckdb")
        if len(trees) == 1 and trees[0] is not None:
            return trees[0]
    except ParseError as error:
        first = error.errors[0]
        place = f"line {first['line']}, column {first['col']}"
    except SqlglotError:
        pass
    return Reason(
        rule="predicate.syntax",
        why=Said(
            zh="这不是一个完整的 SQL 布尔表达式。",
            en="This is not one complete SQL boolean expression.",
        ),
        fix=FORM_FIX,
        place=place,
    )


def _too_long() -> Reason:
    return Reason(
        rule="predicate.length",
        why=Said(zh="条件过长或嵌套过深。", en="The condition is too long or nested too deep."),
        fix=Said(
            zh=f"把它缩短到 {MAX_LENGTH} 个字符以内，多个取值用 IN 表示。",
            en=f"Shorten it to at most {MAX_LENGTH} characters; use IN for many values.",
        ),
        place="line 1, column 1",
    )


def _canonical(tree: exp.Expr, asset: Asset) -> str:
    bound = tree.copy()
    for node in list(bound.find_all(exp.Column)):
        column = found_column(node, asset)
        if column is not None:
            node.this.replace(exp.to_identifier(column.name, quoted=True))
    return bound.sql(dialect="duckdb", comments=False)


def _reason(fault: Fault, sql: str) -> Reason:
    return Reason(rule=fault.rule, why=fault.why, fix=fault.fix, place=_place(fault.node, sql))


def _place(node: exp.Expr, sql: str) -> str:
    """Tell where a node begins."""
    before = sql[: _start(node, sql)]
    column = len(before) - (before.rfind("\n") + 1) + 1
    return f"line {before.count(chr(10)) + 1}, column {column}"


def _start(node: exp.Expr, sql: str) -> int:
    """Return the offset of a node; of one whose words were not kept, where its parent begins."""
    if node.parent is None:
        return len(sql) - len(sql.lstrip())
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(starts) if starts else _start(node.parent, sql)
