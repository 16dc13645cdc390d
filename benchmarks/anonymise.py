"""How fast a table is judged and made 5-anonymous, and how much of it is lost, beside anonypy, anonypyx and pycanon.

Run `python benchmarks/anonymise.py [ROWS] [--peers=PYTHON]`; 10,000,000 rows unless told otherwise. PYTHON is the interpreter of
an environment in which `anonymise_peers.py` finds its libraries; without it only our own seconds are shown. The table is a
made-up register of people with six columns that others may know and one that they may not. Loss is the normalised certainty
penalty, computed by one function for all from the classes alone. lighthouse is not among the peers: no package of that name
in the index is an anonymiser.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sandbox.anonymity.generalise import generalised
from sandbox.anonymity.items import items_of
from sandbox.anonymity.judge import Known, coded_rows, evidence_of, read
from sandbox.anonymity.mondrian import cutter_for
from sandbox.anonymity.mondrian_compiled import compiled_classes_of
from sandbox.asset import Column, Grade, Kind, Role
from sandbox.order import Generalise
from sandbox.reason import Said

ROWS = 10_000_000
SMALL = (10_000, 100_000)
MDAV_ROWS = 10_000
ROUNDS = 3
NEAR = 1e-6
PYCANON_ROWS = 10_000
QUASI = ("age", "sex", "area", "edu", "income", "size")
NUMBERS = frozenset({"age", "income", "size"})
SECONDS_TO_CUT, SECONDS_TO_JUDGE = 12.0, 7.0
AIM = Generalise(quasi=QUASI, k=5)
KNOWN = Known(quasi=QUASI, sensitive=("disease",))
COLUMNS = tuple(
    Column(
        name=name,
        kind=Kind.INT if name in NUMBERS else Kind.STRING,
        role=Role.ATTRIBUTE,
        grade=Grade.L2,
        title=Said(zh=name, en=name),
    )
    for name in (*QUASI, "disease")
)
SQL_K_AND_L = """
WITH pairs AS (SELECT age, sex, area, edu, income, size, disease, count(*) AS n FROM read_parquet($1) GROUP BY ALL),
classes AS (SELECT sum(n) AS units, count(*) AS l, -sum(n * ln(n)) AS e FROM pairs GROUP BY age, sex, area, edu, income, size)
SELECT min(units), min(l), min(exp(ln(units) + e / units)), count(*) / sum(units) FROM classes
"""
"""k, both kinds of l and the average risk in plain SQL, without t."""
Goal = dict[str, object]


def people(rows: int) -> pa.Table:
    """Make a register: ages by a normal law, areas by Zipf's, incomes by a log-normal one in whole hundreds."""
    dice = np.random.default_rng(11)
    age = np.clip(dice.normal(45, 18, rows), 0, 100).astype(np.int64)
    return pa.table(
        {
            "age": age,
            "sex": _names("s", dice.integers(0, 2, rows)),
            "area": _names("a", np.minimum(dice.zipf(1.3, rows), 3000)),
            "edu": _names("e", np.minimum(dice.poisson(age / 10), 15)),
            "income": np.round(dice.lognormal(10, 1, rows), -2).astype(np.int64),
            "size": np.minimum(dice.geometric(0.4, rows), 12),
            "disease": _names("d", np.minimum(dice.geometric(0.15, rows), 39)),
            "_unit": np.arange(rows),
        }
    )


def _names(letter: str, codes: NDArray[np.int64]) -> pa.Array:
    names = pa.array([f"{letter}{i:04}" for i in range(int(codes.max()) + 1)])
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names).dictionary_decode()


def loss(table: pa.Table, classes: NDArray[np.int64]) -> float:
    """Return the normalised certainty penalty of a partition: 0 hides nothing, 1 everything."""
    order = np.argsort(classes, kind="stable")
    firsts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    sizes = np.diff(np.append(firsts, len(classes)))
    lost = 0.0
    for name in QUASI:
        values = np.unique(table.column(name).to_numpy(), return_inverse=True)
        if name in NUMBERS:
            column = values[0][values[1]].astype(float)[order]
            reach = np.maximum.reduceat(column, firsts) - np.minimum.reduceat(column, firsts)
            each = reach / max(1.0, column.max() - column.min())
        else:
            size = len(values[0])
            members = np.unique(classes * np.int64(size) + values[1]) // size
            each = (np.bincount(members) - 1) / max(1, size - 1)
        lost += float((each * sizes).sum())
    return lost / (len(classes) * len(QUASI))


def cut(table: pa.Table, path: Path) -> Iterator[Goal]:
    """Time reading, coding and cutting, after the code was compiled; and labels and evidence beside them."""
    begun = perf_counter()
    items, _ = items_of(_rows(table.slice(0, 1000)))
    compiled_classes_of(items, AIM)
    compiled = perf_counter() - begun
    begun = perf_counter()
    items, tuples = items_of(_rows(path))
    coded = perf_counter() - begun
    classes = cutter_for(items)(items, AIM)[tuples.of]
    seconds = perf_counter() - begun
    sizes = np.bincount(classes)
    assert len(classes) == table.num_rows
    assert sizes.min() >= AIM.k
    begun = perf_counter()
    whole = generalised(path, COLUMNS, unit="_unit", aim=AIM)
    print(f"compiling, once a process           {compiled:8.2f} s")
    print(f"reading and coding                  {coded:8.2f} s   {items.count} different rows")
    print(
        f"... and cutting                     {seconds:8.2f} s   {len(sizes)} classes of {AIM.k} or more"
    )
    print(
        f"all, with labels and evidence       {perf_counter() - begun:8.2f} s   loss {float(whole.loss):.6f}"
    )
    yield goal(
        f"Mondrian k=5 on {table.num_rows} x 6 with coding, seconds / limit",
        seconds / SECONDS_TO_CUT,
    )
    yield goal("rows lost", table.num_rows - int(sizes.sum()), limit=0)


