"""Hostile files of every kind: each is blocked or held, never cleared and never an exception, in bounded time."""

import io
import json
import os
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.egress.bodies import MAX_COLUMNS
from sandbox.egress.inspection import inspect
from sandbox.egress.verdict import Blocked, Held, Verdict
from sandbox.order import Artifact
from tests.sandbox.egress.examples import CANARY, O1, file, output, rules, told
from tests.sandbox.egress.raw.books import Book, sealed_book
from tests.sandbox.egress.raw.test_unwrap import PACKINGS

SUFFIXES = ("csv", "json", "txt", "md", "arrow", "parquet", "safetensors", "zip", "png", "bin")
SECONDS = 30
"""Of processor time for the slowest; the tests' machine is shared."""
EXAMPLES = 600 if os.environ.get("SHUYU_EGRESS") == "long" else 30
quickly = settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return sealed_book("animals", tmp_path_factory.mktemp("book"))


@pytest.fixture
def judge(source: Book) -> Callable[[Artifact], Verdict]:
    def verdict(artifact: Artifact) -> Verdict:
        [only] = inspect([artifact], source.inspection(output())).verdicts
        assert isinstance(only, Blocked | Held)
        assert "egress.check_failed" not in rules(only)
        assert CANARY not in told(only) or isinstance(only, Held)
        return only

    return verdict


Judge = Callable[[Artifact], Verdict]


def csv() -> bytes:
    return b"grade,mean,n\nA,1.25,40\nB,-3.5e2,55\n" * 1


def table() -> pa.Table:
    return pa.table({"grade": ["A", "B"], "mean": [1.25, 3.5], "n": [40, 55]})


def parquet(made: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(made, out)
    return out.getvalue()


def arrow(made: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, made.schema) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue().to_pybytes())


def safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    return struct.pack("<Q", len(header)) + header + np.arange(4, dtype="<f4").tobytes()


SEEDS: dict[str, bytes] = {
    "csv": csv(),
    "json": b'[{"grade": "A", "mean": 1.25, "n": 40}, {"grade": "B", "mean": null, "n": 55}]',
    "txt": b"AUC 0.712 on 2,000 loans.\n",
    "md": b"# Report\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "arrow": arrow(table()),
    "parquet": parquet(table()),
    "safetensors": safetensors(),
    "zip": PACKINGS["zip"](csv()),
    "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 4) + b"tEXt" + b"a\0bc" + b"\0" * 4,
    "bin": zlib.compress(csv()),
}


@quickly
@given(suffix=st.sampled_from(SUFFIXES), content=st.binary(max_size=300))
def test_any_bytes_under_any_name_are_blocked_or_held(
    suffix: str, content: bytes, judge: Judge
) -> None:
    judge(Artifact(O1, suffix, content))


@quickly
@given(
    suffix=st.sampled_from(SUFFIXES),
    spoils=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 3)), max_size=6
    ),
)
def test_a_file_of_which_some_bytes_are_others_is_blocked_or_held(
    suffix: str, spoils: list[tuple[int, int, int]], judge: Judge
) -> None:
    content = bytearray(SEEDS[suffix])
    for place, letter, times in spoils:
        at = place % len(content)
        content[at : at + 1] = bytes([letter]) * times or b""

    judge(Artifact(O1, suffix, bytes(content)))


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
nested = st.recursive(
    cells,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
)


@quickly
@given(value=nested)
def test_any_json_is_blocked_or_held(value: object, judge: Judge) -> None:
    judge(Artifact(O1, "json", json.dumps(value).encode()))


@quickly
@given(text=st.text(max_size=200))
def test_any_text_is_blocked_or_held(text: str, judge: Judge) -> None:
    for suffix in ("txt", "csv", "md"):
        judge(Artifact(O1, suffix, text.encode("utf-8", errors="surrogatepass")))


@quickly
@given(rows=st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1), cells), max_size=4))
def test_any_frame_in_parquet_is_blocked_or_held(
    rows: list[tuple[float, int, object]], judge: Judge
) -> None:
    columns = {
        "a": pa.array([row[0] for row in rows], pa.float64()),
        "b": pa.array([row[1] for row in rows], pa.int64()),
        "c": pa.array([ascii(row[2]) for row in rows], pa.string()),
    }

    judge(Artifact(O1, "parquet", parquet(pa.table(columns))))


