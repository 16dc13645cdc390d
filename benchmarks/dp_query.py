"""Times planned DP queries against bare DuckDB in the same run, and measures how far their answers are off.

Data: skewed users (up to 1M) and 1,000 Zipf keys, from a fixed seed. Timed, interleaved, medians:
- ours: `plan` and `answer` in full, from the gate's Parquet file to CSV bytes, a new DuckDB engine each time;
- bare: GROUP BY, COUNT(DISTINCT unit) or median on a table in DuckDB's memory, connection open, rows fetched;
- bare, parquet: the same on the same Parquet file, to show how much reading takes.
COUNT and SUM with the stored count are held against the bare group-by, medians against the bare median, and all that
must count a unit's rows or cells against COUNT(DISTINCT unit). At 100M rows both read Parquet.
Errors are at epsilon 1: of counts the sum of absolute errors over the true total, of medians the median absolute error.
Run: `python benchmarks/dp_query.py [--small | --full]`: 1M rows only; or 100M too (6 GiB of disk). `--peers=PYTHON`, as often as
needed, names the interpreter of an environment in which `dp_query_peers.py` finds pyqrlew or opendp[polars].
"""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import ViewTerms
from sandbox.privacy.answer import Engine, answer
from sandbox.privacy.plan import Plan, Question, plan
from sandbox.reason import Said

KEYS = tuple(f"k{i:03d}" for i in range(1000))
ROUNDS = 5
ROWS_OF_A_UNIT = 30
"""What an analyst would say of a unit: public, and not read from the data."""
THREADS = 2
BATCH = 1_000_000
COUNT_ERROR = {1_000_000: 0.11, 10_000_000: 0.09}
TITLE = Said(zh="基准", en="benchmark")
SNAPSHOT = Digest("sha256:" + "0" * 64)


def column(name: str, kind: Kind, role: Role) -> Column:
    return Column(
        name=name,
        kind=kind,
        role=role,
        grade=Grade.L2,
        title=TITLE,
        domain=KEYS if role is Role.DIMENSION else (),
        lower="0" if role is Role.MEASURE else "",
        upper="100" if role is Role.MEASURE else "",
    )


ASSET = Asset(
    id=AssetId("BENCH"),
    version=1,
    title=TITLE,
    provider="P-1",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="person",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="city",
    columns=(
        column("person", Kind.STRING, Role.UNIT),
        column("key", Kind.STRING, Role.DIMENSION),
        column("word", Kind.STRING, Role.ATTRIBUTE),
        column("amount", Kind.FLOAT, Role.MEASURE),
    ),
    snapshot=SNAPSHOT,
    rows=0,
)
VIEW = ViewTerms(asset=ASSET.id, snapshot=SNAPSHOT, columns=("key", "word", "amount"))
COUNT, SUM = (
    "SELECT key, count(*) FROM {} GROUP BY key",
    "SELECT key, sum(amount) FROM {} GROUP BY key",
)
UNITS = "SELECT key, count(DISTINCT _unit) FROM {} GROUP BY key"
MEDIAN = "SELECT key, median(amount) FROM {} GROUP BY key"
BY_KEY = "SELECT /*+ {} */ key, {} AS x FROM bench GROUP BY key"
QUESTIONS = {
    "count": (BY_KEY.format("rows_per_unit(10)", "COUNT(*)"), COUNT, 3.0),
    "sum": (BY_KEY.format("rows_per_unit(10)", "SUM(amount)"), SUM, 4.0),
    "count, generic": (BY_KEY.format("counted rows_per_unit(10)", "COUNT(*)"), UNITS, 1.5),
    "sum, generic": (BY_KEY.format("counted rows_per_unit(10)", "SUM(amount)"), UNITS, 1.7),
    "units": (BY_KEY.format("rows_per_unit(10)", "COUNT(DISTINCT person)"), UNITS, None),
    "count, norm": (BY_KEY.format("gaussian rows_per_unit(10)", "COUNT(*)"), UNITS, None),
    "exact": (BY_KEY.format("exact keys_per_unit(3) rows_per_unit(10)", "COUNT(*)"), UNITS, 3.0),
    "private keys": ("SELECT word, COUNT(*) AS x FROM bench GROUP BY word", UNITS, 3.0),
    "median": (BY_KEY.format("rows_per_unit(3)", "MEDIAN(amount)"), MEDIAN, 2.0),
}
"""By name: the question, what it is held against, and the most times that it may take; nothing is promised of some."""