def judge(path: Path, rows: int) -> Iterator[Goal]:
    """Time all figures, and those that plain SQL gives too, by turns."""
    ours, sql = [], []
    for _ in range(ROUNDS):
        begun = perf_counter(), process_time()
        evidence = evidence_of(path, COLUMNS, unit="_unit", known=KNOWN)
        ours.append((perf_counter() - begun[0], process_time() - begun[1]))
        begun = perf_counter(), process_time()
        with duckdb.connect() as connection:
            told = connection.execute(SQL_K_AND_L, [str(path)]).fetchall()[0]
        sql.append((perf_counter() - begun[0], process_time() - begun[1]))
        found = evidence.sensitive[0]
        same = (found.entropy, evidence.risks.prosecutor_average)
        assert told[:2] == (evidence.k, found.distinct)
        assert np.allclose(told[2:], [float(each) for each in same])
    (mine, worked), (theirs, they) = sorted(ours)[1], sorted(sql)[1]
    print(f"k, l, t and risks                   {mine:8.2f} s   {worked:.2f} of a processor")
    print(f"k, l and one risk by DuckDB         {theirs:8.2f} s   {they:.2f} of processors")
    yield goal(f"k, l, t and risks of {rows} rows, seconds / limit", mine / SECONDS_TO_JUDGE)
    yield goal("k, l, t and risks, seconds / DuckDB's for k, l and one risk", mine / theirs)


def beside(python: str, folder: Path) -> Iterator[Goal]:
    """Hold loss and seconds against the libraries' on smaller tables."""
    for rows in SMALL:
        table = people(rows)
        pa.csv.write_csv(table.drop_columns(["_unit"]), folder / "table.csv")
        begun = perf_counter()
        items, tuples = items_of(_rows(table))
        classes = cutter_for(items)(items, AIM)[tuples.of]
        seconds = perf_counter() - begun
        own = loss(table, classes)
        print(
            f"\n{rows} rows{'seconds':>22}{'loss':>12}\nshuyu               {seconds:10.2f}{own:12.6f}"
        )
        ways = ("anonypy", "anonypyx", *(("mdav",) if rows <= MDAV_ROWS else ()))
        losses = {}
        for way in ways:
            told = _peer(python, way, folder)
            losses[way] = loss(table, np.load(folder / "classes.npy"))
            print(f"{way:20}{told['seconds']:10.2f}{losses[way]:12.6f}", flush=True)
        mondrians = min(found for way, found in losses.items() if way != "mdav")
        yield goal(f"loss at {rows} rows / best Mondrian of the libraries", own / mondrians)
        yield goal(f"loss at {rows} rows / best of the libraries", own / min(losses.values()))
        if rows == PYCANON_ROWS:
            begun = perf_counter()
            found = evidence_of(table, COLUMNS, unit="_unit", known=KNOWN)
            mine = perf_counter() - begun
            told = _peer(python, "pycanon", folder)
            assert (told["k"], told["l"]) == (found.k, found.sensitive[0].distinct)
            assert abs(told["t"] - float(found.sensitive[0].closeness)) < NEAR
            yield goal(f"k, l, t of {rows} rows, seconds / pycanon's", mine / told["seconds"])


def goal(name: str, ratio: float, *, limit: float = 1.0) -> Goal:
    return {"benchmark": name, "ratio": round(ratio, 4), "goal": limit, "met": ratio <= limit}


def _rows(source: pa.Table | Path):  # type: ignore[no-untyped-def] # noqa: ANN202 - coded_rows' own
    known, columns = Known(quasi=QUASI), COLUMNS[: len(QUASI)]
    return coded_rows(read(source, columns, unit="_unit"), columns, unit="_unit", known=known)


def _peer(python: str, way: str, folder: Path) -> dict[str, float]:
    script = Path(__file__).resolve().with_name("anonymise_peers.py")
    command = [
        python,
        "-W",
        "ignore",
        str(script),
        way,
        str(folder / "table.csv"),
        str(folder / "classes.npy"),
    ]
    told: dict[str, float] = json.loads(subprocess.check_output(command, text=True, cwd=folder))
    return told


def main(words: list[str]) -> None:
    rows = next((int(word) for word in words if not word.startswith("--")), ROWS)
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, path = people(rows), folder / "table.parquet"
        pq.write_table(table, path)
        goals = [*judge(path, rows), *cut(table, path)]
        for word in words:
            if word.startswith("--peers="):
                goals += beside(word.partition("=")[2], folder)
    print(f"load {os.getloadavg()[0]:.2f}\n")
    for each in goals:
        print(json.dumps(each))


if __name__ == "__main__":
    main(sys.argv[1:])
