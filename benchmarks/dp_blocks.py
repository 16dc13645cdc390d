"""What blocks cost: the time of k blocks over their scripts' own, and the error over that of the blocks' plain average.

Run `benchmarks/dp_blocks.py [ROUNDS]` as root, with $DOCKER_HOST set or an engine that images/engine.sh finds. A round runs
64 containers of a script that computes for a second, on as many lanes as there are processors, each block at once after the
one before; and as many bare processes of the same script side by side, one a processor. What the timetable adds, by which a
block cannot tell how long others took, is said beside it: it is no work, but waiting. Errors are over 1,000 draws of blocks.
"""

import json
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from math import sqrt
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
from keeping import built, kept

from sandbox.asset import ImageDigest
from sandbox.blocks.event import event_of
from sandbox.blocks.judge import least_blocks
from sandbox.blocks.lane import Lane, Left, block_order, in_threads
from sandbox.blocks.preview import due_seconds
from sandbox.blocks.split import Ground, Question, split
from sandbox.blocks.terms import BlocksTerms, Number
from sandbox.blocks.tilt import SECURE, median, powers
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.view import compile_view
from sandbox.order import (
    ContainerOrder,
    Limits,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)
from sandbox.runner.keeper import KeeperClient

if TYPE_CHECKING:
    from collections.abc import Sequence

CORES = os.cpu_count() or 1
ROWS, K = 1_000_000, 64
SCRIPT = """
import struct, sys, time
while time.process_time() < 1:
    sum(range(10_000))
open(sys.argv[1], "wb").write(struct.pack("<d", 5))
"""
META = """
id = "PEOPLE"
version = 1
title_zh = "人"
title_en = "people"
provider = "P-BENCH"
unit_kind = "natural_person"
unit_column = "person"
input_tier = "base_product"
authority_level = "district"
[columns.person]
title_zh = "人"
title_en = "person"
role = "unit"
grade = "L2"
kind = "int"
[columns.value]
title_zh = "值"
title_en = "value"
role = "attribute"
grade = "L2"
kind = "float"
"""
MEAN = Number(
    name="mean", lower=Decimal(0), upper=Decimal(10), step=Decimal("0.01"), spread=Decimal("0.5")
)
TERMS = BlocksTerms(
    k=K, rho=10**12, cpu_seconds=3, wall_seconds=300, memory_bytes=128 << 20, coordinates=(MEAN,)
)
TIME_GOAL, ERROR_GOAL = 1.15, 2.5


def taken_in(home: Path) -> ViewTerms:
    """Ingest the table that is split."""
    file = home / "people.parquet"
    duckdb.sql(
        f"COPY (SELECT i * 7919 % {ROWS // 10} AS person, random() * 10 AS value FROM range({ROWS}) t(i)) TO '{file}'"
    )
    asset = ingest(file, parse_meta(META.encode()), data=home / "data")
    return ViewTerms(asset=asset.id, snapshot=asset.snapshot, columns=("value",))


def ordered(image: ImageDigest, view: ViewTerms) -> ContainerOrder:
    output = OutputTerms(
        name=OutputName("O1"),
        form=OutputForm.STATISTICAL_TABLE,
        release=ReleaseClass.DP,
        max_rows=10,
        max_bytes=1000,
    )
    limits = Limits(seconds=9, memory_bytes=1, cpus=1, processes=32, output_bytes=8, output_files=1)
    return ContainerOrder(
        job="J-bench",
        epoch=1,
        scope="bench",
        image=image,
        command=("python3", "/job/main.py", "/out/O1.bin"),
        code=(("main.py", SCRIPT.encode()),),
        views=(view,),
        outputs=(output,),
        limits=limits,
    )


def by_blocks(order: ContainerOrder, folder: Path, client: KeeperClient) -> float:
    """Run all blocks, one lane a processor and each at once after the one before; return the seconds."""
    order = block_order(order, TERMS)
    lanes = [
        Lane(
            order=order, folder=folder, blocks=tuple(range(at, K, CORES)), begins=0, slot_seconds=0
        )
        for at in range(CORES)
    ]
    begun = time.monotonic()
    left: Sequence[Left] = in_threads(client.run)(lanes)
    took = time.monotonic() - begun
    assert {content for each in left for content in each.contents} == {struct.pack("<d", 5)}
    return took


