"""A small loan book with canaries in it, its declaration, and ways to write it down."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

CANARY = "CANARY-7f3a"

HEAD = """
id = "BP-LOANS"
version = 1
title_zh = "贷款台账"
title_en = "Loan book"
provider = "P-PROV"
unit_kind = "natural_person"
unit_column = "person"
input_tier = "base_product"
authority_level = "district"
"""

COLUMNS: Mapping[str, str] = {
    "person": 'role = "unit"\ngrade = "L3"\nkind = "string"',
    "card": 'role = "identifier"\ngrade = "L4"\nkind = "string"',
    "state": 'role = "dimension"\ngrade = "L2"\nkind = "string"\ndomain = ["CA", "NY", "沪"]',
    "amount": 'role = "measure"\ngrade = "L2"\nkind = "float"\nlower = 0\nupper = 1000.50',
    "term": 'role = "attribute"\ngrade = "L1"\nkind = "int"',
    "late": 'role = "attribute"\ngrade = "L1"\nkind = "bool"',
    "opened": 'role = "attribute"\ngrade = "L1"\nkind = "date"',
    "seen": 'role = "attribute"\ngrade = "L1"\nkind = "timestamp"',
}

ROWS: tuple[tuple[str, ...], ...] = (
    (
        f"{CANARY}-p1",
        f"{CANARY}-c1",
        "CA",
        "10.5",
        "36",
        "true",
        "2024-01-02",
        "2024-01-02 03:04:05",
    ),
    (f"{CANARY}-p2", "", "NY", "", "", "", "", ""),
    (
        f"{CANARY}-p1",
        f"{CANARY}-c3",
        "沪",
        "2000",
        "-1",
        "false",
        "1999-12-31",
        "2000-01-01 00:00:00",
    ),
    (
        f"{CANARY}-p3",
        f"{CANARY}-c4",
        "",
        "0.1",
        "60",
        "true",
        "2024-02-29",
        "2024-01-02 03:04:05.25",
    ),
)


def declared(columns: Mapping[str, str] = COLUMNS, head: str = HEAD) -> bytes:
    """Return the text of an `asset.toml`."""
    tables = [
        f'[columns.{json.dumps(name)}]\ntitle_zh = "列"\ntitle_en = "column"\n{body}\n'
        for name, body in columns.items()
    ]
    return (head + "\n".join(tables)).encode()


def loans() -> pa.Table:
    """Return the loan book, typed."""
    columns = list(zip(*ROWS, strict=True))
    types = [pa.string()] * 3 + [
        pa.float64(),
        pa.int64(),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us"),
    ]
    arrays = [
        pa.array([value or None for value in values]).cast(kind)
        for values, kind in zip(columns, types, strict=True)
    ]
    return pa.table(dict(zip(COLUMNS, arrays, strict=True)))


def write_csv(folder: Path, rows: tuple[tuple[str, ...], ...] = ROWS) -> Path:
    path = folder / "loans.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([tuple(COLUMNS), *rows])
    return path


def write_parquet(folder: Path, table: pa.Table | None = None) -> Path:
    path = folder / "loans.parquet"
    pq.write_table(loans() if table is None else table, path)
    return path


def write_arrow_file(folder: Path, table: pa.Table | None = None) -> Path:
    path = folder / "loans.arrow"
    table = loans() if table is None else table
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return path


def write_arrow_stream(folder: Path) -> Path:
    path = folder / "loans.arrows"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, loans().schema) as writer:
        writer.write_table(loans(), max_chunksize=3)
    return path


def write_duckdb(folder: Path) -> Path:
    with duckdb.connect(str(folder / "book.duckdb")) as connection:
        connection.register("given", loans())
        connection.execute('CREATE TABLE "loans 2024" AS SELECT * FROM given')

    return folder / "book.duckdb#loans 2024"


FORMS: Mapping[str, Callable[[Path], Path]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "arrow file": write_arrow_file,
    "arrow stream": write_arrow_stream,
    "duckdb": write_duckdb,
}
