"""One unit is in one block of every view, and a block's files are made of its own rows alone, to the byte."""

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from sandbox.asset import AssetId
from sandbox.blocks.judge import mixed_units
from sandbox.blocks.split import Question, _whole, _write, block_views, blocks_of, split
from sandbox.data.view import compile_view
from sandbox.data.view_files import UNIT
from tests.sandbox.blocks.ground import CANARY, KEY, Row, ground, taken_in, viewed

K = 8
ROWS: list[Row] = [
    (i % 40, {"value": float(i), "flag": bool(i % 2), "word": f"{CANARY}-{i}"}) for i in range(100)
]
MORE: list[Row] = [(i % 50, {"value": i / 3, "flag": None, "word": None}) for i in range(80)]
ZEROS: list[Row] = [(i % 5, {"value": zero}) for i in range(12) for zero in (0.0, -0.0)]
"""Rows that are equal in SQL and differ in bits, in an order of which nothing must be seen."""
values = st.fixed_dictionaries(
    {
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "word": st.none() | st.sampled_from(["a", "b", "长"]),
    }
)
tables = st.lists(st.tuples(st.integers(0, 12), values), min_size=1, max_size=30)
Files = Mapping[int, str]


def question(*views: object, k: int = K) -> Question:
    return Question(job="J-1", scope="SC-1", views=views, k=k)  # type: ignore[arg-type]


def blocks(home: Path, **tables: Sequence[Row]) -> Files:
    """Return a hash of each block's files over all assets."""
    views = [viewed(taken_in(name, rows, home=home)) for name, rows in tables.items()]
    with split(question(*views), ground(home)) as made:
        return {block: hashed(made.folder / f"{block:04d}") for block in range(K)}


