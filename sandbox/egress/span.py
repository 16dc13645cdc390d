"""What one release tells totals about: the cells of its table, without a number in it."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.asset import AssetId, Digest

Cells = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the cells are totals of."""

    measures: tuple[str, ...] = ()
    """The columns that are added up, by name; none where rows or units are counted."""
    known: tuple[str, ...] = ()
    """The columns that a row must have a value in, to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """All totals that one released table tells."""

    asset: AssetId
    snapshot: Digest
    condition: str
    """The view's row condition as granted; empty for all rows."""
    dimensions: tuple[str, ...]
    """As `sandbox.egress.declared` writes them."""
    quantities: tuple[Quantity, ...]
    cells: Cells
    """For each row that left its categories, "" for a total."""
    is_coarse: bool = False
    """Whether the snapshot does not know its cells: the view was generalised, or has consenting units alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A span that has left, or may leave already."""

    id: str
    """The record's own."""
    release: str
    """How developers know it."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All that a new release must be held against."""

    data: Path
    """Where the snapshots lie."""
    before: tuple[Earlier, ...] = ()
