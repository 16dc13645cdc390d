"""The files of one view, written from its snapshot in one pass and in an order that tells nothing."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from sandbox.anonymity.generalise import generalised
from sandbox.asset import Asset, Column, Role
from sandbox.data.engine import engine, literal, name
from sandbox.data.pseudonyms import pseudonyms
from sandbox.data.snapshot import ROW, UNIT_ROWS
from sandbox.data.staging import Stage
from sandbox.order import Generalise

MARK = "_mark"
"""In the gate's file of a consented view: how the record names the unit that consented."""
UNIT = "_unit"
"""The protected unit of a row in the gate's file: 0 to the number of units less one."""
_CLASS = "_class"
_BATCH_ROWS = 122_880


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """Whose rows may be read now."""

    live: tuple[str, ...]
    """The marks of the units that consent."""
    key: bytes
    """What keys the marks, as `sandbox.data.consent_marks` derives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to write: the granted columns of an asset's chosen rows."""

    asset: Asset
    columns: tuple[Column, ...]
    pseudonyms: frozenset[str]
    condition: str
    """SQL in canonical form; empty for all rows."""
    generalise: Generalise | None
    key: bytes
    """The scenario's own, as `derived` returns it."""
    consents: Consents | None = None
    """Whose rows may be read; nothing where that is not asked."""


def write_view(recipe: Recipe, snapshot: Path, stage: Stage, *, order: bytes) -> tuple[int, int]:
    """Write `job/` and `gate/` into the stage; return how many rows and units they have.

    Rows are sorted by a hash of their number keyed with `order`, so that their order says nothing
    of the source's; the same order stands in all three files.
    """
    with engine(work=stage.work, reads=[snapshot.parent]) as connection:
        _pick(connection, recipe, snapshot)
        units = _register_units(connection, recipe)
        for place, column in _replaced(recipe):
            mapping = _mapping(connection, column, recipe.key)
            connection.register(f"map_{place}", mapping)
        if recipe.generalise is not None:
            _register_classes(connection, recipe, recipe.generalise)
        reader = connection.sql(_query(recipe, order)).to_arrow_reader(_BATCH_ROWS)
        rows = _write(reader, stage.whole, recipe)
    return rows, units


def unit_pseudonyms(recipe: Recipe, snapshot: Path, *, key: bytes, work: Path) -> pa.ChunkedArray:
    """Return a pseudonym under this other key for each protected unit, at the place that `UNIT` says."""
    with engine(work=work, reads=[snapshot.parent]) as connection:
        _pick(connection, recipe, snapshot)
        return _mapping(connection, _unit(recipe), key).column("pseudonym")


def _pick(connection: duckdb.DuckDBPyConnection, recipe: Recipe, snapshot: Path) -> None:
    chosen = "picked" if recipe.consents is None else "chosen"
    connection.execute(
        f"CREATE TEMP VIEW {chosen} AS SELECT * FROM read_parquet({literal(str(snapshot))})"  # noqa: S608 - quoted
        f" WHERE {recipe.condition or 'true'}"
    )
    if recipe.consents is not None:
        unit = _unit(recipe)
        marked = _mapping(connection, unit, recipe.consents.key, of=chosen)
        live = pc.is_in(marked.column("pseudonym"), pa.array(recipe.consents.live, pa.string()))
        connection.register("consents", marked.filter(live))
        connection.execute(
            f"CREATE TEMP VIEW picked AS SELECT chosen.*, consents.pseudonym AS {MARK}"  # noqa: S608 - quoted
            f" FROM chosen JOIN consents ON chosen.{name(unit.name)} = consents.value"
        )


def _unit(recipe: Recipe) -> Column:
    unit = recipe.asset.column(recipe.asset.unit_column)
    assert unit is not None, "a declaration names its unit column"
    return unit


def _replaced(recipe: Recipe) -> list[tuple[int, Column]]:
    """Return the columns beside the unit's that appear as pseudonyms, with their places."""
    return [
        (place, column)
        for place, column in enumerate(recipe.columns)
        if column.name in recipe.pseudonyms and column.role is not Role.UNIT
    ]


