"""How a connection is made: SQLite with a durable write-ahead log, or PostgreSQL."""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from jobs.record.faults import RecordDownError, gone, plainly, read_only

__all__ = [
    "BUSY_SECONDS",
    "POSTGRESQL",
    "SQLITE",
    "RecordDownError",
    "demand_there",
    "make_engine",
    "plainly",
]

BUSY_SECONDS = 30
"""How long a transaction waits for its turn before `RecordDownError`."""
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
)
_POSTGRESQL_OPTIONS = (
    f"-c lock_timeout={BUSY_SECONDS}s -c synchronous_commit=on"
    f" -c idle_in_transaction_session_timeout={2 * BUSY_SECONDS}s"
)
"""A writer that hangs in its turn, such as a stopped process, loses it."""
_Place = tuple[int, int]
"""A file's device and inode: a file that is put in its stead has others."""


def make_engine(url: str) -> Engine:
    """Return the engine for `sqlite:///…` or `postgresql+psycopg://…`; it connects when first used.

    A SQLite file is made (0600) where there is none. Raise `RecordDownError` for another address.
    """
    parsed = _parsed(url)
    name = parsed.get_backend_name()
    if name == SQLITE:
        return _sqlite(parsed)
    if name == POSTGRESQL:
        return _postgresql(parsed)
    raise RecordDownError(
        f"the record is kept in SQLite or PostgreSQL, not in {name}: look at the setting `record`",
        zh="记录库只能是 SQLite 或 PostgreSQL：请检查设置项 record",
    )


def demand_there(url: str) -> None:
    """Raise `RecordGoneError` where the record is to be a SQLite file and there is none."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == SQLITE and not Path(parsed.database or "").is_file():
        raise gone()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # its own message may quote the password
        raise RecordDownError(
            "the setting `record` is not the address of a database",
            zh="设置项 record 不是有效的数据库地址",
        ) from None


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,  # they may be anybody's words: no error message quotes them
        pool_size=8,
        max_overflow=24,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "options": _POSTGRESQL_OPTIONS},
    )


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RecordDownError(
            "the record is a file: sqlite:///path/record.db",
            zh="记录库应为文件：sqlite:///路径/record.db",
        )
    path = Path(url.database)
    place = _found(path)
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=120, pool_timeout=BUSY_SECONDS
    )

    def stay(*_: object) -> None:
        # SQLite would make a new file, or go on in one that nobody can find any more.
        if _place(path) != place:
            raise gone()

    event.listen(engine, "do_connect", stay)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", stay)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", stay)
    return engine


def _found(path: Path) -> _Place:
    # A file that is there is never opened here: closing it would take from every other connection of
    # this process its locks (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks).
    found = _place(path) or _made(path)
    if not path.is_file():
        raise gone()
    if not os.access(path, os.W_OK):
        raise read_only()
    return found


def _made(path: Path) -> _Place:
    try:
        # SQLite gives its -wal and -shm files the mode of the main file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass  # another process was quicker
    except (FileNotFoundError, NotADirectoryError):
        raise gone() from None
    except OSError:
        raise read_only() from None
    found = _place(path)
    if found is None:
        raise gone()
    return found


def _place(path: Path) -> _Place | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(raw, sqlite3.Connection)
    raw.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    for pragma in _PRAGMAS:
        raw.execute(pragma)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
