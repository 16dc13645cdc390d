"""What one question may name: the asset, its granted columns, and the names it may be called by."""

from dataclasses import dataclass

from sqlglot import exp

from sandbox.asset import Asset, Column, Role
from sandbox.order import ViewTerms
from sandbox.privacy.faults import IDENTITY, unknown_column
from sandbox.privacy.refusal import Refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The asset of one question as its grant lets it be seen."""

    asset: Asset
    view: ViewTerms
    names: frozenset[str]
    """Case-folded names that may stand before a column's dot."""
    refusals: Refusals

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the granted columns, in the view's order."""
        columns = (self.asset.column(name) for name in self.view.columns)
        return tuple(column for column in columns if column is not None)

    @property
    def open(self) -> tuple[Column, ...]:
        """Return the granted columns that do not identify: those that a question may read."""
        return tuple(column for column in self.columns if not self._identifies(column))

    def readable(self, node: exp.Column) -> Column | None:
        """Return the granted, not identifying column that a node names; refuse any other."""
        column = self._find(node, among=self.columns)
        if column is None:
            names = (column.name for column in self.open)
            self.refusals.at(node, unknown_column(names))
            return None
        if self._identifies(column):
            self.refusals.at(node, IDENTITY)
            return None
        return column

    def is_unit(self, node: exp.Expr) -> bool:
        """Say whether a node names the key of the protected unit.

        Counting units needs no grant of the key: the gate's own dense ids are counted, under noise.
        """
        unit = self.asset.column(self.asset.unit_column)
        return (
            unit is not None
            and isinstance(node, exp.Column)
            and self._find(node, among=(unit,)) is not None
        )

    def _find(self, node: exp.Column, *, among: tuple[Column, ...]) -> Column | None:
        """Return the column of this name: exactly, or else alone in another case."""
        if node.args.get("db") or (node.table and node.table.casefold() not in self.names):
            return None
        same = [column for column in among if column.name == node.name]
        alike = [column for column in among if column.name.casefold() == node.name.casefold()]
        return same[0] if same else alike[0] if len(alike) == 1 else None

    def _identifies(self, column: Column) -> bool:
        return (
            column.role in (Role.UNIT, Role.IDENTIFIER)
            or column.name == self.asset.unit_column
            or column.name in self.view.pseudonyms
        )
