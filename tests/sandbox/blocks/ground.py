"""Small assets about the same people, questions over them, and a runner that needs no engine."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, ImageDigest
from sandbox.blocks.lane import Lane, Left, Run, Spread, run_lane
from sandbox.blocks.split import Ground
from sandbox.blocks.terms import BlocksTerms, Number
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.order import (
    Artifact,
    ContainerOrder,
    Ended,
    Limits,
    Outcome,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)

CANARY = "CANARY-7f3a"
KEY = bytes(range(32))
PICO = 10**12
Row = tuple[int, Mapping[str, object]]
"""A unit, and the values of the other columns."""
_KINDS = {"value": "float", "flag": "bool", "word": "string"}
MEAN = Number(
    name="mean", lower=Decimal(0), upper=Decimal(10), step=Decimal("0.01"), spread=Decimal("0.5")
)
OUTPUT = OutputTerms(
    name=OutputName("O1"),
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.DP,
    max_rows=1000,
    max_bytes=100_000,
)
LIMITS = Limits(
    seconds=1, memory_bytes=1, cpus=1, processes=64, output_bytes=1 << 20, output_files=4
)


def declared(name: str, *, unit: str = "person", kind: str = "int") -> bytes:
    """Return the declaration of an asset about persons."""
    columns = {unit: ("unit", kind), **{each: ("attribute", of) for each, of in _KINDS.items()}}
    tables = [
        f'[columns.{each}]\ntitle_zh = "列"\ntitle_en = "column"\nrole = "{role}"\ngrade = "L2"\nkind = "{of}"\n'
        for each, (role, of) in columns.items()
    ]
    head = {
        "id": name,
        "version": 1,
        "title_zh": "表",
        "title_en": "table",
        "provider": "P-PROV",
        "unit_kind": "natural_person",
        "unit_column": unit,
        "input_tier": "base_product",
        "authority_level": "district",
    }
    said = "\n".join(f"{key} = {json.dumps(value)}" for key, value in head.items())
    return (f"{said}\n" + "\n".join(tables)).encode()


def taken_in(name: str, rows: Sequence[Row], *, home: Path, kind: str = "int") -> Asset:
    """Ingest rows as an asset."""
    unit = pa.array(
        [str(unit) if kind == "string" else unit for unit, _ in rows],
        {"int": pa.int64()}.get(kind, pa.string()),
    )
    types = {"value": pa.float64(), "flag": pa.bool_(), "word": pa.string()}
    columns = {
        each: pa.array([values.get(each) for _, values in rows], types[each]) for each in _KINDS
    }
    home.mkdir(exist_ok=True)
    file = home / f"{name}.parquet"
    pq.write_table(pa.table({"person": unit, **columns}), file)
    return ingest(file, parse_meta(declared(name, kind=kind)), data=home / "data")


def viewed(asset: Asset) -> ViewTerms:
    """Return the terms of a view of all rows without the unit."""
    return ViewTerms(asset=asset.id, snapshot=asset.snapshot, columns=tuple(_KINDS))


def ground(home: Path) -> Ground:
    return Ground(data=home / "data", views=home / "views", key=KEY)


def terms(**changes: object) -> BlocksTerms:
    """Return terms of one mean."""
    stated: dict[str, object] = {
        "k": 64,
        "rho": PICO,
        "cpu_seconds": 5,
        "wall_seconds": 60,
        "memory_bytes": 256 << 20,
        "coordinates": (MEAN,),
    }
    return BlocksTerms(**{**stated, **changes})  # type: ignore[arg-type]


def ordered(*assets: Asset, **changes: object) -> ContainerOrder:
    """Return the order of a script over views of these assets."""
    stated: dict[str, object] = {
        "job": "J-blocks",
        "epoch": 1,
        "scope": "SC-1",
        "image": ImageDigest("sha256:" + "0" * 64),
        "command": ("python3", "/job/main.py", "/data", "/out"),
        "views": tuple(map(viewed, assets)),
        "outputs": (OUTPUT,),
        "limits": LIMITS,
    }
    return ContainerOrder(**{**stated, **changes})  # type: ignore[arg-type]


def at_once(run: Run) -> Spread:
    """Run lanes one after the other, without their timetable."""

    def spread(lanes: Sequence[Lane]) -> Sequence[Left]:
        return [run_lane(replace(each, slot_seconds=0), run=run) for each in lanes]

    return spread


@dataclass(frozen=True, slots=True)
class Program:
    """A runner whose containers are a function: of a block's folders it makes what is left, or fails."""

    made: Callable[[Mapping[str, Path]], bytes]
    orders: list[ContainerOrder] = field(default_factory=list)

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        self.orders.append(order)
        try:
            content = self.made(dict(views))
        except ArithmeticError:
            return Outcome(ended=Ended.FAILED)
        return Outcome(
            ended=Ended.FINISHED, artifacts=(Artifact(OutputName("O1"), "bin", content),)
        )
