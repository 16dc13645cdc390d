"""Consents: what it adds to the time of a job's reading that 10,000 of the asset's people must have consented.

A reading is: open the job's view, and aggregate over it. The peer is the same view without consents, interleaved in one run:
over an asset where just those 10,000 are, and where they are among 100,000 and a million. The record is SQLite.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.grant import PartyId, ScenarioId
from jobs.proof.consent import Receipt, Statement, id_of, sealed_subject
from jobs.record import consents
from jobs.record.consents import Wanted
from jobs.record.database import Record
from jobs.record.event import Event
from sandbox.asset import Asset, AssetId, Kind
from sandbox.data.consent_marks import mark_key, mark_of
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.staging import discard
from sandbox.data.view import compile_view
from sandbox.order import OpenedView, ViewTerms

CONSENTS = 10_000
ROUNDS = 5
GOAL = 1.2
KEY = bytes(range(32))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
DECLARED = """
id = "BP-PEOPLE"
version = 1
title_zh = "人"
title_en = "People"
provider = "P-PROV"
unit_kind = "natural_person"
unit_column = "person"
input_tier = "base_product"
authority_level = "district"
[columns.person]
title_zh = "人"
title_en = "person"
role = "unit"
grade = "L3"
kind = "string"
[columns.income]
title_zh = "收入"
title_en = "income"
role = "measure"
grade = "L2"
kind = "int"
lower = 0
upper = 1000000
[columns.band]
title_zh = "档"
title_en = "band"
role = "dimension"
grade = "L2"
kind = "int"
domain = ["0", "1", "2", "3", "4"]
"""
WANTED = Wanted(
    scenario=ScenarioId("SC-1"),
    recipient=PartyId("P-BANK"),
    asset=AssetId("BP-PEOPLE"),
    columns=frozenset({"income", "band"}),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """One asset, and the record with the consents of its first people."""

    folder: Path
    asset: Asset
    record: Record

    @property
    def terms(self) -> ViewTerms:
        """Return the view without consents."""
        return ViewTerms(
            asset=self.asset.id,
            snapshot=self.asset.snapshot,
            columns=("person", "income", "band"),
            pseudonyms=("person",),
        )

    def read(self, terms: ViewTerms) -> None:
        """Compile a view anew and aggregate over it."""
        views = self.folder / "views"
        view = compile_view(terms, scope="SC-1", key=KEY, data=self.folder / "data", views=views)
        file = view.job / f"{view.asset}.parquet"
        duckdb.sql(f"SELECT band, avg(income), count(*) FROM '{file}' GROUP BY band").fetchall()
        discard(view.folder)

    def consented(self) -> None:
        """Ask the record who consents, and read their view."""
        with self.record.reading() as tx:
            live = consents.live(tx, WANTED, at=NOW)
        terms = replace(self.terms, consented=True)
        named = {part.name: getattr(terms, part.name) for part in fields(ViewTerms)}
        assert len(live) == CONSENTS
        self.read(OpenedView(**named, live=tuple(sorted(live))))


def person(number: int) -> str:
    """Name a person as a resident id might."""
    return f"310101{number:012}"


def made(folder: Path, people: int) -> Ground:
    """Ingest an asset of `people`, of whom `CONSENTS` consent."""
    folder.mkdir()
    dice = np.random.default_rng(7)
    income, band = dice.integers(0, 10**6, people), dice.integers(0, 5, people)
    names = [person(number) for number in range(people)]
    pq.write_table(
        pa.table({"person": names, "income": income, "band": band}), folder / "a.parquet"
    )
    asset = ingest(folder / "a.parquet", parse_meta(DECLARED.encode()), data=folder / "data")
    record = Record.open(f"sqlite:///{folder / 'record.db'}", clock=lambda: NOW)
    record.migrate()
    with record.writing() as tx:
        for receipt in receipts():
            consents.add(tx, receipt, Event("consent.given", receipt.id, "bench", {}))
    return Ground(folder, asset, record)


def receipts() -> Iterator[Receipt]:
    """Give the consents of the first people."""
    key = mark_key(KEY)
    for number in range(CONSENTS):
        said = Statement(
            channel=PartyId("P-SSM"),
            subject=sealed_subject(person(number), bytes(32)),
            asset=WANTED.asset,
            columns=("band", "income"),
            scenario=WANTED.scenario,
            recipient=WANTED.recipient,
            valid_from=NOW,
            valid_to=NOW + timedelta(days=1),
            times=1,
        )
        mark = mark_of(person(number), Kind.STRING, key)
        yield Receipt(
            id=id_of(said), mark=mark, statement=said, key="00000000", signature=b"", at=NOW
        )


def seconds(work: Callable[[], None]) -> float:
    """Return how long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Measure, and print the table and the goals."""
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    goals = []
    with tempfile.TemporaryDirectory() as name:
        for people in (CONSENTS, 10 * CONSENTS, 100 * CONSENTS):
            ground = made(Path(name) / str(people), people)
            pairs = [
                (seconds(lambda: ground.read(ground.terms)), seconds(ground.consented))  # noqa: B023 - called at once
                for _ in range(ROUNDS)
            ]
            bare, filtered = (statistics.median(each) for each in zip(*pairs, strict=True))
            ratio = filtered / bare
            sys.stdout.write(
                f"{CONSENTS} of {people}: without consents {bare:.3f} s, with {filtered:.3f} s, ratio {ratio:.2f}\n"
            )
            goals.append((f"consents_of_{people}", ratio))
            ground.record.close()
    for benchmark, ratio in goals:
        line = {
            "benchmark": benchmark,
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio <= GOAL,
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