def wide(suffix: str) -> bytes:
    names = [f"c{i}" for i in range(10_000)]
    if suffix == "csv":
        return (",".join(names) + "\n" + ",".join("1" for _ in names) + "\n").encode()
    if suffix == "json":
        return json.dumps([dict.fromkeys(names, 1)]).encode()
    return parquet(pa.table({name: [1] for name in names[: MAX_COLUMNS + 1]}))


NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8_DEAD_BEEF_CAFE))[0]
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "ten thousand columns of csv": ("csv", wide("csv"), "egress.width"),
    "ten thousand columns of json": ("json", wide("json"), "egress.width"),
    "a column too many of parquet": ("parquet", wide("parquet"), "egress.width"),
    "a cell larger than the output": ("csv", b"a\n" + b"x" * (5 * 2**20), "egress.size"),
    "NUL bytes": ("csv", b"a,b\n1,\x00\n", "egress.encoding"),
    "two encodings": ("txt", "沪".encode() + "沪".encode("gbk"), "egress.encoding"),
    "a byte order mark": ("csv", b"\xef\xbb\xbfa\n1\n", "egress.encoding"),
    "a control character by an escape": ("json", b'[{"a": "x\\u0000y"}]', "egress.encoding"),
    "a lone surrogate": ("json", b'["\\ud800"]', "egress.encoding"),
    "an integer of 3,000 digits": ("json", b'[{"a": ' + b"9" * 3000 + b"}]", "egress.cell_type"),
    "one in a document": ("json", b'{"a": {"b": ' + b"9" * 3000 + b"}}", "egress.json"),
    "an integer of 5,000 digits": ("json", b'[{"a": ' + b"9" * 5000 + b"}]", "egress.json"),
    "keys twice": ("json", b'[{"a": 1, "a": 2}]', "egress.json"),
    "columns twice": ("csv", b"a,a\n1,2\n", "egress.csv"),
    "deep nesting": ("json", b"[" * 100_000 + b"]" * 100_000, "egress.json"),
    "a payload in NaN": (
        "parquet",
        parquet(pa.table({"a": pa.array([1.0, NAN])})),
        "egress.not_finite",
    ),
    "NaN in json": ("json", b'[{"a": NaN}]', "egress.not_finite"),
    "infinity in csv": ("csv", b"a\n1e999\n", "egress.not_finite"),
    "nested lists in parquet": ("parquet", parquet(pa.table({"a": [[1, 2]]})), "egress.arrow"),
    "bytes in parquet": ("parquet", parquet(pa.table({"a": [b"\xff\x00"]})), "egress.arrow"),
    "a cut parquet": ("parquet", parquet(table())[:-9], "egress.arrow"),
    "a parquet that is a zip, too": (
        "parquet",
        parquet(table()) + PACKINGS["zip"](csv()),
        "egress.arrow",
    ),
    "a picture": ("png", SEEDS["png"], "egress.type"),
    "an archive": ("zip", SEEDS["zip"], "egress.type"),
    "a model that nobody trained": ("safetensors", SEEDS["safetensors"], "egress.type"),
    "a formula": ("csv", b'a\n"=HYPERLINK(1)"\n', "egress.formula"),
    "nothing": ("csv", b"", "egress.empty"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_blocked_by_its_own_rule_and_soon(name: str, judge: Judge) -> None:
    suffix, content, rule = HOSTILE[name]
    begun = time.process_time()

    verdict = judge(Artifact(O1, suffix, content))

    assert isinstance(verdict, Blocked)
    assert rule in rules(verdict)
    assert time.process_time() - begun < SECONDS


def test_a_gigabyte_is_refused_by_its_size_before_anything_reads_it(source: Book) -> None:
    content = memoryview(bytearray(2**30))
    begun = time.process_time()

    [verdict] = inspect(
        [Artifact(O1, "csv", content)],  # type: ignore[arg-type]
        source.inspection(output()),
    ).verdicts

    assert rules(verdict) == {"egress.size"}
    assert time.process_time() - begun < 5


def test_negative_zero_and_the_year_10000_are_plain_cells(judge: Judge) -> None:
    verdict = judge(file("csv", "day,mean,n\n10000-01-01,-0.0,40\n9999-12-31,0.0,41\n"))

    assert isinstance(verdict, Held)
    assert ",-0" not in verdict.preview


def test_metadata_of_a_file_does_not_leave_with_it(judge: Judge) -> None:
    made = table().replace_schema_metadata({"note": CANARY})

    for suffix, content in (("parquet", parquet(made)), ("arrow", arrow(made))):
        verdict = judge(Artifact(O1, suffix, content))

        assert isinstance(verdict, Held)
        assert CANARY not in verdict.preview
