"""Gate views of small tables of the tests' own, with canaries in a column that is never asked for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import EgressPolicy, OutputColumn, OutputTerms, ReleaseClass, ViewTerms
from sandbox.reason import Said
from tests.sandbox.egress.examples import CANARY, InProcessReader, output

Made = Callable[..., tuple[OutputTerms, Inspection]]


def _column(name: str, values: "pd.Series[str]") -> Column:
    is_number = values.dtype.kind in "if"
    return Column(
        name=name,
        kind=Kind.FLOAT if is_number else Kind.STRING,
        role=Role.MEASURE if is_number else Role.DIMENSION,
        grade=Grade.L1,
        title=Said(zh=name, en=name),
        domain=() if is_number else tuple(sorted(map(str, values.dropna().unique()))),
        lower="-1000000" if is_number else "",
        upper="1000000" if is_number else "",
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the terms and the inspection of one declared output over a frame, one unit a row unless told."""

    def make(
        frame: pd.DataFrame,
        columns: tuple[OutputColumn, ...],
        *,
        units: "np.ndarray[tuple[int], np.dtype[np.int64]] | None" = None,
        kind: UnitKind = UnitKind.NATURAL_PERSON,
    ) -> tuple[OutputTerms, Inspection]:
        gate = tmp_path_factory.mktemp("gate") / "A.parquet"
        keys = np.arange(len(frame)) if units is None else units
        _write(frame, keys, gate)
        asset = Asset(
            id=AssetId("A"),
            version=1,
            title=Said(zh="表", en="table"),
            provider="P-BANK",
            unit_kind=kind,
            unit_column="who",
            grade=Grade.L3,
            input_tier="base_product",
            authority_level="city",
            columns=tuple(_column(str(name), frame[name]) for name in frame.columns),
            snapshot=Digest("sha256:" + "0" * 64),
            rows=len(frame),
        )
        granted = tuple(map(str, frame.columns))
        view = ViewTerms(asset=asset.id, snapshot=asset.snapshot, columns=granted)
        terms = output(ReleaseClass.SDC, columns)
        return terms, Inspection(
            outputs=(terms,),
            policy=EgressPolicy(min_units=10, dominance_percent=85),
            views=(GateView(asset=asset, terms=view, gate=gate),),
            read=InProcessReader(),
        )

    return make


def _write(
    frame: pd.DataFrame, units: "np.ndarray[tuple[int], np.dtype[np.int64]]", gate: Path
) -> None:
    rows = np.bincount(units)[units]
    whole = frame.assign(note=CANARY, _unit=units, _unit_rows=rows)
    columns = {
        str(name): pa.array(values.tolist(), from_pandas=values.dtype.kind not in "if")
        for name, values in whole.items()
    }  # a text that is missing is NULL, a number that is NaN stays NaN
    pq.write_table(pa.table(columns), gate)
