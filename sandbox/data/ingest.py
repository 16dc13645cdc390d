"""Take a file in: hold it against its declaration, and keep it as an immutable snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandbox.asset import Asset, Digest, Grade, Kind, Role
from sandbox.data.content import ColumnHash
from sandbox.data.engine import engine, name
from sandbox.data.kinds import ARROW, as_kind, as_text
from sandbox.data.match import Match, match
from sandbox.data.meta import AssetMeta
from sandbox.data.profile import Progress, Scan, profile
from sandbox.data.sealed import seal
from sandbox.data.snapshot import ROW, UNIT_ROWS, address, asset, folder_of, write_beside
from sandbox.data.sources import Source, open_source
from sandbox.data.staging import Stage, staged
from sandbox.errors import DataError
from sandbox.reason import Said

_GROUP_ROWS = 122_880


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """The whole table, typed and checked, in a file of its own."""

    path: Path
    rows: int
    content: tuple[str, ...]


def no_progress(stage: str, fraction: float) -> None:
    """Tell nobody."""


def no_findings(_values: pa.ChunkedArray, /, *, header: str) -> Mapping[str, int]:  # noqa: ARG001 - a `Scan`
    """Find no identifiers."""
    return {}


def ingest(
    source: Path,
    meta: AssetMeta,
    *,
    data: Path,
    progress: Progress = no_progress,
    scan: Scan = no_findings,
) -> Asset:
    """Keep the table in `source` as a snapshot under `data`, and return the asset.

    The same content under the same declaration has the same digest, whatever form of file it
    came in; taken in again it is the same asset, and nothing is written. Raises `DataError` with
    row and column where the file is not what was declared, and `StorageFullError`.
    """
    with staged(data) as stage, open_source(source) as opened:
        matches = match(opened, meta)
        taken = _take_in(opened, matches, stage.work / "typed.arrow", progress)
        unnamed = _asset(meta, matches, taken.rows)
        found = replace(unnamed, snapshot=address(unnamed, taken.content))
        folder = folder_of(found.snapshot, data=data)
        if not folder.exists():
            _write(found, taken, stage, scan=scan, progress=progress)
            stage.publish(folder)
    return asset(found.snapshot, data=data)


def _asset(meta: AssetMeta, matches: Sequence[Match], rows: int) -> Asset:
    columns = tuple(one.column for one in matches)
    return Asset(
        id=meta.id,
        version=meta.version,
        title=Said(zh=meta.title_zh, en=meta.title_en),
        provider=meta.provider,
        unit_kind=meta.unit_kind,
        unit_column=meta.unit_column,
        grade=max((column.grade for column in columns), key=list(Grade).index),
        input_tier=meta.input_tier,
        authority_level=meta.authority_level,
        columns=columns,
        snapshot=Digest(""),
        rows=rows,
    )


def _take_in(source: Source, matches: Sequence[Match], path: Path, progress: Progress) -> _Taken:
    """Write the checked columns as Arrow, and hash them on the way."""
    hashes = [ColumnHash(one.column.kind) for one in matches]
    schema = pa.schema(
        [(one.column.name, ARROW[one.column.kind]) for one in matches] + [(ROW, pa.int64())]
    )
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch, fraction in source.batches():
            arrays = [_checked(batch, one, row=rows + 1, is_text=source.is_text) for one in matches]
            for hashed, array in zip(hashes, arrays, strict=True):
                hashed.add(array)
            numbers = pa.array(range(rows + 1, rows + batch.num_rows + 1), pa.int64())
            writer.write_batch(pa.record_batch([*arrays, numbers], schema=schema))
            rows += batch.num_rows
            progress("read", min(1.0, fraction))
    if not rows:
        raise DataError("The file has no rows")
    return _Taken(path=path, rows=rows, content=tuple(hashed.digest() for hashed in hashes))


def _checked(batch: pa.RecordBatch, match: Match, *, row: int, is_text: bool) -> pa.Array:
    """Return one column in its kind; raise `DataError` at the first value that may not be in it."""
    column, array = match.column, batch.column(match.place)
    if is_text:
        array = as_text(array, column=column.name, row=row)
    if is_text and column.kind is not Kind.STRING:
        array = pc.if_else(pc.equal(array, ""), None, array)
    array = as_kind(array, column.kind, column=column.name, row=row)
    for why, spoilt in _spoilt(array, match):
        place = pc.index(spoilt, True).as_py()
        if place >= 0:
            raise DataError(why, row=row + place, column=column.name)
    return array


def _spoilt(array: pa.Array, match: Match) -> Iterator[tuple[str, pa.Array]]:
    if match.is_key:
        whose = "row" if match.column.role is not Role.UNIT else "protected unit"
        yield f"The key of the {whose} is missing", array.is_null()
    if match.column.kind is Kind.FLOAT:
        yield "There is NaN or infinity", pc.invert(pc.is_finite(array))
    if match.domain is not None:
        outside = pc.invert(pc.is_in(array, match.domain))
        yield "There is a category outside the declared domain", pc.and_(array.is_valid(), outside)


def _write(found: Asset, taken: _Taken, stage: Stage, *, scan: Scan, progress: Progress) -> None:
    with (
        pa.memory_map(str(taken.path)) as mapped,
        engine(work=stage.work) as connection,
    ):
        table = pa.ipc.open_file(mapped).read_all()
        connection.register("typed", table)
        if found.is_public:
            _demand_unique(connection, found.unit_column)
        figures = profile(connection, table, found.columns, scan=scan, progress=progress)
        progress("write", 0.0)
        _write_snapshot(connection, table, found, stage.whole / "snapshot.parquet")
    write_beside(stage.whole, found, taken.content, figures)
    seal(stage.whole, found)
    progress("write", 1.0)


def _demand_unique(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """Demand that each row of a list has a key of its own: joins by it multiply no rows."""
    [rows, keys] = connection.execute(
        f"SELECT count(*), count(DISTINCT {name(key)}) FROM typed"  # noqa: S608 - quoted
    ).fetchone() or (0, 0)
    if keys != rows:
        raise DataError(
            f"The key of a table that protects nobody stands twice in {rows - keys} rows",
            column=key,
        )


def _write_snapshot(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, found: Asset, path: Path
) -> None:
    """Write the table in its own order, and beside each row how many rows its unit has.

    Only the numbers are sorted, not the rows: it costs half of a sorted join of all columns.
    """
    unit, place = name(found.unit_column), 0
    counts = connection.sql(
        f"""
        SELECT units.{UNIT_ROWS}
        FROM typed JOIN (SELECT {unit}, count(*) AS {UNIT_ROWS} FROM typed GROUP BY {unit}) units
            ON typed.{unit} = units.{unit}
        ORDER BY typed.{ROW}
        """  # noqa: S608 - every name is quoted
    ).to_arrow_reader(_GROUP_ROWS)
    field = pa.field(UNIT_ROWS, pa.int64())
    schema = table.schema.insert(len(found.columns), field)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in counts:
            part = table.slice(place, batch.num_rows)
            writer.write_table(part.add_column(len(found.columns), field, batch.column(0)))
            place += batch.num_rows
