"""Reads one name after FROM: a granted asset, or a public table, as the gate's view of it."""

from sqlglot import exp

from sandbox.asset import Asset, Column, Kind, Role
from sandbox.order import ViewTerms
from sandbox.privacy import relation_faults
from sandbox.privacy.declared import interval_of
from sandbox.privacy.desk import Desk
from sandbox.privacy.interval import Interval
from sandbox.privacy.literal import only
from sandbox.privacy.scope import Field, Source, Unit
from sandbox.privacy.value import Value, quoted


def asset_source(table: exp.Table, desk: Desk) -> Source | None:
    """Return the granted asset that a node names, or refuse it."""
    found = desk.granted(table.name)
    if found is None:
        granted = (terms.asset for terms in desk.question.views)
        desk.refusals.at(table, relation_faults.unknown_asset(granted))
        return None
    asset, view = found
    desk.reads[asset.id] = None
    alias = f"t{next(desk.numbers)}"
    names = {table.alias} if table.alias else {table.name, asset.id}
    public = desk.public(asset.id)
    return Source(
        sql=f"{_one_row_each(asset, public.key) if public else quoted(asset.id)} AS {alias}",
        names=frozenset(name.casefold() for name in names),
        fields=tuple(_fields(asset, view, alias, protects=public is None)),
        unit=None if public else _unit(asset, view, alias),
        unique=public.key if public else "",
    )


def is_name(table: exp.Expr | None) -> bool:
    """Say whether a node after FROM is one plain name, with or without an alias."""
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return False
    alias = table.args.get("alias")
    return only(table, "this", "alias") and not (alias is not None and alias.columns)


def _one_row_each(asset: Asset, key: str) -> str:
    """Return a public table in which no key stands twice, so that a join with it multiplies no row."""
    name = quoted(key)
    return f"(SELECT DISTINCT ON ({name}) * FROM {quoted(asset.id)} ORDER BY ALL)"  # noqa: S608 - quoted


def _fields(asset: Asset, view: ViewTerms, alias: str, *, protects: bool) -> list[Field]:
    columns = (asset.column(name) for name in view.columns)
    return [
        Field(
            name=column.name,
            value=_value(column, alias),
            identifies=protects and _identifies(column, asset, view),
        )
        for column in columns
        if column is not None
    ]


def _value(column: Column, alias: str) -> Value:
    return Value(
        sql=f"{alias}.{quoted(column.name)}",
        kind=column.kind,
        interval=_interval(column),
        domain=column.domain if column.role is Role.DIMENSION else (),
        column=column,
    )


def _interval(column: Column) -> Interval | None:
    """Return the bounds that a number can be computed with: declared for measures, of the categories for others."""
    if column.kind not in (Kind.INT, Kind.FLOAT):
        return None
    if column.role is Role.DIMENSION and column.kind is Kind.INT and column.domain:
        codes = [int(code) for code in column.domain]
        return Interval(lower=float(min(codes)), upper=float(max(codes)))
    return interval_of(column)


def _identifies(column: Column, asset: Asset, view: ViewTerms) -> bool:
    return (
        column.role in (Role.UNIT, Role.IDENTIFIER)
        or column.name == asset.unit_column
        or column.name in view.pseudonyms
    )


def _unit(asset: Asset, view: ViewTerms, alias: str) -> Unit:
    granted = asset.unit_column in view.columns and asset.unit_column in view.pseudonyms
    return Unit(
        asset=asset,
        id=f"{alias}._unit",
        rows=f"{alias}._unit_rows",
        key=f"{alias}.{quoted(asset.unit_column)}" if granted else None,
        names=frozenset({asset.unit_column}),
    )
