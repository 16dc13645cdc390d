"""Times Qrlew on DuckDB and OpenDP on Polars on the count by key of `dp_query.py`; runs in an environment of its own.

Neither is a dependency of the project: `pip install pyqrlew duckdb 'opendp[polars]'` into another environment, then
`python dp_query_peers.py GATE.parquet`. Both bound a user's contribution themselves: generic, without a stored count.
Prints one JSON line for each peer: median seconds of three runs, and the sum of absolute errors over the true total.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Any

KEYS = [f"k{i:03d}" for i in range(1000)]
COUNT = "SELECT key, count(*) AS x FROM bench GROUP BY key"


def polars(gate: str) -> Callable[[], dict[str, float]]:
    """OpenDP 0.16: at most 10 rows of a user, keys given."""
    dp: Any = import_module("opendp.prelude")
    pl: Any = import_module("polars")

    dp.enable_features("contrib")

    def run() -> dict[str, float]:
        context = dp.Context.compositor(
            data=pl.scan_parquet(gate).select("key", "_unit"),
            privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("_unit")),
            privacy_loss=dp.loss_of(epsilon=1.0),
            split_evenly_over=1,
            margins=[dp.polars.Margin(by=["key"], max_groups=1000)],
        )
        query = context.query().truncate_per_group(10)
        keys = pl.LazyFrame({"key": KEYS})
        counted = query.group_by("key").agg(dp.len(signed=True)).with_keys(keys)
        found = counted.release().collect()
        return dict(found.iter_rows())

    return run


def qrlew(gate: str) -> Callable[[], dict[str, float]]:
    """Qrlew: its rewritten SQL, run by DuckDB; planning is not timed. It plans on one row, so only its time counts."""
    duckdb: Any = import_module("duckdb")
    pyqrlew: Any = import_module("pyqrlew")
    sql: Any = import_module("sqlalchemy")

    engine = sql.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE TABLE bench (key VARCHAR, unit BIGINT, amount DOUBLE)"))
        connection.execute(sql.text("INSERT INTO bench VALUES ('k000', 1, 1.0)"))
    data = pyqrlew.Dataset.from_database(name="d", engine=engine)
    data = data.with_possible_values(None, "bench", "key", KEYS)
    relation = data.relation(COUNT)
    made = relation.rewrite_with_differential_privacy(
        dataset=data,
        privacy_unit=[("bench", [], "unit")],
        epsilon_delta={"epsilon": 1.0, "delta": 1e-6},
    )
    query = made.relation().to_query()
    memory = duckdb.connect()
    memory.execute("SET threads = 2")
    memory.execute(f"CREATE TABLE bench AS SELECT key, _unit AS unit, amount FROM '{gate}'")
    return lambda: {key: float(value) for key, value in memory.execute(query).fetchall()}


def main() -> None:
    duckdb: Any = import_module("duckdb")

    gate = sys.argv[1]
    true = dict(duckdb.sql(f"SELECT key, count(*) FROM '{gate}' GROUP BY key").fetchall())
    for peer in (polars, qrlew):
        try:
            run = peer(gate)
            times, answers = [], []
            for _ in range(3):
                begin = perf_counter()
                answers.append(run())
                times.append(perf_counter() - begin)
        except Exception as error:  # noqa: BLE001 - a peer that does not run is a result
            print(
                json.dumps(
                    {"peer": peer.__name__, "failed": f"{type(error).__name__}: {str(error)[:300]}"}
                )
            )
            continue
        off = sum(abs(answers[0].get(key, 0) - true[key]) for key in true) / sum(true.values())
        print(json.dumps({"peer": peer.__name__, "seconds": median(times), "error": round(off, 3)}))


if __name__ == "__main__":
    main()
