"""What a row condition may be made of: every fault of a parsed one, node by node."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Asset, Column, Kind, Role
from sandbox.reason import Said

_PARTS: Mapping[type[exp.Expr], frozenset[str]] = MappingProxyType(
    {
        exp.And: frozenset({"this", "expression"}),
        exp.Or: frozenset({"this", "expression"}),
        exp.Not: frozenset({"this"}),
        exp.Paren: frozenset({"this"}),
        exp.EQ: frozenset({"this", "expression"}),
        exp.NEQ: frozenset({"this", "expression"}),
        exp.LT: frozenset({"this", "expression"}),
        exp.LTE: frozenset({"this", "expression"}),
        exp.GT: frozenset({"this", "expression"}),
        exp.GTE: frozenset({"this", "expression"}),
        exp.Is: frozenset({"this", "expression"}),
        exp.In: frozenset({"this", "expressions"}),
        exp.Between: frozenset({"this", "low", "high"}),
        exp.Column: frozenset({"this"}),
        exp.Literal: frozenset({"this", "is_string"}),
        exp.Neg: frozenset({"this"}),
        exp.Boolean: frozenset({"this"}),
        exp.Cast: frozenset({"this", "to"}),
    }
)
"""Every node that a condition may be made of, and the parts that it may have: nothing else."""

_CONNECTIVES: frozenset[type[exp.Expr]] = frozenset({exp.And, exp.Or, exp.Not, exp.Paren})
_COMPARISONS: frozenset[type[exp.Expr]] = frozenset(
    {exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between}
)
_IDENTIFYING = frozenset({Role.UNIT, Role.IDENTIFIER})
_FAMILY: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INT: "number",
        Kind.FLOAT: "number",
        Kind.STRING: "text",
        Kind.BOOL: "flag",
        Kind.DATE: "time",
        Kind.TIMESTAMP: "time",
    }
)
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_DAY = "%Y-%m-%d"
_TIMES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {Kind.DATE: (_DAY,), Kind.TIMESTAMP: (_DAY, f"{_DAY} %H:%M:%S")}
)

FORM_FIX = Said(
    zh="只用列、字面值、= <> < <= > >=、AND、OR、NOT、IN (…)、BETWEEN、IS [NOT] NULL 写条件。",
    en="Write it with columns, literals, = <> < <= > >=, AND, OR, NOT, IN (…), BETWEEN and"
    " IS [NOT] NULL only.",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one node of a condition."""

    node: exp.Expr
    rule: str
    why: Said
    fix: Said


def condition_faults(node: exp.Expr, asset: Asset) -> Iterator[Fault]:
    """Judge a node that stands where a truth value is asked for."""
    kind = type(node)
    if not _is_plain(node):
        yield _not_allowed(node)
    elif kind in _CONNECTIVES:
        for part in node.iter_expressions():
            yield from condition_faults(part, asset)
    elif kind in _COMPARISONS:
        yield from _comparison(list(node.iter_expressions()), asset)
    elif kind is exp.Is:
        yield from _is(node, asset)
    elif kind is exp.Column:
        yield from _comparison([node, exp.true()], asset)
    else:
        yield _not_allowed(node)


def _is(node: exp.Expr, asset: Asset) -> Iterator[Fault]:
    if isinstance(node.expression, exp.Null):
        yield from _faults([_kind(node.this, asset)])
    else:
        yield from _comparison([node.this, node.expression], asset)


def _comparison(operands: Sequence[exp.Expr], asset: Asset) -> Iterator[Fault]:
    """Judge operands that are compared: a column among them, and all of one family of kinds."""
    kinds = [_kind(operand, asset) for operand in operands]
    wrong = list(_faults(kinds))
    columns = [
        kind
        for operand, kind in zip(operands, kinds, strict=True)
        if type(operand) is exp.Column and isinstance(kind, Kind)
    ]
    yield from wrong
    if wrong:
        return
    if not columns:
        yield _not_allowed(operands[0])
        return
    for operand, kind in zip(operands, kinds, strict=True):
        if isinstance(kind, Kind) and not _compares(operand, kind, columns[0]):
            yield _mismatch(operand, columns[0])


