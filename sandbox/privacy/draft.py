"""The words of a question that keeps to the grammar: what is measured over which rows, and what is made of it."""

from dataclasses import dataclass, field

from sandbox.asset import AssetId, Kind
from sandbox.privacy.hints import Hints
from sandbox.privacy.keys import Key
from sandbox.privacy.measures import Measure
from sandbox.privacy.post import Post
from sandbox.privacy.scope import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One key by which rows are sorted."""

    by: Post
    descending: bool
    ranks: tuple[str, ...] = ()
    """Categories in catalogue order, where the key is a public dimension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One column that a stage gives on."""

    name: str
    post: Post
    ranks: tuple[str, ...] = ()
    base: int | None = None
    """The key or measure that it is, untouched; keys come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One SELECT over noised values: filtered, computed, sorted and cut off."""

    columns: tuple[Shown, ...]
    where: Post | None = None
    order: tuple[Sort, ...] = ()
    """Over the columns before and, after them, the computed ones."""
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the measures are over."""

    sql: str
    """Trusted SQL after FROM."""
    where: str
    """Trusted SQL; empty for all rows."""
    unit: Unit
    joined: bool
    """More than one relation is read, so that reading twice costs more than keeping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A question that keeps to the grammar and to its grant, before it is priced."""

    rows: Rows
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    stages: tuple[Stage, ...]
    qualifiers: frozenset[str]
    """Case-folded names that may stand before the dot of an answered column."""
    reads: tuple[AssetId, ...] = ()
    protects: tuple[AssetId, ...] = ()
    """Those of them whose units the answer says something of: the budgets of all of these are charged."""
    hints: Hints = field(default_factory=Hints)

    @property
    def private(self) -> bool:
        """Say whether noise must choose the keys."""
        return any(key.private for key in self.keys)


def kind_of(measure: Measure) -> Kind:
    """Return the kind of an aggregate's noisy value."""
    return Kind.FLOAT if measure.value is not None else Kind.INT