def by_processes(folder: Path) -> tuple[float, float]:
    """Run the same scripts bare, one a processor; return the seconds on the clock and of the processors."""

    def one(number: int) -> None:
        subprocess.run([sys.executable, "-c", SCRIPT, folder / str(number)], check=True)

    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(one, range(K)))
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_time(home: Path, rounds: int) -> None:
    """Measure splitting and running, and print the table and the goal."""
    image, view = built("python")["python"], taken_in(home)
    ground = Ground(data=home / "data", views=home / "views", key=bytes(32))
    begun = time.monotonic()
    compile_view(view, scope="bench", key=ground.key, data=ground.data, views=ground.views)
    compiled, begun = time.monotonic() - begun, time.monotonic()
    taken = []
    asked = Question(job="J-bench", scope="bench", views=(view,), k=K)
    with kept(home / "node", {"python": image}, warm=0) as client, split(asked, ground) as made:
        divided = time.monotonic() - begun
        for number in range(1, rounds + 1):
            print(f"\r  round {number} of {rounds}", end="", file=sys.stderr)
            blocks = by_blocks(ordered(image, view), made.folder, client)
            bare, cpu = by_processes(home)
            taken.append((blocks, bare, cpu / CORES))
    print(file=sys.stderr)
    blocks, bare, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
    ratio = statistics.median(each[0] / each[2] for each in taken)
    beside = statistics.median(each[0] / each[1] for each in taken)
    rows = pq.read_metadata(home / "people.parquet").num_rows
    print(f"{'split of':28} {rows} rows: {divided:.2f} s; their view before: {compiled:.2f} s")
    print(f"{'64 blocks':28} {blocks:6.1f} s")
    print(f"{'64 bare processes':28} {bare:6.1f} s on the clock, {cpu:.1f} s of each processor")
    print(f"{'blocks / bare, on the clock':28} {beside:6.2f}")
    print(
        f"{'with the timetable':28} {due_seconds(replace(TERMS, wall_seconds=3), lanes=CORES, rows=rows):4d} s, by terms of 3 s a block"
    )
    print(f"{'load, 1 minute':28} {os.getloadavg()[0]:6.1f}")
    goal("64 blocks of a 1 s script / processor time / cores", ratio, TIME_GOAL)


def measure_error() -> None:
    """Measure the error of the private median against that of the blocks' plain average, and print table and goals."""
    print(f"{'k':>5} {'rho':>6} {'least k':>8} {'error / average':>16}")
    for k, rho in ((64, 1.0), (68, 0.1), (200, 0.1), (500, 0.05)):
        terms = replace(TERMS, k=k, rho=int(rho * 10**12))
        ratio = error_ratio(terms)
        print(f"{k:5d} {rho:6.2f} {least_blocks(terms):8d} {ratio:16.2f}")
        goal(f"error at k = {k}, rho = {rho} / the blocks' average", ratio, ERROR_GOAL)


def error_ratio(terms: BlocksTerms) -> float:
    """Return the root of the mean squared error over normal blocks, as a multiple of the plain average's."""
    random, weights = Random(5), powers(event_of(terms).numerator, terms.k)
    private, plain = [], []
    for _ in range(1000):
        values = [random.gauss(5, 0.5) for _ in range(terms.k)]
        places = [max(0, min(1000, round(value * 100))) for value in values]
        chosen = median(places, points=MEAN.points, weights=weights, draw=SECURE)
        private.append((chosen / 100 - 5) ** 2)
        plain.append((statistics.fmean(values) - 5) ** 2)
    return sqrt(sum(private) / sum(plain))


def goal(name: str, ratio: float, most: float) -> None:
    line = {"benchmark": name, "ratio": round(ratio, 3), "goal": most}
    print(json.dumps({**line, "met": ratio <= most}))


def main(rounds: int) -> None:
    measure_error()
    with tempfile.TemporaryDirectory() as name:
        measure_time(Path(name), rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