def _faults(kinds: Sequence[Kind | Fault]) -> Iterator[Fault]:
    return (kind for kind in kinds if isinstance(kind, Fault))


def _compares(operand: exp.Expr, kind: Kind, column: Kind) -> bool:
    if type(operand) is exp.Literal and operand.is_string and column in _TIMES:
        return _is_time(operand, column)
    return _FAMILY[kind] == _FAMILY[column]


def _kind(node: exp.Expr, asset: Asset) -> Kind | Fault:
    """Return the kind of a column or literal."""
    bare = node.this if type(node) is exp.Neg else node
    if not (_is_plain(node) and _is_plain(bare)):
        return _not_allowed(node)
    if type(bare) is exp.Literal and not bare.is_string:
        return Kind.FLOAT if _NUMBER.fullmatch(bare.this) else _not_allowed(node)
    if bare is not node:
        return _not_allowed(node)
    if type(node) is exp.Column:
        return _column(node, asset)
    if type(node) is exp.Cast:
        return _cast(node)
    return _LITERALS.get(type(node)) or _not_allowed(node)


_LITERALS: Mapping[type[exp.Expr], Kind] = MappingProxyType(
    {exp.Literal: Kind.STRING, exp.Boolean: Kind.BOOL}
)


def _cast(node: exp.Expr) -> Kind | Fault:
    """Allow `DATE '…'` and `TIMESTAMP '…'`."""
    kind = {"DATE": Kind.DATE, "TIMESTAMP": Kind.TIMESTAMP}.get(node.args["to"].sql("duckdb"))
    if kind is None or type(node.this) is not exp.Literal or not _is_time(node.this, kind):
        return _not_allowed(node)
    return kind


def _is_time(literal: exp.Expr, kind: Kind) -> bool:
    for form in _TIMES[kind]:
        try:
            time = datetime.strptime(literal.this, form)  # noqa: DTZ007 - only asked whether it is one
        except ValueError:
            continue
        return time.strftime(form) == str(literal.this)
    return False


def _column(node: exp.Expr, asset: Asset) -> Kind | Fault:
    column = found_column(node, asset)
    if column is None:
        known = ", ".join(one.name for one in asset.columns[:12])
        return Fault(
            node,
            "predicate.column",
            Said(zh=f"资产没有 {node.name} 这一列。", en=f"The asset has no column {node.name}."),
            Said(
                zh=f"改用资产的列，例如：{known}。",
                en=f"Use a column of the asset, such as: {known}.",
            ),
        )
    if column.role in _IDENTIFYING:
        return Fault(
            node,
            "predicate.identifier",
            Said(
                zh=f"{column.name} 列直接标识个人或企业，不能用来挑选行。",
                en=f"Column {column.name} identifies a person or an enterprise: it cannot choose rows.",
            ),
            Said(zh="改用不标识对象的列。", en="Use a column that does not identify anybody."),
        )
    return column.kind


def _is_plain(node: exp.Expr) -> bool:
    parts = {part for part, value in node.args.items() if value not in (None, [], False)}
    return parts <= _PARTS.get(type(node), frozenset())


def found_column(node: exp.Expr, asset: Asset) -> Column | None:
    """Return the asset's column that is meant; upper and lower case are one, as in SQL."""
    wanted = node.name.casefold()
    return next((one for one in asset.columns if one.name.casefold() == wanted), None)


def _not_allowed(node: exp.Expr) -> Fault:
    return Fault(
        node,
        "predicate.form",
        Said(zh="这里的写法不允许出现在条件中。", en="What stands here may not be in a condition."),
        FORM_FIX,
    )


def _mismatch(node: exp.Expr, column: Kind) -> Fault:
    return Fault(
        node,
        "predicate.type",
        Said(
            zh=f"这里的值不能与 {column} 类型的列比较。",
            en=f"What stands here cannot be compared with a column of kind {column}.",
        ),
        Said(
            zh="数字不加引号，文本加单引号，日期写成 'YYYY-MM-DD'，布尔值写成 TRUE 或 FALSE。",
            en="Write numbers bare, text in single quotes, dates as 'YYYY-MM-DD', and TRUE or FALSE.",
        ),
    )
