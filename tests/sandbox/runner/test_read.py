"""Untrusted files of every form, read in a container without data."""

import base64
import gzip
import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from sandbox.egress.layers import Unwrapped
from sandbox.egress.reading import Form, Question, heard
from sandbox.order import Artifact, Limits, OutputName
from tests.sandbox.egress.examples import InProcessReader
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


QUESTION = Question(form=Form.TABLE, rows=30_000_000)


def asked(
    node: Node, artifact: Artifact, question: Question, limits: Limits = LIMITS
) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        node.client.read(artifact, asked=question.written(), limits=limits)
    )
    return said


@pytest.mark.parametrize("written", [parquet, stream, feather])
def test_a_plain_table_is_read_cell_for_cell_and_its_metadata_stays_behind(
    node: Node, written: Callable[[pa.Table], Artifact]
) -> None:
    said = asked(node, written(TABLE), QUESTION)

    table = said["body"]["table"]
    assert table["columns"] == ["甲", "n", "x", "b", "none"]
    assert str(table["rows"]) == str(
        [
            ["a", 2**63 - 1, math.nan, True, None],
            [None, None, -math.inf, False, None],
            ["b", -1, 0.1, None, None],
        ]
    )
    assert "CANARY" not in str(said)


@pytest.mark.parametrize(
    ("artifact", "why"),
    [
        (parquet(pa.table({"l": [[1]]})), "table"),
        (parquet(pa.table({"t": pa.array([0], pa.timestamp("us"))})), "table"),
        (Artifact(OutputName("O1"), "parquet", parquet(TABLE).content[:-9]), "table"),
        (Artifact(OutputName("O1"), "arrow", b"\xff" * 100), "table"),
        (stream(pa.table({"s": pa.array([b"\xff\xfe"]).view(pa.string())})), "table"),
        (parquet(pa.table({"s": pa.array(["x" * 10_000] * 3_000)})), "long"),
    ],
    ids=["list", "timestamp", "cut", "noise", "invalid UTF-8", "longer than is read"],
)
def test_what_is_no_plain_table_is_refused(node: Node, artifact: Artifact, why: str) -> None:
    assert asked(node, artifact, QUESTION)["body"] == {"refused": why}


FILES: dict[str, tuple[Form, bytes]] = {
    "csv": (Form.CSV, 'grade,"mean, of all"\nA,"1.5"\n\u7532,\n'.encode()),
    "json": (Form.JSON, b'{"auc": 0.7, "note": "4353563b313233343b41"}'),
    "chart": (Form.SPECIFICATION, b'{"mark": "bar", "data": {"name": "O1"}}'),
    "prose": (Form.TEXT, b"Done.\n" + base64.b64encode(gzip.compress(b"a row, and another"))),
    "picture": (Form.BYTES, b"\x89PNG\r\n\x1a\n\0\0\0\x05tEXta\0bcd"),
    "bomb": (Form.BYTES, gzip.compress(bytes(9 * 2**20))),
    "neither": (Form.CSV, b"\xff\xfe\0"),
    "control": (Form.TEXT, b"Done.\n\x1b[2J"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_container_reads_every_form_as_its_program_does_here(node: Node, name: str) -> None:
    form, content = FILES[name]
    question, artifact = Question(form=form, rows=100), Artifact(OutputName("O1"), "", content)

    said = asked(node, artifact, question)

    assert said == json.loads(InProcessReader()(artifact, question))
    assert isinstance(heard(json.dumps(said).encode(), question).unwrapped, Unwrapped)
    assert set(said) == {"body", "bomb", "layers"}


def test_a_file_that_unfolds_beyond_memory_is_too_large(node: Node) -> None:
    bomb = parquet(pa.table({"n": pa.array([7], pa.int64()).take(pa.array([0] * 20_000_000))}))

    said = asked(node, bomb, QUESTION, replace(LIMITS, memory_bytes=128 * 1024**2))

    assert len(bomb.content) < 1024**2
    assert said == {"refused": "too large"}


def test_an_answer_beyond_its_limit_is_too_large(node: Node) -> None:
    content = b"a" * (LIMITS.output_bytes + 1)

    said = asked(node, Artifact(OutputName("O1"), "txt", content), Question(form=Form.TEXT, rows=1))

    assert said == {"refused": "too large"}


def test_a_program_that_fails_has_read_nothing(node: Node) -> None:
    said = node.client.read(Artifact(OutputName("O1"), "csv", b"a\n1\n"), asked="{}", limits=LIMITS)

    assert json.loads(said) == {"refused": "unreadable"}


def test_readings_take_no_jobs_place_and_wait_for_each_other(node: Node) -> None:
    artifact, question = parquet(TABLE), QUESTION
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: asked(node, artifact, question), range(8)))

    assert all(each["body"]["table"]["columns"][0] == "甲" for each in said)
