"""Arrow and Parquet bombs through the real reader container: blocked with a finding of their own, and the host's memory untouched."""

import os
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from sandbox.egress.inspection import inspect
from sandbox.egress.terms import Inspection
from sandbox.egress.verdict import Blocked, Held, Verdict
from sandbox.order import (
    Artifact,
    EgressPolicy,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from sandbox.run import _reading
from tests.sandbox.egress.examples import rules, told
from tests.sandbox.egress.raw.weighing import peak_above
from tests.sandbox.runner.conftest import CANARY, Node, containers, until

pytestmark = pytest.mark.timeout(300)

HOST_BYTES = 256 * 2**20
"""The most that a reading may add to the process that asks, which is its keeper's too here: eight times an answer's bound."""
TERMS = OutputTerms(
    name=OutputName("O1"),
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.REVIEWED,
    max_rows=1_000_000,
    max_bytes=64 * 2**20,
)
Made = Callable[[], Artifact]


def parquet(table: pa.Table) -> Artifact:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink, compression="zstd")
    return Artifact(OutputName("O1"), "parquet", sink.getvalue().to_pybytes())


def arrow(table: pa.Table) -> Artifact:
    sink, packed = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, table.schema, options=packed) as writer:
        writer.write_table(table)
    return Artifact(OutputName("O1"), "arrow", sink.getvalue().to_pybytes())


def one_cell(size: int) -> pa.Array:
    """Return one text of so many bytes, made without a copy."""
    offsets, text = np.array([0, size]), pa.py_buffer(b"x" * size)
    return pa.Array.from_buffers(pa.large_string(), 1, [None, pa.py_buffer(offsets), text])


def repeated(size: int, *, times: int) -> pa.Table:
    """Return a column of one large text so many times: it is stored once."""
    places = pa.array(np.zeros(times, np.int32))
    return pa.table({"a": pa.DictionaryArray.from_arrays(places, one_cell(size))})


def wide() -> pa.Table:
    return pa.table({f"c{n}": [1] for n in range(10_000)})


TABLE = pa.table({"grade": ["A", "B"], "mean": [1.25, 3.5], "n": [40, 55]})
PAYLOAD = pa.array(np.array([0x7FF8_DEAD_BEEF_CAFE], "<u8").view("<f8"))
TOO_LARGE, TOO_MANY = "egress.too_long", "egress.rows"
BOMBS: dict[str, tuple[Made, str]] = {
    "100 MB ten thousand times in a dictionary of parquet": (
        lambda: parquet(repeated(100 * 2**20, times=10_000)),
        TOO_LARGE,
    ),
    "a thousand million rows of nothing": (
        lambda: arrow(pa.table({"a": pa.nulls(1_000_000_000)})),
        TOO_MANY,
    ),
    "a day in the year 10000": (
        lambda: parquet(pa.table({"a": pa.array([253_402_300_800_000_000], pa.timestamp("us"))})),
        "egress.arrow",
    ),
    "a payload in NaN": (lambda: parquet(pa.table({"a": PAYLOAD})), "egress.not_finite"),
    "NUL bytes": (lambda: arrow(pa.table({"a": ["x\0y"]})), "egress.encoding"),
    "metadata and a list": (
        lambda: parquet(pa.table({"a": [[1]]}).replace_schema_metadata({"note": CANARY})),
        "egress.arrow",
    ),
}
SLOW: dict[str, tuple[Made, str]] = {
    "50 MB ten million times in a dictionary of arrow": (
        lambda: arrow(repeated(50 * 2**20, times=10_000_000)),
        TOO_MANY,
    ),
    "a cell of a gigabyte": (lambda: arrow(pa.table({"a": one_cell(2**30)})), TOO_LARGE),
    "a hundred million empty cells": (
        lambda: parquet(pa.table({"a": pa.nulls(100_000_000, pa.int64())})),
        TOO_MANY,
    ),
    "ten thousand columns of parquet": (lambda: parquet(wide()), "egress.width"),
    "ten thousand columns of arrow": (lambda: arrow(wide()), "egress.width"),
}
if os.environ.get("SHUYU_EGRESS") == "long":
    BOMBS |= SLOW


@pytest.fixture
def judge(node: Node) -> Callable[[Artifact], Verdict]:
    asked = Inspection(
        outputs=(TERMS,),
        policy=EgressPolicy(min_units=10, dominance_percent=85),
        views=(),
        read=_reading(node.client),
    )
    return lambda artifact: inspect([artifact], asked).verdicts[0]


@pytest.mark.engine
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_blocked_by_its_own_rule_and_takes_no_memory_of_the_host(
    name: str, judge: Callable[[Artifact], Verdict], node: Node
) -> None:
    made, rule = BOMBS[name]
    artifact = made()
    assert isinstance(judge(parquet(TABLE)), Held)  # what the checks load stays

    verdict, peak = peak_above(lambda: judge(artifact))

    assert isinstance(verdict, Blocked)
    assert rule in rules(verdict)
    assert "egress.check_failed" not in rules(verdict)
    assert CANARY not in told(verdict)
    assert peak < HOST_BYTES
    until(lambda: not containers(node), seconds=30)
    assert isinstance(judge(parquet(TABLE)), Held)


def test_read_without_the_container_such_a_file_takes_what_it_says() -> None:
    content = parquet(repeated(2**20, times=600)).content

    cells, peak = peak_above(pyarrow.parquet.read_table(pa.BufferReader(content))["a"].to_pylist)

    assert len(content) < 2**16
    assert len(cells) == 600
    assert peak > HOST_BYTES
