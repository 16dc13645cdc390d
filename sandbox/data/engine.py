"""DuckDB, shut in: it reads and writes the files that it is given, and nothing else."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from sandbox.errors import DataError

_NO_SPACE = "No space left"
_MEMORY = "2GB"
"""The most that one ingest or view holds in memory; past it, DuckDB goes to `work` on disk."""


@contextmanager
def engine(*, work: Path, reads: Sequence[Path] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an in-memory database that reads the folders in `reads`, and spills into `work`.

    Raises `DataError` for whatever goes wrong in it, without the engine's words: they quote values.
    """
    folders = ", ".join(literal(str(folder)) for folder in (work, *reads))
    with duckdb.connect() as connection:
        for setting in (
            f"memory_limit = '{_MEMORY}'",
            f"temp_directory = {literal(str(work))}",
            f"allowed_directories = [{folders}]",
            "enable_external_access = false",
            "autoload_known_extensions = false",
            "autoinstall_known_extensions = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        try:
            yield connection
        except duckdb.Error as error:
            if _NO_SPACE in str(error):
                raise OSError(errno.ENOSPC, _NO_SPACE) from None
            raise DataError(f"The data engine failed: {type(error).__name__}") from None


def name(column: str) -> str:
    """Quote a column's name for SQL."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"
