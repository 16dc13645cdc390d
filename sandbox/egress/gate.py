"""Opens a view's gate copy in DuckDB, which then can read that one file and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from sandbox.egress.terms import GateView

MEMORY = "4GB"
"""What one inspection may use before DuckDB gives up (and the gate closes)."""


@contextmanager
def opened(view: GateView) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection in which the table `source` is the gate copy, with `file_row_number`."""
    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY})
    try:
        path = str(view.gate.resolve())
        connection.execute("SET allowed_paths = [?]", [path])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        table = f"read_parquet({literal(path)}, file_row_number = true)"
        connection.execute(f"CREATE VIEW source AS SELECT * FROM {table}")  # noqa: S608 - our path, quoted
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """Quote an identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"
