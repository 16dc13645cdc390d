"""CSV read strictly: UTF-8, one header line, commas, RFC 4180 quotes, and nothing guessed."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from typing_extensions import override

from sandbox.errors import DataError

_BLOCK = 1 << 24
"""Bytes; a row longer than this is refused."""
_MAX_HEADER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a CSV file."""

    names: tuple[str, ...]
    length: int
    """Bytes, the line's end among them."""


class _Watched(io.FileIO):
    """A file that counts the bytes and the quotes that went by."""

    bytes_read = 0
    quotes = 0

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(-1 if size is None else size) or b""
        self.bytes_read += len(block)
        self.quotes += block.count(b'"')
        return block


def read_header(path: Path) -> Header:
    """Read the names; raise `DataError` where they are no line of UTF-8, or no row follows."""
    with path.open("rb") as file:
        line = file.readline(_MAX_HEADER)
        is_empty = not file.read(1)
    names = _names(line)
    if names is None:
        raise DataError("The header is not one line of comma-separated UTF-8 names")
    if is_empty:
        raise DataError("The file has no rows")
    return Header(names=names, length=len(line))


def _names(line: bytes) -> tuple[str, ...] | None:
    try:
        return tuple(next(csv.reader([line.decode("utf-8-sig")], strict=True), []))
    except (UnicodeDecodeError, csv.Error):
        return None


def csv_batches(path: Path, header: Header) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Give every field as bytes, and the fraction of the file read; NULL where unquoted and empty.

    Raises `DataError` at the first row that has another number of fields than the header.
    """
    size, ragged = max(1, path.stat().st_size), list[int]()
    with _Watched(path) as file:
        file.seek(header.length)
        for batch in _until_ragged(_blocks(file, len(header.names), ragged), ragged):
            yield batch, file.bytes_read / size
        if file.quotes % 2:
            raise DataError("A quoted value is never closed")


def _until_ragged(blocks: Iterator[pa.RecordBatch], ragged: list[int]) -> Iterator[pa.RecordBatch]:
    while True:
        batch = _next(blocks)
        if batch is None:
            return
        if isinstance(batch, pa.RecordBatch):
            yield batch
        elif ragged:
            raise DataError("The number of values differs from the header's", row=min(ragged))
        else:
            raise DataError(f"A row is longer than {_BLOCK} bytes")


def _next(blocks: Iterator[pa.RecordBatch]) -> pa.RecordBatch | str | None:
    try:
        return next(blocks, None)
    except pa.ArrowException:
        return "broken"


def _blocks(file: _Watched, columns: int, ragged: list[int]) -> Iterator[pa.RecordBatch]:
    """Read the blocks as pyarrow does, which may raise at once; ragged rows are numbered."""

    def told(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number)
        return "error"

    places = [str(place) for place in range(columns)]
    yield from pyarrow.csv.open_csv(
        file,
        read_options=pyarrow.csv.ReadOptions(
            column_names=places, use_threads=False, block_size=_BLOCK
        ),
        parse_options=pyarrow.csv.ParseOptions(
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=told,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.binary()),
            check_utf8=False,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