PEERS = {"count, generic": 10.0, "count": 100.0}
"""How many times longer a peer takes at least."""


def batches(rows: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw units, keys and amounts; the first tenth of the units has a third of the rows."""
    rng = np.random.default_rng(7)
    users = min(1_000_000, rows // 2)
    ranks = 1 / np.arange(1, len(KEYS) + 1)
    for start in range(0, rows, BATCH):
        some = min(BATCH, rows - start)
        unit = (users * rng.random(some) ** 2).astype(np.int64)
        key = rng.choice(len(KEYS), size=some, p=ranks / ranks.sum())
        yield unit, key, rng.gamma(2.0, 25.0, some)


def write_gate(path: Path, rows: int) -> None:
    """Write a gate file in two passes: the first counts the rows of each unit, as ingest does."""
    counts = np.zeros(min(1_000_000, rows // 2), dtype=np.int64)
    for unit, _, _ in batches(rows):
        counts += np.bincount(unit, minlength=len(counts))
    names = pa.array(KEYS)
    schema = pa.schema(
        {
            "key": pa.string(),
            "word": pa.string(),
            "amount": pa.float64(),
            "_unit": pa.int64(),
            "_unit_rows": pa.int64(),
        }
    )
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for unit, key, amount in batches(rows):
            words = pa.DictionaryArray.from_arrays(key.astype(np.int32), names).cast(pa.string())
            columns = [words, words, pa.array(amount), pa.array(unit), pa.array(counts[unit])]
            writer.write_table(pa.table(columns, schema=schema))


def timed(action: Callable[[], object]) -> float:
    begin = perf_counter()
    action()
    return perf_counter() - begin


def planned(sql: str) -> Plan:
    made = plan(Question(sql=sql, assets=(ASSET,), views=(VIEW,), epsilon=Fraction(1)))
    assert isinstance(made, Plan), made
    return made


def ours(sql: str, gate: Path) -> dict[str, float]:
    """Answer a question in full; return what it says of each key."""
    engine = Engine(threads=THREADS, memory_bytes=16 << 30)
    content, _ = answer(planned(sql), {ASSET.id: gate}, engine=engine)
    lines = list(csv.reader(io.StringIO(content.decode())))[1:]
    return {key: float(value) for key, value in lines}


def fetched(memory: duckdb.DuckDBPyConnection, sql: str) -> object:
    return memory.execute(sql).fetchall()


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    for run in contenders.values():
        run()
    found = [{name: timed(run) for name, run in contenders.items()} for _ in range(rounds)]
    return {name: median(one[name] for one in found) for name in contenders}


def in_memory(rows: int, gate: Path) -> Iterator[dict[str, object]]:
    """Time every question against its bare form in memory."""
    with duckdb.connect(":memory:") as memory:
        memory.execute(f"SET threads = {THREADS}")
        memory.execute(f"CREATE TABLE bench AS SELECT * FROM '{gate}'")
        for name, (sql, bare, goal) in QUESTIONS.items():
            contenders: dict[str, Callable[[], object]] = {
                "ours": partial(ours, sql, gate),
                "bare": partial(fetched, memory, bare.format("bench")),
                "bare, parquet": partial(fetched, memory, bare.format(f"'{gate}'")),
            }
            yield from told(name, rows, interleaved(contenders, ROUNDS), goal, against="bare")
        yield from errors(rows, gate, memory)


def told(
    name: str, rows: int, seconds: dict[str, float], goal: float | None, *, against: str
) -> Iterator[dict[str, object]]:
    """Print the table's lines, and return the goal's line where one is promised."""
    for contender, one in seconds.items():
        ratio = seconds["ours"] / one
        print(
            f"{rows:>12,} {name:>16} {contender:>14} {one * 1e3:>10.1f} {ratio:>8.2f}", flush=True
        )
    if goal is not None:
        ratio = seconds["ours"] / seconds[against]
        yield line(f"{name.replace(', ', '_').replace(' ', '_')}.{rows // 10**6}M", ratio, goal)


def line(name: str, ratio: float, goal: float, *, least: bool = False) -> dict[str, object]:
    met = ratio >= goal if least else ratio <= goal
    return {"benchmark": f"dp_query.{name}", "ratio": round(ratio, 3), "goal": goal, "met": met}


def errors(rows: int, gate: Path, memory: duckdb.DuckDBPyConnection) -> Iterator[dict[str, object]]:
    """Measure how far answers at epsilon 1 are off, over five answers each."""
    size = f"{rows // 10**6}M"
    true = dict(memory.execute(COUNT.format("bench")).fetchall())
    for bound in (1, 3, 10, 30, 100):
        sql = BY_KEY.format(f"rows_per_unit({bound})", "COUNT(*)")
        off = median(_off(ours(sql, gate), true) for _ in range(5))
        print(f"{rows:>12,} count error with rows_per_unit({bound}): {off:.1%}")
    sql = BY_KEY.format(f"rows_per_unit({ROWS_OF_A_UNIT})", "COUNT(*)")
    yield line(
        f"count_error.{size}",
        median(_off(ours(sql, gate), true) for _ in range(5)),
        COUNT_ERROR[rows],
    )
    kept = median(len(ours(QUESTIONS["private keys"][0], gate)) for _ in range(5))
    print(f"{rows:>12,} private keys kept: {kept} of {len(true)}")
    middles = dict(memory.execute(MEDIAN.format("bench")).fetchall())
    missed = median(_apart(ours(QUESTIONS["median"][0], gate), middles) for _ in range(5))
    print(f"{rows:>12,} median of the absolute errors of medians: {missed:.2f}")
    if rows == BATCH:
        yield line(f"keys_kept.{size}", kept, 800, least=True)
        yield line(f"median_error.{size}", missed, 1.2)


def _off(found: dict[str, float], true: dict[str, float]) -> float:
    return sum(abs(found[key] - true.get(key, 0)) for key in KEYS) / sum(true.values())


def _apart(found: dict[str, float], true: dict[str, float]) -> float:
    """Return the median over all keys of how far a median is off; the bounds are 0 and 100."""
    return median(abs(found[key] - min(true[key], 100.0)) for key in true)


def against_peers(gate: Path, pythons: list[str]) -> Iterator[dict[str, object]]:
    """Run each peer's script in its environment, and our count before and after it."""
    for python in pythons:
        mine = {
            name: min(timed(partial(ours, QUESTIONS[name][0], gate)) for _ in range(3))
            for name in PEERS
        }
        script = Path(__file__).with_name("dp_query_peers.py")
        done = subprocess.run([python, script, gate], capture_output=True, text=True, check=True)
        for each in map(json.loads, done.stdout.splitlines()):
            print(f"{'':>12} peer {each}")
            if "seconds" in each:
                for name, goal in PEERS.items():
                    ratio = each["seconds"] / mine[name]
                    yield line(
                        f"{each['peer']}_over_{name.replace(', ', '_')}.1M", ratio, goal, least=True
                    )


def on_parquet(rows: int, gate: Path) -> Iterator[dict[str, object]]:
    """Time count and sum at 100M rows, both from Parquet, and the generic count once."""
    with duckdb.connect(":memory:") as memory:
        memory.execute(f"SET threads = {THREADS}")
        for name in ("count", "sum"):
            sql, bare, _ = QUESTIONS[name]
            contenders: dict[str, Callable[[], object]] = {
                "ours": partial(ours, sql, gate),
                "bare": partial(fetched, memory, bare.format(f"'{gate}'")),
            }
            yield from told(name, rows, interleaved(contenders, 3), 2.0, against="bare")


def planning() -> Iterator[dict[str, object]]:
    """Time planning alone, the slowest of all questions."""
    slowest = max(
        median(timed(partial(planned, sql)) for _ in range(9)) for sql, _, _ in QUESTIONS.values()
    )
    print(f"{'':>12} planning, slowest question: {slowest * 1e3:.1f} ms")
    yield line("planning_ms", slowest * 1e3, 20.0)


def main() -> None:
    pythons = [word.partition("=")[2] for word in sys.argv[1:] if word.startswith("--peers=")]
    small, full = "--small" in sys.argv[1:], "--full" in sys.argv[1:]
    sizes = [1_000_000] if small else [1_000_000, 10_000_000]
    print(f"load average at the start: {os.getloadavg()[0]:.1f}")
    print(f"{'rows':>12} {'query':>16} {'contender':>14} {'median ms':>10} {'ours/it':>8}")
    goals = list(planning())
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            gate = Path(folder) / f"{rows}.parquet"
            write_gate(gate, rows)
            goals += in_memory(rows, gate)
            if rows == BATCH:
                goals += against_peers(gate, pythons)
        if full:
            gate = Path(folder) / "full.parquet"
            write_gate(gate, 100_000_000)
            goals += on_parquet(100_000_000, gate)
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    for goal in goals:
        print(json.dumps(goal))


if __name__ == "__main__":
    main()
