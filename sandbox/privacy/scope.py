"""What the rows of one SELECT may name: the columns of its sources, and the protected unit that each row is of."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sandbox.asset import Asset
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import IDENTITY, unknown_column
from sandbox.privacy.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of a source."""

    name: str
    value: Value
    identifies: bool = False
    """It names the unit or a person: no condition, dimension or measure reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How trusted SQL knows the protected unit of each row."""

    asset: Asset
    """The asset whose unit it is."""
    id: str
    """The gate's dense number of the unit in the asset's view."""
    rows: str | None
    """At least the number of rows that the unit has here, from the row itself; nothing where it must be counted."""
    key: str | None = None
    """The unit's pseudonym, where it is granted: the same in all views of a scenario."""
    names: frozenset[str] = frozenset()
    """Columns by which a question may name the unit."""

    @property
    def once(self) -> bool:
        """Say whether each unit has one row at most."""
        return self.rows == "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One relation after FROM or JOIN."""

    sql: str
    """Trusted SQL with its alias."""
    names: frozenset[str]
    """Case-folded names that may stand before a column's dot."""
    fields: tuple[Field, ...]
    unit: Unit | None
    """Nothing for a public table."""
    unique: str = ""
    """The column of a public table in which no value stands twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The rows of one SELECT before its WHERE."""

    sql: str
    """Trusted SQL after FROM."""
    sources: tuple[Source, ...]
    unit: Unit
    refusals: Refusals

    @property
    def open(self) -> tuple[Field, ...]:
        """Return the columns that a question may read."""
        fields = (field for source in self.sources for field in source.fields)
        return tuple(field for field in fields if not field.identifies)

    def readable(self, node: exp.Column) -> Value | None:
        """Return the granted, not identifying column that a node names; refuse any other."""
        field = self.found(node)
        if field is None:
            names = (field.name for field in self.open)
            self.refusals.at(node, unknown_column(names))
            return None
        if field.identifies:
            self.refusals.at(node, IDENTITY)
            return None
        return field.value

    def found(self, node: exp.Column) -> Field | None:
        """Return the column of this name: exactly, or else alone in another case."""
        fields = [field for source in self._named(node) for field in source.fields]
        same = [field for field in fields if field.name == node.name]
        alike = [field for field in fields if field.name.casefold() == node.name.casefold()]
        return same[0] if len(same) == 1 else alike[0] if len(alike) == 1 else None

    def is_unit(self, node: exp.Expr) -> bool:
        """Say whether a node names the key of the protected unit.

        Counting units needs no grant of the key: the gate's own dense ids are counted, under noise.
        """
        return any(self.unit_source(node))

    def unit_source(self, node: exp.Expr) -> Iterator[Source]:
        """Return the sources whose unit a node names."""
        inner = node.unnest()
        if isinstance(inner, exp.Column):
            wanted = inner.name.casefold()
            for source in self._named(inner):
                if source.unit and wanted in {name.casefold() for name in source.unit.names}:
                    yield source

    def _named(self, node: exp.Column) -> Iterator[Source]:
        """Return the sources that the part before a column's dot allows."""
        if node.args.get("db"):
            return
        table = node.table.casefold()
        yield from (source for source in self.sources if not table or table in source.names)
