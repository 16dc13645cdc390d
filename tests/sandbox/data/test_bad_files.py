import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.data.ingest import ingest
from sandbox.data.meta import AssetMeta, parse_meta
from sandbox.data.snapshot import snapshot_path
from sandbox.errors import DataError
from tests.sandbox.data.tables import (
    CANARY,
    COLUMNS,
    ROWS,
    declared,
    loans,
    write_arrow_file,
    write_arrow_stream,
    write_csv,
    write_duckdb,
    write_parquet,
)

NAMES = list(COLUMNS)


def refused(path: Path, meta: AssetMeta, data: Path) -> DataError:
    """Ingest what must be refused; whatever is said of it must quote nothing, and nothing stays."""
    with pytest.raises(DataError) as caught:
        ingest(path, meta, data=data)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert list(data.iterdir()) == []
    return caught.value


def with_value(row: int, column: str, value: str) -> tuple[tuple[str, ...], ...]:
    """Return the loan book with one other value; rows count from 1."""
    changed = [list(each) for each in ROWS]
    changed[row - 1][NAMES.index(column)] = value
    return tuple(tuple(each) for each in changed)


@pytest.mark.parametrize(
    "spoilt",
    [
        (2, "person", ""),
        (3, "state", CANARY),
        (1, "amount", CANARY),
        (4, "amount", "nan"),
        (4, "amount", "-inf"),
        (2, "term", f"{CANARY}"),
        (2, "term", "1.5"),
        (2, "term", "9223372036854775808"),
        (1, "late", CANARY),
        (3, "opened", "2024-02-30"),
        (3, "opened", CANARY),
        (3, "seen", f"2024-01-01 {CANARY}"),
    ],
)
def test_a_bad_value_in_a_csv_file_is_told_by_row_and_column(
    spoilt: tuple[int, str, str], tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    error = refused(write_csv(tmp_path, with_value(*spoilt)), meta, data)

    assert (error.row, error.column) == spoilt[:2]


def test_invalid_utf_8_is_told_by_row_and_column(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    path = write_csv(tmp_path, with_value(3, "card", f"{CANARY}~"))
    path.write_bytes(path.read_bytes().replace(b"~", b"\xff"))

    error = refused(path, meta, data)

    assert (error.row, error.column) == (3, "card")


@pytest.mark.parametrize("values", [3, 9], ids=["short", "long"])
def test_a_ragged_row_is_told_by_its_number(
    values: int, tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    rows = (*ROWS, (CANARY,) * values, ROWS[0])

    error = refused(write_csv(tmp_path, rows), meta, data)

    assert error.row == 5


def test_a_bad_value_far_down_is_told_by_its_own_row(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    rows = (*ROWS * 50_000, *with_value(1, "term", CANARY), *ROWS)

    error = refused(write_csv(tmp_path, rows), meta, data)

    assert (error.row, error.column) == (200_001, "term")


def test_a_file_that_was_cut_within_quotes_is_refused(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    path = write_csv(tmp_path)
    path.write_bytes(path.read_bytes().rstrip(b"\r\n") + b'\r\n"' + CANARY.encode())

    refused(path, meta, data)


@pytest.mark.parametrize(
    "header",
    [
        ",".join(NAMES[:-1]),
        ",".join([*NAMES, CANARY]),
        ",".join([*NAMES, NAMES[0]]),
        ",".join([*NAMES, "Person"]),
        ",".join([*NAMES, ""]),
        ",".join([*NAMES, "_row"]),
        ",".join([*NAMES[1:], f"{CANARY}-p1"]),
        f'"{CANARY}',
        "",
        CANARY,
    ],
)
def test_a_header_that_was_not_declared_is_refused_without_quoting_it(
    header: str, tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    path = tmp_path / "loans.csv"
    path.write_text(f"{header}\n{','.join(ROWS[0])}\n")

    refused(path, meta, data)


@pytest.mark.parametrize("text", ["", "person,card\n", "person,card"])
def test_a_file_without_rows_is_refused(text: str, tmp_path: Path, data: Path) -> None:
    columns = {name: COLUMNS[name] for name in ("person", "card")}
    path = tmp_path / "loans.csv"
    path.write_text(text)

    refused(path, parse_meta(declared(columns)), data)


def test_a_table_without_rows_is_refused(tmp_path: Path, data: Path, meta: AssetMeta) -> None:
    refused(write_parquet(tmp_path, loans().slice(0, 0)), meta, data)


def test_too_many_columns_are_refused(tmp_path: Path, data: Path, meta: AssetMeta) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{place}" for place in range(2_001)) + "\n1\n")

    refused(path, meta, data)


@pytest.mark.parametrize(
    ("column", "array"),
    [
        ("card", pa.array([[CANARY]] * 4)),
        ("card", pa.array([{"a": CANARY}] * 4)),
        ("card", pa.array([CANARY.encode()] * 4)),
        ("term", pa.array([CANARY] * 4)),
        ("term", pa.array(["1"] * 4)),
        ("term", pa.array([1.0] * 4)),
        ("late", pa.array([1] * 4)),
        ("opened", pa.array([1] * 4, pa.timestamp("us"))),
        ("seen", pa.array([1] * 4, pa.duration("us"))),
        ("person", pa.nulls(4)),
    ],
)
def test_a_column_of_another_type_is_refused_by_its_name(
    column: str, array: pa.Array, tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    table = loans().set_column(NAMES.index(column), column, array)

    error = refused(write_arrow_file(tmp_path, table), meta, data)

    assert error.column == column


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount", pa.array([1.0, None, float("nan"), 2.0])),
        ("amount", pa.array([1.0, None, float("inf"), 2.0])),
        ("term", pa.array([1, 2, 2**64 - 1, 4], pa.uint64())),
        ("amount", pa.array([1, 2, 2**53 + 1, 4])),
        ("seen", pa.array([1_000, 2_000, 1, 3_000], pa.timestamp("ns"))),
        ("state", pa.array(["CA", None, CANARY, "NY"])),
        ("person", pa.array(["a", "b", None, "c"])),
    ],
)
def test_a_bad_value_in_a_typed_file_is_told_by_row_and_column(
    column: str, values: pa.Array, tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    table = loans().set_column(NAMES.index(column), column, values)

    error = refused(write_parquet(tmp_path, table), meta, data)

    assert (error.row, error.column) == (3, column)


def test_text_that_only_pretends_to_be_utf_8_is_told_by_row_and_column(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    good = pa.array([CANARY, CANARY, f"{CANARY}~", None])
    buffers = [
        part and pa.py_buffer(part.to_pybytes().replace(b"~", b"\xff")) for part in good.buffers()
    ]
    table = loans().set_column(
        1, "card", pa.StringArray.from_buffers(4, buffers[1], buffers[2], buffers[0])
    )

    error = refused(write_arrow_file(tmp_path, table), meta, data)

    assert (error.row, error.column) == (3, "card")


@pytest.mark.parametrize("name", ["loans.xlsx", "loans", "missing.csv", "missing.duckdb#loans"])
def test_a_file_of_no_known_form_or_that_is_not_there_is_refused(
    name: str, tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    refused(tmp_path / name, meta, data)


@pytest.mark.parametrize(
    "write", [write_parquet, write_arrow_file, write_arrow_stream, write_duckdb]
)
def test_a_file_that_was_cut_is_refused(
    write: Callable[[Path], Path], tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    path = write(tmp_path)
    file = path.with_name(path.name.partition("#")[0])
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    refused(path, meta, data)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    write=st.sampled_from([write_parquet, write_arrow_file]),
    flip=st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
)
def test_a_flipped_bit_is_refused_or_harmless(
    write: Callable[[Path], Path],
    flip: tuple[float, int],
    tmp_path: Path,
    data: Path,
    meta: AssetMeta,
) -> None:
    path = write(tmp_path)
    content = bytearray(path.read_bytes())
    content[int(flip[0] * len(content))] ^= 1 << flip[1]
    path.write_bytes(content)

    try:
        kept = snapshot_path(ingest(path, meta, data=data).snapshot, data=data)
    except DataError as error:
        said = "".join(traceback.format_exception(error))
    else:
        said = "kept" if kept.is_file() else ""

    assert said
    assert CANARY not in said
