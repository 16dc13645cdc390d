"""How long the evidence for disclosure control takes: all cells of a table with every rule's figures, against a bare GROUP BY.

Run `benchmarks/egress_disclosure.py [ROWS [ROUNDS]]`; 10 million rows and 5 rounds unless told otherwise. The same Parquet file,
the same cells (50 states by 7 grades) and the same two sums, by the gate and by a bare DuckDB GROUP BY (or CUBE), taking turns;
with one row a unit, with three, and with the totals over both dimensions. The suppression of the same table is timed beside it.
The goal of 7 s is for 10 million rows and one table without totals: each of the three further levels of totals is a pass of its own.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.egress.disclosure.evidence import Labels
from sandbox.egress.disclosure.profile import packaged
from sandbox.egress.disclosure.suppression import suppress
from sandbox.egress.lane.query import Question, cells, has_one_row_each
from sandbox.egress.recompute import Row

GOAL_SECONDS = 7.0
"""For the evidence of 10 million rows (issue 6)."""
MEMORY = "4GB"
CASES = (
    ("1 row a unit", 1, ()),
    ("3 rows a unit", 3, ()),
    ("3 rows, with totals", 3, (0, 1)),
)
"""The label, the rows of each unit, and the dimensions whose totals are shown."""
DIMENSIONS = ("state", "grade")
NUMBERS = ("amount", "rate")
BARE = "SELECT state, grade, count(*), sum(amount), sum(rate) FROM source"


def write(folder: Path, rows: int, each: int) -> Path:
    """Write a gate's file in which every unit has `each` rows."""
    dice = np.random.default_rng(7)
    states = np.array([f"S{i:02d}" for i in range(50)])
    units = dice.permutation(np.repeat(np.arange(-(-rows // each)), each)[:rows])
    table = pa.table(
        {
            "state": states[dice.integers(0, 50, rows)],
            "grade": np.array(list("ABCDEFG"))[dice.integers(0, 7, rows)],
            "amount": dice.lognormal(9, 1, rows),
            "rate": dice.normal(12, 4, rows),
            "_unit": units,
            "_unit_rows": np.full(rows, each),
        }
    )
    path = folder / f"by{each}.parquet"
    pq.write_table(table, path)
    return path


def opened(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"memory_limit": MEMORY})
    connection.execute(f"CREATE VIEW source AS SELECT * FROM read_parquet('{path}')")
    return connection


def evidence(path: Path, totals: tuple[int, ...]) -> dict[Labels, Row]:
    with opened(path) as gate:
        question = Question(
            labels=DIMENSIONS,
            totals=totals,
            counted=("1",),
            numbers=tuple(f"{name}::DOUBLE" for name in NUMBERS),
            once=has_one_row_each(gate),
        )
        return {
            each.labels: Row(
                cells=(),
                units=each.counted[0].evidence.units,
                dominance=0.0,
                evidence=tuple(number.evidence for number in each.summed),
                counts=(float(each.counted[0].rows),),
                sums=tuple(number.total or 0.0 for number in each.summed),
            )
            for each in cells(gate, question)
        }


def bare(path: Path, totals: tuple[int, ...]) -> None:
    with opened(path) as gate:
        gate.execute(
            BARE + (" GROUP BY CUBE (state, grade)" if totals else " GROUP BY ALL")
        ).fetchall()


def timed(way: Callable[[], object]) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def main(rows: int, rounds: int) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; {rows:,} rows")
    print(f"{'':24} {'evidence s':>11} {'bare s':>8} {'ratio':>7} {'suppress s':>11}")
    taken = []
    with tempfile.TemporaryDirectory() as name:
        paths = {each: write(Path(name), rows, each) for each in (1, 3)}
        for label, each, totals in CASES:
            taken.append((label, measured(label, paths[each], totals, rounds=rounds), totals))
    for label, seconds, totals in taken:
        if not totals:
            line = {"benchmark": f"SDC evidence, {label}, seconds", "ratio": round(seconds, 2)}
            print(json.dumps({**line, "goal": GOAL_SECONDS, "met": seconds <= GOAL_SECONDS}))


def measured(label: str, path: Path, totals: tuple[int, ...], *, rounds: int) -> float:
    """Print one line, and return the median seconds of the evidence."""
    found = evidence(path, totals)  # not counted: the file is in the page cache afterwards
    taken = [
        (timed(lambda: evidence(path, totals)), timed(lambda: bare(path, totals)))
        for _ in range(rounds)
    ]
    seconds, others = map(statistics.median, zip(*taken, strict=True))
    ratio = statistics.median(own / other for own, other in taken)
    apart = timed(lambda: suppress(found, packaged("persons"), base=5))
    print(f"{label:24} {seconds:11.2f} {others:8.2f} {ratio:7.1f} {apart:11.2f}")
    return float(seconds)


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*(*asked, *(10_000_000, 5)[len(asked) :]))
