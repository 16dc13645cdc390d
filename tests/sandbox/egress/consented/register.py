"""A register of a thousand people, of whom some consent, and the room that it lies in."""

import io
import secrets
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, Kind
from sandbox.data.consent_marks import mark_key, mark_of
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.view import View, compile_view
from sandbox.egress.inspection import GateView, Inspection, inspect
from sandbox.egress.verdict import Verdict
from sandbox.order import (
    Artifact,
    EgressPolicy,
    Function,
    OpenedView,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)
from tests.sandbox.egress.examples import InProcessReader

CANARY = "CANARY-7f3a"
PEOPLE = tuple(f"{CANARY}-{number:04d}" for number in range(1000))
CONSENTING = PEOPLE[:700]
KEY = bytes(range(32))
SCOPE = "SC-SH-2026-0001"
LABELS = ("low", "middle", "high")
DECLARED = b"""
id = "BP-INCOME"
version = 1
title_zh = "\xe6\x94\xb6\xe5\x85\xa5"
title_en = "Income"
provider = "P-PROV"
unit_kind = "natural_person"
unit_column = "person"
input_tier = "base_product"
authority_level = "district"
[columns.person]
title_zh = "a"
title_en = "a"
role = "unit"
grade = "L3"
kind = "string"
[columns.band]
title_zh = "b"
title_en = "b"
role = "dimension"
grade = "L2"
kind = "string"
domain = ["low", "middle", "high"]
[columns.income]
title_zh = "c"
title_en = "c"
role = "measure"
grade = "L2"
kind = "int"
lower = 0
upper = 1000000
[columns.note]
title_zh = "d"
title_en = "d"
role = "attribute"
grade = "L2"
kind = "string"
"""
O1 = OutputName("O1")
SCORES = OutputTerms(
    name=O1,
    form=OutputForm.IN_DOMAIN_DATASET,
    release=ReleaseClass.CONSENTED,
    columns=(
        OutputColumn(name="subject", type="string", function=Function.SUBJECT, source="person"),
        OutputColumn(name="score", type="float", function=Function.VALUE, source="income, band"),
        OutputColumn(name="band", type="string", function=Function.VALUE, source="band"),
    ),
    max_rows=1000,
    max_bytes=1 << 20,
)


def income_of(number: int) -> int:
    return 10_007 + number * 137


def people() -> pa.Table:
    numbers = range(len(PEOPLE))
    return pa.table(
        {
            "person": PEOPLE,
            "band": [LABELS[number % 3] for number in numbers],
            "income": [income_of(number) for number in numbers],
            "note": [f"{CANARY} {number}" for number in numbers],
        }
    )


def marks(people_: tuple[str, ...]) -> tuple[str, ...]:
    key = mark_key(KEY)
    return tuple(mark_of(person, Kind.STRING, key) for person in people_)


@dataclass(frozen=True, slots=True)
class Register:
    """The asset in a room, and what is granted of it."""

    folder: Path
    asset: Asset
    terms: ViewTerms

    @classmethod
    def made(cls, folder: Path) -> Self:
        file = folder / "people.parquet"
        pq.write_table(people(), file)
        asset = ingest(file, parse_meta(DECLARED), data=folder / "data")
        terms = ViewTerms(
            asset=asset.id,
            snapshot=asset.snapshot,
            columns=("person", "band", "income"),
            pseudonyms=("person",),
            consented=True,
        )
        return cls(folder, asset, terms)

    def live(self, consenting: tuple[str, ...] = CONSENTING) -> OpenedView:
        terms = {part.name: getattr(self.terms, part.name) for part in fields(ViewTerms)}
        return OpenedView(**terms, live=marks(consenting))

    def view(self, terms: ViewTerms) -> View:
        return compile_view(
            terms, scope=SCOPE, key=KEY, data=self.folder / "data", views=self.folder / "views"
        )

    def seen(self, consenting: tuple[str, ...] = CONSENTING) -> list[dict[str, object]]:
        """Return the rows that a job would see."""
        view = self.view(self.live(consenting))
        rows: list[dict[str, object]] = pq.read_table(
            view.job / f"{view.asset}.parquet"
        ).to_pylist()
        return rows

    def inspection(
        self,
        terms: OutputTerms = SCORES,
        *,
        views: tuple[ViewTerms, ...] = (),
        asked: tuple[str, ...] = (),
    ) -> Inspection:
        gates = tuple(
            GateView(asset=self.asset, terms=each, gate=self.view(each).gate)
            for each in views or (self.live(),)
        )
        return Inspection(
            outputs=(terms,),
            policy=EgressPolicy(min_units=10, dominance_percent=85),
            views=gates,
            read=InProcessReader(),
            asked=marks(asked),
        )

    def judged(self, artifact: Artifact, inspection: Inspection) -> Verdict:
        [only] = inspect([artifact], inspection).verdicts
        return only


def stranger() -> str:
    return secrets.token_hex(16)


def csv(rows: list[dict[str, object]]) -> Artifact:
    """Write what an honest scorer would: the subject, a number of the job's own, and the band."""
    lines = [f"{row['person']},{int(str(row['income'])) % 997},{row['band']}" for row in rows]
    return Artifact(O1, "csv", "\n".join(("subject,score,band", *lines, "")).encode())


def parquet(table: pa.Table) -> Artifact:
    out = io.BytesIO()
    pq.write_table(table, out)
    return Artifact(O1, "parquet", out.getvalue())
