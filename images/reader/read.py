"""Reads one untrusted file, a table or a model, and writes what it says as plain JSON.

It runs in a container of its own, with no data beside the one file and no network. Usage: `read.py FILE TABLE`. Of an Arrow or Parquet file it
writes `{"columns": [{"name", "type"}], "rows": [[…]]}` with the types string, int, float, bool and null; NaN and the
infinities appear as the strings "NaN", "Infinity" and "-Infinity". Where the file holds anything else, it writes
`{"refused": why}`: the name of a type, or that the file is not readable. Everything that a file can carry beside its
cells (metadata, dictionaries' unused entries, statistics, padding) stays behind. Of a safetensors or ONNX file it writes
`{"model": …}`, a document of the form `shuyu-fitted-1`, or `{"refused": where}`: `src/shuyu_reader` has what it takes.
"""

import errno
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

Cell = str | int | float | bool | None
KINDS: tuple[tuple[str, Callable[[pa.DataType], bool]], ...] = (
    ("null", pa.types.is_null),
    ("bool", pa.types.is_boolean),
    ("int", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("string", pa.types.is_string),
    ("string", pa.types.is_large_string),
)
VERSION = 0x08
"""The first byte of an ONNX file: the key of `ir_version`."""


def kind_of(data: pa.DataType) -> str | None:
    """Name the plain kind of an Arrow type; nothing where it has none."""
    if pa.types.is_dictionary(data):
        return kind_of(data.value_type)
    return next((kind for kind, holds in KINDS if holds(data)), None)


def opened(file: Path) -> pa.Table:
    """Read the whole file: Parquet by its magic number, else an Arrow file, else an Arrow stream."""
    with pa.OSFile(str(file)) as source:
        magic = source.read(6)
    if magic[:4] == b"PAR1":
        return pa.parquet.ParquetFile(file).read()
    with pa.OSFile(str(file)) as source:
        read = pa.ipc.open_file if magic == b"ARROW1" else pa.ipc.open_stream
        return read(source).read_all()


def plain(value: Cell) -> Cell:
    """Return the cell as JSON can say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def pieces(table: pa.Table) -> Iterator[str]:
    """Say the table as JSON, a batch of rows at a time."""
    columns = [{"name": field.name, "type": kind_of(field.type)} for field in table.schema]
    yield f'{{"columns":{json.dumps(columns, ensure_ascii=False)},"rows":['
    comma = ""
    for batch in table.to_batches(max_chunksize=10_000):
        cells = [[plain(cell) for cell in column.to_pylist()] for column in batch.columns]
        rows = list(zip(*cells, strict=True)) if cells else [()] * batch.num_rows
        for row in rows:
            yield comma + json.dumps(row, ensure_ascii=False, allow_nan=False)
            comma = ","
    yield "]}"


def is_tensors(begin: bytes) -> bool:
    """Whether a file that begins so would be a safetensors file: eight bytes of length, then an object."""
    return begin[8:9] == b"{"


def is_graph(begin: bytes) -> bool:
    """Whether a file that begins so would be an ONNX file: a version, then a key; an old Arrow stream has zeros there."""
    return len(begin) > 2 and begin[0] == VERSION and begin[2] != 0  # noqa: PLR2004 - places


def model_in(file: Path, *, is_graph: bool) -> Iterator[str]:
    """Say the file as a model: what is imported here, a table need not wait for."""
    from shuyu_reader.document import UnfitError  # noqa: PLC0415 - see above
    from shuyu_reader.graph import model as of_graph  # noqa: PLC0415 - see above
    from shuyu_reader.tensors import model as of_tensors  # noqa: PLC0415 - see above

    try:
        model = of_graph(file) if is_graph else of_tensors(file)
    except UnfitError as error:
        yield json.dumps({"refused": error.flaw})
        return
    yield json.dumps({"model": model}, ensure_ascii=False, allow_nan=False)


def said(file: Path) -> Iterator[str]:
    """Say the file as a model or a table, or why it is refused."""
    with file.open("rb") as source:
        begin = source.read(9)
    if is_tensors(begin) or is_graph(begin):
        yield from model_in(file, is_graph=not is_tensors(begin))
        return
    table = opened(file)
    odd = next((str(field.type) for field in table.schema if kind_of(field.type) is None), None)
    if odd is not None:
        yield json.dumps({"refused": odd.split("<", 1)[0].split("(", 1)[0].split("[", 1)[0]})
        return
    table.validate(full=True)
    yield from pieces(table)


def main(file: Path, table: Path) -> None:
    """Write the table, or the refusal."""
    try:
        with table.open("w", encoding="utf-8") as out:
            out.writelines(said(file))
    except (
        pa.ArrowException,
        ValueError,
        OSError,
        OverflowError,
        NotImplementedError,
        RecursionError,
    ) as error:
        # The exception's own text may quote the file, so it is not repeated.
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        why = "too large" if full or isinstance(error, MemoryError) else "unreadable"
        table.write_text(json.dumps({"refused": why}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
