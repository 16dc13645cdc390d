"""Splits views into blocks of whole units, each a set of files like those that any job is given."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from sandbox.asset import AssetId, Digest, Kind
from sandbox.data.engine import engine, literal, name
from sandbox.data.pseudonyms import derived
from sandbox.data.snapshot import asset
from sandbox.data.staging import Stage, staged
from sandbox.data.view import View, compile_view, unit_marks
from sandbox.data.view_files import UNIT
from sandbox.errors import ViewError
from sandbox.order import ViewTerms

_BLOCK, _MARK = "_block", "_mark"
_BATCH_ROWS = 122_880
_HALF = 16
"""Hexadecimal digits of a unit's mark that choose its block; the others order its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where this node keeps its data and views, and the key of all pseudonyms."""

    data: Path
    views: Path
    key: bytes
    """32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which views are to be split for which job."""

    job: str
    scope: str
    views: tuple[ViewTerms, ...]
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The blocks as they lie on disk, until they are removed."""

    folder: Path
    views: tuple[Digest, ...]
    """The views that were split, in the order of the question."""


def block_views(folder: Path, block: int) -> list[tuple[str, Path]]:
    """Return one block's pairs of an asset's id and the folder that its job sees."""
    return [(path.name, path) for path in sorted((folder / f"{block:04d}").iterdir())]


def touch(folder: Path) -> None:
    """Mark all blocks as changed now: else the time of a file would tell how long those before it took to write."""
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))


@contextmanager
def split(question: Question, ground: Ground) -> Iterator[Split]:
    """Write k blocks of every view, and remove them in the end; a process that is killed leaves them to the next.

    A unit's block is a keyed hash of the unit alone modulo k, the same in all views (the assets must key it alike: see
    `mixed_units`). A block's files depend on its own rows alone, to the byte: their order is by a hash of unit and content, and
    all are there however few rows they have. Raises as `compile_view` does.
    """
    key = derived(ground.key, use="blocks", of=question.job)
    with staged(ground.views) as stage:
        views = [_split(terms, question, ground, stage=stage, key=key) for terms in question.views]
        for block in stage.whole.iterdir():
            block.chmod(0o755)
        yield Split(folder=stage.whole, views=tuple(view.digest for view in views))


def blocks_of(marks: pa.ChunkedArray, k: int) -> pa.Table:
    """Return for each unit its number in the gate's file, its block, and what orders its rows."""
    digits = marks.to_pylist()
    return pa.table(
        {
            UNIT: pa.array(np.arange(len(digits), dtype=np.int64)),
            _BLOCK: pa.array([int(each[:_HALF], 16) % k for each in digits], pa.int16()),
            _MARK: pa.array([int(each[_HALF:], 16) for each in digits], pa.uint64()),
        }
    )


def _split(
    terms: ViewTerms, question: Question, ground: Ground, *, stage: Stage, key: bytes
) -> View:
    view = compile_view(
        terms, scope=question.scope, key=ground.key, data=ground.data, views=ground.views
    )
    marks = unit_marks(terms, data=ground.data, mark=key, work=stage.work)
    if len(marks) != view.units:
        raise ViewError("The view does not have the units of its snapshot")
    with engine(work=stage.work, reads=[view.gate.parent]) as connection:
        connection.register("blocks", blocks_of(marks, question.k))
        reader = _sorted(connection, view, _shown(terms, ground))
        for block, table in _blocks(reader, question.k):
            _write(table, stage.whole / f"{block:04d}" / terms.asset, terms.asset)
    return view


def _shown(terms: ViewTerms, ground: Ground) -> str:
    """Return the granted columns; what is equal in SQL, as the two zeros are, is made the same to the byte.

    Else the order of two such rows, which the hash cannot tell apart, would come from where they lie in the whole file.
    """
    columns = asset(terms.snapshot, data=ground.data).columns
    floats = {each.name for each in columns if each.kind is Kind.FLOAT} - {*terms.pseudonyms}
    canonical = "CASE WHEN {0} = 0 THEN 0 ELSE {0} END AS {0}"  # no snapshot has a NaN
    return ", ".join(
        canonical.format(name(each)) if each in floats else name(each) for each in terms.columns
    )


def _sorted(connection: duckdb.DuckDBPyConnection, view: View, shown: str) -> pa.RecordBatchReader:
    """Read the gate's rows once, block after block."""
    return connection.sql(
        f"SELECT * EXCLUDE {_MARK} FROM (SELECT {shown}, {_BLOCK}, {_MARK}"  # noqa: S608 - quoted
        f" FROM read_parquet({literal(str(view.gate))}) JOIN blocks USING ({UNIT})) AS rows"
        f" ORDER BY {_BLOCK}, hash(rows)"
    ).to_arrow_reader(_BATCH_ROWS)


def _blocks(reader: pa.RecordBatchReader, k: int) -> Iterator[tuple[int, pa.Table]]:
    """Give each block in its turn, the empty ones too; one block at a time is in memory."""
    schema = pa.schema([field for field in reader.schema if field.name != _BLOCK])
    at, held = 0, list[pa.RecordBatch]()
    for batch in reader:
        for block, part in _parts(batch):
            for done in range(at, block):
                yield done, _whole(held, schema)
                held = []
            at = block
            held.append(part)
    for done in range(at, k):
        yield done, _whole(held, schema)
        held = []


def _parts(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a sorted batch where one block ends."""
    blocks = batch.column(_BLOCK).to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
    shown = batch.drop_columns([_BLOCK])
    for low, high in pairwise(edges):
        yield int(blocks[low]), shown.slice(low, high - low)


def _whole(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Put a block's rows together in memory of their own.

    A slice that were written as it is would carry bits of its neighbours: those that share its last byte.
    """
    table = pa.Table.from_batches(parts, schema)
    return table.take(pa.array(np.arange(table.num_rows))).combine_chunks()


def _write(table: pa.Table, folder: Path, named: AssetId) -> None:
    folder.mkdir(parents=True)
    with (
        pa.OSFile(str(folder / f"{named}.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as arrow,
    ):
        arrow.write_table(table, max_chunksize=_BATCH_ROWS)
    pq.write_table(
        table, folder / f"{named}.parquet", compression="zstd", row_group_size=_BATCH_ROWS
    )
    for path in (*folder.iterdir(), folder):
        path.chmod(0o755 if path.is_dir() else 0o444)
        os.utime(path, (0, 0))  # no time says which was written first
