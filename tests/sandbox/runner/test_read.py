"""Untrusted Arrow and Parquet files, read in a container without data."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from sandbox.order import Artifact, OutputName
from tests.sandbox.runner.conftest import LIMITS, Node

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


def parquet(table: pa.Table) -> Artifact:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink)
    return Artifact(OutputName("O1"), "parquet", sink.getvalue().to_pybytes())


def stream(table: pa.Table) -> Artifact:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Artifact(OutputName("O1"), "arrow", sink.getvalue().to_pybytes())


def feather(table: pa.Table) -> Artifact:
    sink = pa.BufferOutputStream()
    pa.feather.write_feather(table, sink)
    return Artifact(OutputName("O1"), "arrow", sink.getvalue().to_pybytes())


TABLE = pa.table(
    {
        "甲": pa.array(["a", None, "b"]).dictionary_encode(),
        "n": pa.array([2**63 - 1, None, -1], pa.int64()),
        "x": pa.array([float("nan"), float("-inf"), 0.1]),
        "b": pa.array([True, False, None]),
        "none": pa.nulls(3),
    }
).replace_schema_metadata({"hidden": "CANARY-7f3a9c"})


@pytest.mark.parametrize("written", [parquet, stream, feather])
def test_a_plain_table_is_read_cell_for_cell_and_its_metadata_stays_behind(
    node: Node, written: object
) -> None:
    assert callable(written)

    table = node.client.read(written(TABLE), limits=LIMITS)

    assert json.loads(table) == {
        "columns": [
            {"name": "甲", "type": "string"},
            {"name": "n", "type": "int"},
            {"name": "x", "type": "float"},
            {"name": "b", "type": "bool"},
            {"name": "none", "type": "null"},
        ],
        "rows": [
            ["a", 2**63 - 1, "NaN", True, None],
            [None, None, "-Infinity", False, None],
            ["b", -1, 0.1, None, None],
        ],
    }
    assert b"CANARY" not in table


@pytest.mark.parametrize(
    ("artifact", "why"),
    [
        (parquet(pa.table({"l": [[1]]})), "list"),
        (parquet(pa.table({"t": pa.array([0], pa.timestamp("us"))})), "timestamp"),
        (Artifact(OutputName("O1"), "parquet", parquet(TABLE).content[:-9]), "unreadable"),
        (Artifact(OutputName("O1"), "arrow", b"\xff" * 100), "unreadable"),
        (stream(pa.table({"s": pa.array([b"\xff\xfe"]).view(pa.string())})), "unreadable"),
        (parquet(pa.table({"s": pa.array(["x" * 10_000] * 300)})), "too large"),
    ],
    ids=["list", "timestamp", "cut", "noise", "invalid UTF-8", "larger than the limit"],
)
def test_what_is_no_plain_table_is_refused(node: Node, artifact: Artifact, why: str) -> None:
    table = node.client.read(artifact, limits=LIMITS)

    assert json.loads(table) == {"refused": why}


def test_a_file_that_unfolds_beyond_memory_is_too_large(node: Node) -> None:
    bomb = parquet(pa.table({"n": pa.array([7], pa.int64()).take(pa.array([0] * 20_000_000))}))

    table = node.client.read(bomb, limits=replace(LIMITS, memory_bytes=128 * 1024**2))

    assert len(bomb.content) < 1024**2
    assert json.loads(table) == {"refused": "too large"}
