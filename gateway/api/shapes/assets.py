"""The catalogue on the wire: what is declared of each asset, never what was found in it."""

from typing import Self

from gateway.api.shapes import SaidOut, Shape
from sandbox.asset import Asset, Column, Grade, Kind, Role, UnitKind


class ColumnOut(Shape):
    """One column, as declared."""

    name: str
    kind: Kind
    role: Role
    grade: Grade
    title: SaidOut
    domain: tuple[str, ...]
    lower: str
    upper: str

    @classmethod
    def of(cls, column: Column) -> Self:
        """Show `column`."""
        return cls(
            name=column.name,
            kind=column.kind,
            role=column.role,
            grade=column.grade,
            title=SaidOut.of(column.title),
            domain=column.domain,
            lower=column.lower,
            upper=column.upper,
        )


class AssetOut(Shape):
    """One asset of the catalogue; its number of rows is data, and not told."""

    id: str
    version: int
    title: SaidOut
    provider: str
    unit_kind: UnitKind
    unit_column: str
    grade: Grade
    input_tier: str
    authority_level: str
    columns: tuple[ColumnOut, ...]

    @classmethod
    def of(cls, asset: Asset) -> Self:
        """Show `asset`."""
        return cls(
            id=asset.id,
            version=asset.version,
            title=SaidOut.of(asset.title),
            provider=asset.provider,
            unit_kind=asset.unit_kind,
            unit_column=asset.unit_column,
            grade=asset.grade,
            input_tier=asset.input_tier,
            authority_level=asset.authority_level,
            columns=tuple(ColumnOut.of(column) for column in asset.columns),
        )
