"""How long the ledger takes: a proof that 900 released cells and 100 new ones over 20,000 atoms single nobody out, and the way there from the rows.

Run `benchmarks/egress_spans.py [ROWS [ROUNDS]]`; 10 million rows and 3 rounds unless told otherwise. The proof takes turns with what
it stands for, a singular value decomposition of the same matrix by LAPACK. Then a register of that many rows, one a person, of which
nine tables of 100 cells left before and a tenth is asked for: rows laid into atoms, units counted, audit; beside a bare DuckDB
GROUP BY of the same ten tables over the same file.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.linalg import svdvals
from scipy.sparse import csr_matrix, vstack

from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.snapshot import snapshot_path
from sandbox.egress.disclosure.profile import packaged
from sandbox.egress.span import Earlier, Ledger, Quantity, Span
from sandbox.egress.spans.audit import Crowds, Safe, audit
from sandbox.egress.spans.ledger import held_against

GOAL_SECONDS = 2.0
"""For the proof (issue 6)."""
FEWEST = 10
CATEGORIES = tuple("abcdefghij")
DIMENSIONS = tuple(f"d{at}" for at in range(5))
HEAD = """
id = "REGISTER"
version = 1
title_zh = "登记"
title_en = "Register"
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
kind = "int"
"""
DIMENSION = """
[columns.{}]
title_zh = "类"
title_en = "class"
role = "dimension"
grade = "L1"
kind = "string"
domain = {}
"""


def crossed(cells: int, atoms: int) -> tuple[Any, Crowds]:
    """Return ten tables over the same atoms of 1 to 29 people, each with every tenth of the cells."""
    dice = np.random.default_rng(1)
    each = cells // 10
    tables = [
        csr_matrix(
            (
                np.ones(atoms),
                ((dice.random(atoms) ** 1.5 * each).astype(np.int64), np.arange(atoms)),
            ),
            shape=(each, atoms),
        )
        for _ in range(10)
    ]
    units = dice.integers(1, 30, atoms)
    held = np.repeat(np.arange(atoms), units)
    holders = csr_matrix((np.ones(len(held)), (np.arange(len(held)), held)))
    return vstack(tables).tocsr(), Crowds(units=units, holders=holders)


def register(folder: Path, rows: int) -> Asset:
    dice = np.random.default_rng(2)
    names = np.array(CATEGORIES)
    columns = {each: names[(dice.random(rows) ** 2 * 10).astype(np.int64)] for each in DIMENSIONS}
    path = folder / "register.parquet"
    pq.write_table(pa.table({"person": np.arange(rows), **columns}), path)
    declared = HEAD + "".join(DIMENSION.format(each, json.dumps(CATEGORIES)) for each in DIMENSIONS)
    return ingest(path, parse_meta(declared.encode()), data=folder / "data")


def span(asset: Asset, dimensions: tuple[str, ...]) -> Span:
    return Span(
        asset=asset.id,
        snapshot=asset.snapshot,
        condition="",
        dimensions=dimensions,
        quantities=(Quantity(),),
        cells=tuple(product(CATEGORIES, repeat=len(dimensions))),
    )


def timed(way: Callable[[], object]) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def proof(rounds: int) -> float:
    """Print one line, and return the median seconds of the proof."""
    members, crowds = crossed(1_000, 20_000)
    new = np.arange(members.shape[0]) >= members.shape[0] * 9 // 10
    whole = members.toarray()

    def own() -> None:
        assert audit(members, crowds, fewest=FEWEST, new=new) == Safe()

    taken = [(timed(own), timed(lambda: svdvals(whole))) for _ in range(rounds)]
    seconds, other = map(statistics.median, zip(*taken, strict=True))
    print(f"{'1,000 cells x 20,000 atoms':36} {seconds:9.2f} {other:9.2f} {seconds / other:7.2f}")
    return float(seconds)


def ledger(rows: int, rounds: int) -> None:
    pairs = list(combinations(DIMENSIONS, 2))
    with tempfile.TemporaryDirectory() as name:
        asset = register(Path(name), rows)
        data = Path(name) / "data"
        before = [Earlier(id=str(p), release="R", span=span(asset, p)) for p in pairs[:-1]]
        known = Ledger(data=data, before=tuple(before))
        path = snapshot_path(asset.snapshot, data=data)

        def own() -> None:
            held_against(span(asset, pairs[-1]), known, limits=packaged("persons"))

        def bare() -> None:
            with duckdb.connect() as connection:
                for pair in pairs:
                    listed = ", ".join(pair)
                    connection.execute(
                        f"SELECT {listed}, count(*) FROM read_parquet('{path}') GROUP BY ALL"
                    ).fetchall()

        taken = [(timed(own), timed(bare)) for _ in range(rounds)]
    seconds, other = map(statistics.median, zip(*taken, strict=True))
    label = f"ten tables of 100 cells, {rows:,} rows"
    print(f"{label:36} {seconds:9.2f} {other:9.2f} {seconds / other:7.2f}")


def main(rows: int, rounds: int) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':36} {'ledger s':>9} {'peer s':>9} {'ratio':>7}")
    seconds = proof(rounds)
    ledger(rows, rounds)
    line = {"benchmark": "span audit of 1,000 cells x 20,000 atoms, seconds"}
    met = seconds <= GOAL_SECONDS
    print(json.dumps({**line, "ratio": round(seconds, 2), "goal": GOAL_SECONDS, "met": met}))


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*(*asked, *(10_000_000, 3)[len(asked) :]))