def hashed(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.*")):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


@settings(
    max_examples=200 if os.environ.get("SHUYU_PRIVACY") == "long" else 6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(loans=tables, visits=tables, unit=st.integers(0, 12))
@example(loans=ZEROS, visits=ZEROS[::-1], unit=1)
def test_one_unit_changes_the_files_of_one_block_at_most(
    loans: list[Row], visits: list[Row], unit: int
) -> None:
    stay: list[Row] = [(99, {"value": 1.0})]  # an asset has a row
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        present = blocks(Path(one), LOANS=[*loans, *stay], VISITS=[*visits, *stay])
        absent = blocks(
            Path(other),
            LOANS=[row for row in [*loans, *stay] if row[0] != unit],
            VISITS=[row for row in [*visits, *stay] if row[0] != unit],
        )

    assert sum(present[block] != absent[block] for block in range(K)) <= 1


def test_a_unit_that_was_told_by_its_number_would_change_many_blocks() -> None:
    marks = pa.chunked_array([[hashlib.md5(bytes([i])).hexdigest() for i in range(40)]])
    fewer = pa.chunked_array([marks.to_pylist()[1:]])

    by_number = [[unit % K for unit in range(len(each))] for each in (marks, fewer)]
    by_mark = [blocks_of(each, K)["_block"].to_pylist() for each in (marks, fewer)]

    assert sum(a != b for a, b in zip(by_number[0][1:], by_number[1], strict=True)) > 1
    assert by_mark[0][1:] == by_mark[1]


@pytest.mark.parametrize("kind", ["int", "string"])
def test_a_unit_is_in_the_same_block_of_every_asset_with_all_of_its_rows(
    tmp_path: Path, kind: str
) -> None:
    assets = [
        taken_in(n, r, home=tmp_path, kind=kind) for n, r in {"LOANS": ROWS, "VISITS": MORE}.items()
    ]
    views = [
        replace(viewed(a), columns=("person", "value"), pseudonyms=("person",)) for a in assets
    ]

    with split(question(*views), ground(tmp_path)) as made:
        seen = [units(dict(block_views(made.folder, block))) for block in range(K)]

    assert sum(len(loans) for loans, _ in seen) == 40
    assert sum(len(visits) for _, visits in seen) == 50
    assert sum(len(set(loans) | set(visits)) for loans, visits in seen) == 50
    assert sum(sum(loans.values()) for loans, _ in seen) == len(ROWS)


def units(folders: Mapping[str, Path]) -> list[dict[str, int]]:
    """Count each unit's rows, asset by asset."""
    tables = [pq.read_table(folders[name] / f"{name}.parquet") for name in ("LOANS", "VISITS")]
    counted = [table.group_by("person").aggregate([([], "count_all")]) for table in tables]
    return [
        dict(zip(each["person"].to_pylist(), each["count_all"].to_pylist(), strict=True))
        for each in counted
    ]


def test_arrow_and_parquet_hold_the_same_rows_which_are_the_views_own(tmp_path: Path) -> None:
    view = viewed(taken_in("LOANS", ROWS, home=tmp_path))
    here = ground(tmp_path)

    with split(question(view), here) as made:
        folders = [dict(block_views(made.folder, block))["LOANS"] for block in range(K)]
        parquet = [pq.read_table(each / "LOANS.parquet") for each in folders]
        arrow = [pa.ipc.open_file(each / "LOANS.arrow").read_all() for each in folders]

    whole = compile_view(view, scope="SC-1", key=KEY, data=here.data, views=here.views)
    gate = pq.read_table(whole.gate).drop_columns([UNIT, "_unit_rows"])
    assert arrow == parquet
    assert pa.concat_tables(parquet).sort_by("word").equals(gate.sort_by("word"))
    assert parquet[0].schema == gate.schema


def test_blocks_without_a_unit_are_there_and_have_no_rows(tmp_path: Path) -> None:
    view = viewed(taken_in("LOANS", ROWS[:1], home=tmp_path))

    with split(question(view), ground(tmp_path)) as made:
        rows = [pq.read_metadata(path).num_rows for path in made.folder.rglob("*.parquet")]

    assert sorted(rows) == [0] * (K - 1) + [1]


def test_another_job_has_other_blocks(tmp_path: Path) -> None:
    asked = question(viewed(taken_in("LOANS", ROWS, home=tmp_path)))
    here, seen = ground(tmp_path), []

    for job in ("J-1", "J-1", "J-2"):
        with split(replace(asked, job=job), here) as made:
            seen.append([hashed(made.folder / f"{block:04d}") for block in range(K)])

    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_nothing_but_the_view_is_left_afterwards(tmp_path: Path) -> None:
    asked = question(viewed(taken_in("LOANS", ROWS, home=tmp_path)))
    here = ground(tmp_path)

    with pytest.raises(ZeroDivisionError), split(asked, here):
        _ = 1 // 0

    assert [path.name[0] for path in here.views.iterdir()] != ["."]
    assert len(list(here.views.iterdir())) == 1


def test_blocks_of_a_process_that_was_killed_are_removed_by_the_next(tmp_path: Path) -> None:
    asked = question(viewed(taken_in("LOANS", ROWS, home=tmp_path)))
    here = ground(tmp_path)
    program = (
        "import pickle, sys, time\nfrom sandbox.blocks.split import split\n"
        "with split(*pickle.loads(bytes.fromhex(sys.argv[1]))):\n  print('split', flush=True)\n  time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, pickle.dumps((asked, here)).hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"split\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(list(here.views.glob(".staging-*"))) == 1

    with split(asked, here):
        assert len(list(here.views.glob(".staging-*"))) == 1

    assert list(here.views.glob(".staging-*")) == []


def test_a_block_carries_no_bit_of_the_rows_beside_it(tmp_path: Path) -> None:
    flags = pa.array([True, False, True] + [True] * 20)
    batch = pa.record_batch({"flag": flags}).slice(0, 3)
    alone = pa.table({"flag": flags[:3].to_pylist()})

    _write(_whole([batch], batch.schema), tmp_path / "own", AssetId("LOANS"))
    _write(pa.Table.from_batches([batch]), tmp_path / "slice", AssetId("LOANS"))
    _write(alone, tmp_path / "alone", AssetId("LOANS"))

    assert hashed(tmp_path / "own") == hashed(tmp_path / "alone")
    assert hashed(tmp_path / "slice") != hashed(tmp_path / "alone")


def test_no_file_says_when_it_was_written(tmp_path: Path) -> None:
    asked = question(viewed(taken_in("LOANS", ROWS, home=tmp_path)))

    with split(asked, ground(tmp_path)) as made:
        paths = [path for block in range(K) for path in (made.folder / f"{block:04d}").rglob("*")]
        times = {path.stat().st_mtime for path in paths}

    assert times == {0}


def test_assets_that_protect_other_units_are_refused(tmp_path: Path) -> None:
    numbers = taken_in("LOANS", ROWS, home=tmp_path)
    texts = taken_in("VISITS", MORE, home=tmp_path, kind="string")

    assert mixed_units([numbers, numbers]) == ()
    assert [reason.rule for reason in mixed_units([numbers, texts])] == ["blocks.units"]