def _register_units(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> int:
    unit = _unit(recipe)
    key = recipe.key if unit.name in recipe.pseudonyms else None
    if recipe.consents is None:
        units = _mapping(connection, unit, key)
    else:  # they have been listed to be marked
        units = _mapping(connection, replace(unit, name="value"), key, of="consents")
    numbers = pa.array(np.arange(units.num_rows, dtype=np.int64))
    connection.register("units", units.append_column(UNIT, numbers))
    count: int = units.num_rows
    return count


def _mapping(
    connection: duckdb.DuckDBPyConnection, column: Column, key: bytes | None, *, of: str = "picked"
) -> pa.Table:
    """Return each distinct value of a column, sorted, and with a key its pseudonym."""
    quoted = name(column.name)
    reader = connection.sql(
        f"SELECT DISTINCT {quoted} AS value, CAST({quoted} AS VARCHAR) AS text FROM {of}"  # noqa: S608 - quoted
        f" WHERE {quoted} IS NOT NULL ORDER BY value"
    ).to_arrow_reader(_BATCH_ROWS)
    schema = pa.schema([reader.schema.field("value"), ("pseudonym", pa.string())])
    batches = []
    for batch in reader:
        texts = batch.column("text")
        named = pseudonyms(texts, column.kind, key) if key else pa.nulls(len(texts), pa.string())
        batches.append(pa.record_batch([batch.column("value"), named], schema=schema))
    return pa.Table.from_batches(batches, schema)


def _register_classes(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, aim: Generalise
) -> None:
    """Put the picked rows into classes, and what each class shows beside them."""
    names = ", ".join(f"picked.{name(column.name)}" for column in recipe.columns)
    unit = name(recipe.asset.unit_column)
    table = connection.sql(
        f"SELECT {names}, units.{UNIT}, picked.{ROW} FROM picked JOIN units ON picked.{unit} = units.value"  # noqa: S608 - quoted
    ).to_arrow_table()
    found = generalised(table, recipe.columns, unit=UNIT, aim=aim)
    classes = pa.table({ROW: table.column(ROW), _CLASS: found.classes})
    numbers = pa.array(np.arange(found.labels.num_rows, dtype=np.int64))
    connection.register("classes", classes)
    connection.register("labels", found.labels.append_column(_CLASS, numbers))


def _query(recipe: Recipe, order: bytes) -> str:
    replaced = _replaced(recipe)
    unit = name(recipe.asset.unit_column)
    shown = {column.name: f"map_{place}.pseudonym" for place, column in replaced}
    if recipe.asset.unit_column in recipe.pseudonyms:
        shown[recipe.asset.unit_column] = "units.pseudonym"
    coarse = recipe.generalise.quasi if recipe.generalise else ()
    shown |= {column: f"labels.{name(column)}" for column in coarse}
    columns = ", ".join(
        f"{shown.get(column.name, f'picked.{name(column.name)}')} AS {name(column.name)}"
        for column in recipe.columns
    )
    joins = " ".join(
        f"LEFT JOIN map_{place} ON picked.{name(column.name)} = map_{place}.value"
        for place, column in replaced
    )
    if coarse:
        joins += f" JOIN classes ON picked.{ROW} = classes.{ROW} JOIN labels USING ({_CLASS})"
    shown_mark = "" if recipe.consents is None else f", picked.{MARK}"
    return f"""
        SELECT {columns}, units.{UNIT}, picked.{UNIT_ROWS}{shown_mark}
        FROM picked JOIN units ON picked.{unit} = units.value {joins}
        ORDER BY sha256({literal(order.hex())} || picked.{ROW}), picked.{ROW}
    """  # noqa: S608 - every name is quoted


def _write(reader: pa.RecordBatchReader, folder: Path, recipe: Recipe) -> int:
    """Write the three files side by side, batch by batch; return how many rows they have."""
    job, gate = folder / "job", folder / "gate"
    for made in (job, gate):
        made.mkdir(mode=0o700)
    file, granted = recipe.asset.id, [column.name for column in recipe.columns]
    schema = pa.schema([reader.schema.field(column) for column in granted])
    rows = 0
    with ExitStack() as open_files:
        sink = open_files.enter_context(pa.OSFile(str(job / f"{file}.arrow"), "wb"))
        arrow = open_files.enter_context(pa.ipc.new_file(sink, schema))
        parquet = open_files.enter_context(_parquet(job / f"{file}.parquet", schema))
        checked = open_files.enter_context(_parquet(gate / f"{file}.parquet", reader.schema))
        for batch in reader:
            seen = batch.select(granted)
            arrow.write_batch(seen)
            parquet.write_batch(seen)
            checked.write_batch(batch)
            rows += batch.num_rows
    return rows


def _parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd")
