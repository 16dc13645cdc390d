"""What one inspection knows beforehand: what was declared, what was read, and how to read a table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sandbox.asset import Asset, Column, Kind
from sandbox.order import Artifact, EgressPolicy, OutputColumn, OutputTerms, ViewTerms

ReadTable = Callable[[Artifact], bytes]
"""Reads an untrusted Arrow or Parquet artifact outside this process; answers with a JSON table."""


class Maker(StrEnum):
    """Who wrote the artifacts."""

    PLANNER = "planner"
    """A mechanism of the domain's own: the query planner, the choice among blocks, the trainer, synthetic rows."""
    CONTAINER = "container"
    """Code that nobody vouches for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """A view that the job read, as the gate sees it."""

    asset: Asset
    terms: ViewTerms
    gate: Path
    """Parquet: the granted columns in the job's row order, `_unit` (int64) and `_unit_rows`."""

    def column(self, name: str) -> Column | None:
        """Return the granted column of this name as the view has it, or nothing where it was not granted."""
        found = self.asset.column(name) if name in self.terms.columns else None
        if found is None or name not in self.terms.pseudonyms:
            return found
        return replace(found, kind=Kind.STRING)  # a pseudonym is a text, whatever it stands for

    def columns(self) -> tuple[Column, ...]:
        """Return the granted columns, in the view's order."""
        found = (self.column(name) for name in self.terms.columns)
        return tuple(column for column in found if column is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything that artifacts are held against."""

    outputs: tuple[OutputTerms, ...]
    """The outputs that the job declared: each must come, and nothing else may."""
    policy: EgressPolicy
    views: tuple[GateView, ...]
    read: ReadTable
    maker: Maker = Maker.CONTAINER
    """A `dp` output is believed only of the planner."""

    def view_of(self, terms: OutputTerms) -> GateView | None:
        """Return the view that an output is about; with one view only, it need not be named."""
        if terms.asset is None:
            return self.views[0] if len(self.views) == 1 else None
        return next((view for view in self.views if view.asset.id == terms.asset), None)

    def source(self, terms: OutputTerms, declared: OutputColumn) -> Column | None:
        """Return the granted column that a declared output column is taken from."""
        view = self.view_of(terms)
        named = declared.source or declared.name
        views = self.views if view is None else (view,)
        return next((c for c in (each.column(named) for each in views) if c is not None), None)
