"""A register of people in a domain of its own, and what is released of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.view import compile_view
from sandbox.egress.inspection import Inspection
from sandbox.egress.span import Earlier, Ledger, Span
from sandbox.egress.spans.ledger import Judged, held_against
from sandbox.egress.spans.told import span_of
from sandbox.egress.terms import GateView
from sandbox.egress.treatments.recomputed import Treated, treat
from sandbox.order import EgressPolicy, OutputColumn, OutputTerms, ReleaseClass, ViewTerms
from tests.sandbox.data.tables import CANARY, declared
from tests.sandbox.egress.disclosure.examples import PERSONS
from tests.sandbox.egress.examples import InProcessReader, output

FEWEST = 10
_COLUMNS = {
    "person": 'role = "unit"\ngrade = "L3"\nkind = "string"',
    "note": 'role = "identifier"\ngrade = "L3"\nkind = "string"',
    "district": 'role = "dimension"\ngrade = "L1"\nkind = "string"\ndomain = ["A", "B", "C", "D"]',
    "sex": 'role = "dimension"\ngrade = "L1"\nkind = "string"\ndomain = ["f", "m"]',
    "age": 'role = "attribute"\ngrade = "L2"\nkind = "int"',
    "income": 'role = "measure"\ngrade = "L2"\nkind = "float"\nlower = 0\nupper = 100000',
}


def people(size: int, *, seed: int = 1) -> pd.DataFrame:
    """One row a person; each text that names one is a canary."""
    dice = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "person": [f"{CANARY}-p{at}" for at in range(size)],
            "note": [f"{CANARY}-n{at}" for at in range(size)],
            "district": dice.choice(list("ABCD"), size),
            "sex": dice.choice(list("fm"), size),
            "age": np.arange(size) % 80,
            "income": dice.gamma(4.0, 2000.0, size).round(2),
        }
    )


@dataclass(frozen=True, slots=True)
class Domain:
    """Where registers are kept, and tables of them made as the gate makes them."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def keep(self, frame: pd.DataFrame) -> Asset:
        path = self.folder / "register.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        return ingest(path, parse_meta(declared(_COLUMNS)), data=self.data)

    def inspection(self, asset: Asset, terms: OutputTerms, condition: str = "") -> Inspection:
        columns = ("district", "sex", "income")
        view = ViewTerms(
            asset=asset.id, snapshot=asset.snapshot, columns=columns, predicate=condition
        )
        key, views = bytes(32), self.folder / "views"
        made = compile_view(view, scope="SC-1", key=key, data=self.data, views=views)
        return Inspection(
            outputs=(terms,),
            policy=EgressPolicy(min_units=FEWEST, dominance_percent=85),
            views=(GateView(asset=asset, terms=view, gate=made.gate),),
            read=InProcessReader(),
        )

    def span(self, asset: Asset, *columns: OutputColumn, condition: str = "") -> Span:
        """Return what the gate's table of these columns tells."""
        terms = output(ReleaseClass.SDC, columns)
        inspection = self.inspection(asset, terms, condition)
        treated = treat(terms, inspection)
        assert isinstance(treated, Treated)
        return span_of(terms, treated.table, inspection.views[0])

    def judged(
        self, new: Span, *before: Span, fewest: int = FEWEST, rank_percent: int = 5
    ) -> Judged:
        known = tuple(
            Earlier(id=f"J-{at}", release=f"R-{at}", span=span) for at, span in enumerate(before)
        )
        limits = replace(PERSONS, min_units=fewest, rank_percent=rank_percent)
        return held_against(new, Ledger(data=self.data, before=known), limits=limits)


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    return Domain(tmp_path)


@pytest.fixture
def without() -> Callable[[Span, tuple[str, ...]], Span]:
    """Return a span that lacks one cell."""
    return lambda span, cell: replace(span, cells=tuple(c for c in span.cells if c != cell))
