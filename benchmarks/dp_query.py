"""Times planned DP queries against a bare DuckDB group-by, and against OpenDP's noise on the bare result.

Data: skewed users (up to 1M) and 1,000 Zipf keys as a public dimension, from a fixed seed. Timed, interleaved, medians:
- ours: `plan` and `answer` in full, from the gate's Parquet file to CSV bytes, a new DuckDB connection each time;
- bare: the same GROUP BY on a table in DuckDB's memory, connection open, rows fetched;
- bare, parquet: the same GROUP BY on the same Parquet file, to show how much reading takes;
- opendp: bare, then OpenDP's make_laplace over the 1,000 results. Polars, which OpenDP's own query API needs, is not
  installed here; this peer bounds no user's contribution, so it is less work than any user-level OpenDP query.
Run: `python benchmarks/dp_query.py [--small]`; --small does 1M rows only. The goals are promised for 10M rows against
`bare`; at 1M a constant part (a new engine, 1,000 draws of noise) weighs more, and the line says whether they hold.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb
import numpy as np
import opendp.prelude as dp
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import ViewTerms
from sandbox.privacy.answer import Engine, answer
from sandbox.privacy.plan import Plan, Question, plan
from sandbox.reason import Said

KEYS = tuple(f"k{i:03d}" for i in range(1000))
ROUNDS = 9
THREADS = 2
GOALS = {"count": 3.0, "sum": 4.0}
ITEMS = {"count": "COUNT(*)", "sum": "SUM(amount)"}
BOUND = "/*+ rows_per_unit(10) */"
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
        upper="200" if role is Role.MEASURE else "",
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
        column("amount", Kind.FLOAT, Role.MEASURE),
    ),
    snapshot=SNAPSHOT,
    rows=0,
)
VIEW = ViewTerms(asset=ASSET.id, snapshot=SNAPSHOT, columns=("key", "amount"))


def write_gate(path: Path, rows: int) -> None:
    rng = np.random.default_rng(7)
    users = min(1_000_000, rows // 2)
    unit = (users * rng.random(rows) ** 2).astype(
        np.int64
    )  # the first tenth has a third of the rows
    ranks = 1 / np.arange(1, len(KEYS) + 1)
    key = rng.choice(len(KEYS), size=rows, p=ranks / ranks.sum())
    table = pa.table(
        {
            "key": pa.DictionaryArray.from_arrays(key.astype(np.int32), pa.array(KEYS)).cast(
                pa.string()
            ),
            "amount": rng.gamma(2.0, 25.0, rows),
            "_unit": unit,
            "_unit_rows": np.bincount(unit, minlength=users)[unit],
        }
    )
    pq.write_table(table, path)


def timed(action: Callable[[], object]) -> float:
    begin = perf_counter()
    action()
    return perf_counter() - begin


def ours(item: str, gate: Path) -> bytes:
    made = plan(
        Question(
            sql=f"SELECT {BOUND} key, {item} AS x FROM bench GROUP BY key",
            assets=(ASSET,),
            views=(VIEW,),
            epsilon=Fraction(1),
        )
    )
    assert isinstance(made, Plan), made
    return answer(made, gate, engine=Engine(threads=THREADS))[0]


def noised(rows: list[tuple[object, ...]]) -> list[float]:
    """Add OpenDP's float Laplace noise to the second column of a group-by."""
    domain = dp.vector_domain(dp.atom_domain(T=float, nan=False))
    measurement = dp.m.make_laplace(domain, dp.l1_distance(T=float), scale=10.0)
    return list(measurement([float(str(row[1])) for row in rows]))


def peers(
    item: str, gate: Path, memory: duckdb.DuckDBPyConnection
) -> dict[str, Callable[[], object]]:
    sql = f"SELECT key, {item} FROM {{}} GROUP BY key"
    bare = sql.format("loans")
    return {
        "ours": lambda: ours(item, gate),
        "bare": lambda: memory.execute(bare).fetchall(),
        "bare, parquet": lambda: memory.execute(sql.format(f"'{gate}'")).fetchall(),
        "opendp": lambda: noised(memory.execute(bare).fetchall()),
    }


def measure(rows: int, folder: Path) -> dict[str, dict[str, float]]:
    """Return for each query the median seconds of each contender."""
    gate = folder / "gate.parquet"
    write_gate(gate, rows)
    with duckdb.connect(":memory:") as memory:
        memory.execute(f"SET threads = {THREADS}")
        memory.execute(f"CREATE TABLE loans AS SELECT * FROM '{gate}'")
        return {name: interleaved(peers(item, gate, memory)) for name, item in ITEMS.items()}


def interleaved(contenders: dict[str, Callable[[], object]]) -> dict[str, float]:
    for run in contenders.values():
        run()
    rounds = [{name: timed(run) for name, run in contenders.items()} for _ in range(ROUNDS)]
    return {name: median(one[name] for one in rounds) for name in contenders}


def main() -> None:
    dp.enable_features("contrib")
    sizes = [1_000_000] if "--small" in sys.argv[1:] else [1_000_000, 10_000_000]
    goals = []
    print(f"{'rows':>12} {'query':>6} {'contender':>14} {'median ms':>10} {'ours / it':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            for query, seconds in measure(rows, Path(folder)).items():
                for name, one in seconds.items():
                    print(
                        f"{rows:>12,} {query:>6} {name:>14} {one * 1e3:>10.1f} {seconds['ours'] / one:>10.2f}"
                    )
                goals.append((rows, query, seconds["ours"] / seconds["bare"]))
    for rows, query, ratio in goals:
        goal = GOALS[query]
        name = f"dp_query.{query}.{rows // 1_000_000}M"
        print(
            json.dumps(
                {"benchmark": name, "ratio": round(ratio, 2), "goal": goal, "met": ratio <= goal}
            )
        )


if __name__ == "__main__":
    main()
