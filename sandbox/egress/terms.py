"""What one inspection knows beforehand: what was declared, what was read, and how to read a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sandbox.asset import Asset, AssetId, Column
from sandbox.data.sealed import Store
from sandbox.egress.declared import categories, shown
from sandbox.egress.mapped import Here, Shadows
from sandbox.egress.reading import Question
from sandbox.egress.span import Ledger
from sandbox.egress.table import Table
from sandbox.order import Artifact, EgressPolicy, OutputColumn, OutputName, OutputTerms, ViewTerms

Read = Callable[[Artifact, Question], bytes]
"""Reads an untrusted artifact outside this process: see `sandbox.egress.reading`."""


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
    store: Store | None = None
    """The sealed cells of the view's snapshot; where there is none, they are taken from the gate's file each time."""

    def column(self, name: str) -> Column | None:
        """Return the granted column of this name as the view has it, or nothing where it was not granted."""
        found = self.asset.column(name) if name in self.terms.columns else None
        return None if found is None else self.terms.shown(found)

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
    read: Read
    maker: Maker = Maker.CONTAINER
    """A `dp` output is believed only of the planner."""
    ledger: Ledger | None = None
    """What left before; nothing where what would leave now was held against it already."""
    asked: tuple[str, ...] = ()
    """The marks of the units that the job asked about by name, in its order: an enumeration guard let them pass."""
    tables: Mapping[OutputName, Table] = field(default_factory=dict)
    """The job's tables as they would leave: what its charts and reports are drawn from."""
    shadows: Shadows = field(default_factory=Here)
    """Where the membership test fits its models."""

    @property
    def protected(self) -> tuple[GateView, ...]:
        """Return the views that somebody's data is in: public lists have nothing to hide."""
        return tuple(view for view in self.views if not view.asset.is_public)

    def view_of(self, terms: OutputTerms) -> GateView | None:
        """Return the view that an output is about; with one view only, it need not be named."""
        if terms.asset is None:
            return self.views[0] if len(self.views) == 1 else None
        return next((view for view in self.views if view.asset.id == terms.asset), None)

    def view_of_model(self, asset: AssetId | None) -> GateView | None:
        """Return the view that a model was fitted on; with one view only, it need not be named."""
        if asset is None:
            return self.views[0] if len(self.views) == 1 else None
        return next((view for view in self.views if view.asset.id == asset), None)

    def source(self, terms: OutputTerms, declared: OutputColumn) -> Column | None:
        """Return the granted column that a declared output column is taken from."""
        view = self.view_of(terms)
        form = categories(declared)
        views = self.views if view is None else (view,)
        columns = (each.column(form.column) for each in views)
        return next((shown(c, form) for c in columns if c is not None), None)
