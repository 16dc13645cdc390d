"""The files that an asset can come from, each opened as a stream of Arrow batches, unconverted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from sandbox.data.csv_file import csv_batches, read_header
from sandbox.data.engine import literal, name
from sandbox.data.kinds import first_bad
from sandbox.errors import DataError

BATCH_ROWS = 65_536
_BROKEN = (pa.ArrowException, OSError, UnicodeError, duckdb.Error)
"""What a damaged file raises. Their texts may quote values: none is passed on or chained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An opened file: its columns as it names and types them, and its rows from the start."""

    names: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    is_text: bool
    """All columns are the bytes of a CSV file's fields."""
    batches: Callable[[], Iterator[tuple[pa.RecordBatch, float]]]
    """Reads from the start: batches of at most `BATCH_ROWS`, and the fraction read so far."""


_Opened = tuple[Source, Callable[[], None]]


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a CSV, Parquet, Arrow IPC file or stream, or a DuckDB table (`file.duckdb#table`)."""
    form = _form(path)
    opened = None
    try:
        opened = _OPENERS[form](path)
    except _BROKEN:
        opened = None
    if opened is None:
        raise DataError(f"The file cannot be read as {form}")
    source, close = opened
    try:
        yield Source(
            names=source.names,
            types=source.types,
            is_text=source.is_text,
            batches=lambda: _checked(source.batches(), form),
        )
    finally:
        close()


def _form(path: Path) -> str:
    if ".duckdb#" in path.name:
        return "DuckDB"
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise DataError("The file's name ends with none of .csv .parquet .arrow .duckdb#<table>")
    return form


def _checked(
    batches: Iterator[tuple[pa.RecordBatch, float]], form: str
) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Hold every batch against its own type, for a file may lie about what it holds."""
    rows = 0
    while True:
        step = _next(batches)
        if step is None:
            return
        if isinstance(step, str):
            raise DataError(f"The {form} is damaged after {rows} readable rows")
        batch, fraction = step
        for column, array in zip(batch.schema.names, batch.columns, strict=True):
            if not _is_valid(array):
                bad = _first_invalid(array)
                raise DataError("There is a damaged value", row=rows + bad + 1, column=column)
        rows += batch.num_rows
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS), fraction


def _first_invalid(array: pa.Array) -> int:
    return first_bad(len(array), lambda rows: not _is_valid(array.slice(0, rows)))


def _next(
    batches: Iterator[tuple[pa.RecordBatch, float]],
) -> tuple[pa.RecordBatch, float] | str | None:
    try:
        return next(batches, None)
    except _BROKEN:
        return "broken"


def _is_valid(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowException:
        return False
    return True


# --- CSV


def _open_csv(path: Path) -> _Opened:
    header = read_header(path)
    source = Source(
        names=header.names,
        types=(pa.binary(),) * len(header.names),
        is_text=True,
        batches=lambda: csv_batches(path, header),
    )
    return source, _nothing


def _nothing() -> None:
    """Close nothing: the file is opened anew for each reading."""


# --- Parquet


def _open_parquet(path: Path) -> _Opened:
    file = pq.ParquetFile(path, page_checksum_verification=True)
    schema, rows = file.schema_arrow, max(1, file.metadata.num_rows)

    def batches() -> Iterator[tuple[pa.RecordBatch, float]]:
        done = 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            done += batch.num_rows
            yield batch, done / rows

    return _source(schema, batches), file.close


# --- Arrow IPC


def _open_arrow(path: Path) -> _Opened:
    with path.open("rb") as start:
        is_file = start.read(6) == b"ARROW1"
    mapped = pa.memory_map(str(path))
    batches = _ipc_file_batches if is_file else _ipc_stream_batches
    reader = pa.ipc.open_file(mapped) if is_file else pa.ipc.open_stream(mapped)
    return _source(reader.schema, lambda: batches(mapped)), mapped.close


def _ipc_file_batches(mapped: pa.MemoryMappedFile) -> Iterator[tuple[pa.RecordBatch, float]]:
    reader = pa.ipc.open_file(mapped)
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number), (number + 1) / reader.num_record_batches


def _ipc_stream_batches(mapped: pa.MemoryMappedFile) -> Iterator[tuple[pa.RecordBatch, float]]:
    mapped.seek(0)
    for batch in pa.ipc.open_stream(mapped):
        yield batch, mapped.tell() / max(1, mapped.size())


# --- DuckDB


def _open_duckdb(path: Path) -> _Opened:
    """Open one base table; views are refused, for they may reach out of their file."""
    file, table = str(path).split(".duckdb#", maxsplit=1)
    config = {"enable_external_access": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(f"{file}.duckdb", read_only=True, config=config)
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {literal(table)}"  # noqa: S608 - quoted
    ).fetchall()
    if count != 1:
        connection.close()
        raise DataError("The DuckDB file has no such table")
    query = f"SELECT * FROM {name(table)}"  # noqa: S608 - quoted
    rows = max(1, len(connection.sql(query)))

    def batches() -> Iterator[tuple[pa.RecordBatch, float]]:
        done = 0
        for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
            done += batch.num_rows
            yield batch, done / rows

    return _source(connection.sql(query).to_arrow_reader(1).schema, batches), connection.close


def _source(
    schema: pa.Schema, batches: Callable[[], Iterator[tuple[pa.RecordBatch, float]]]
) -> Source:
    return Source(
        names=tuple(schema.names), types=tuple(schema.types), is_text=False, batches=batches
    )


_FORMS = {
    ".csv": "CSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".arrow": "Arrow",
    ".arrows": "Arrow",
    ".ipc": "Arrow",
    ".feather": "Arrow",
}
_OPENERS: dict[str, Callable[[Path], _Opened]] = {
    "CSV": _open_csv,
    "Parquet": _open_parquet,
    "Arrow": _open_arrow,
    "DuckDB": _open_duckdb,
}
