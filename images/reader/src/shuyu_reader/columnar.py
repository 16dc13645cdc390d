"""Tables of Arrow and Parquet files: the cells, and nothing that such a file can carry beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from shuyu_reader.flaws import Flaw, UnreadableError
from shuyu_reader.tables import Cell, Table
from shuyu_reader.unwrap import MAX_BYTES

_PLAIN: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
)
_BATCH = 1_000


def of_file(file: Path, most: int) -> Table:
    """Read a file of at most `most` rows; raise `UnreadableError`."""
    try:
        table = _opened(file)
        if not all(_is_plain(field.type) for field in table.schema):
            raise UnreadableError(Flaw.TABLE)
        if len(table) > most:
            raise UnreadableError(Flaw.ROWS)
        table.validate(full=True)
        return Table(table.column_names, tuple(_rows(table)))
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        raise UnreadableError(Flaw.TABLE) from None  # Arrow's own words may quote the file


def _opened(file: Path) -> pa.Table:
    """Read the whole file: Parquet by its magic number, else an Arrow file, else an Arrow stream."""
    with pa.OSFile(str(file)) as source:
        magic = source.read(6)
    if magic[:4] == b"PAR1":
        return pa.parquet.ParquetFile(file).read()
    with pa.OSFile(str(file)) as source:
        read = pa.ipc.open_file if magic == b"ARROW1" else pa.ipc.open_stream
        return read(source).read_all()


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return any(holds(kind) for holds in _PLAIN)


def _rows(table: pa.Table) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows while they are no longer together than anybody reads: an entry of a dictionary may stand in each."""
    room = MAX_BYTES
    for batch in table.to_batches(max_chunksize=_BATCH):
        cells = [column.to_pylist() for column in batch.columns]
        for row in zip(*cells, strict=True) if cells else [()] * batch.num_rows:
            room -= sum(len(cell) for cell in row if isinstance(cell, str)) + len(row) + 1
            if room < 0:
                raise UnreadableError(Flaw.LONG)
            yield row
