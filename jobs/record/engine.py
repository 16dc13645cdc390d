"""How a connection is made: SQLite with a durable write-ahead log, or PostgreSQL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from jobs.errors import ConflictError, JobsError
from sandbox.errors import StorageFullError

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
_DISK_FULL = "53100"  # PostgreSQL, appendix A


class RecordDownError(JobsError):
    """The database does not answer, or was busy for too long; nothing was changed."""


def make_engine(url: str) -> Engine:
    """Return the engine for `sqlite:///…` or `postgresql+psycopg://…`; it connects when first used."""
    parsed = make_url(url)
    name = parsed.get_backend_name()
    if name == SQLITE:
        return _sqlite(parsed)
    if name == POSTGRESQL:
        return _postgresql(parsed)
    raise RecordDownError(f"the record is kept in SQLite or PostgreSQL, not in {name}")


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
        raise RecordDownError("the record is a file: sqlite:///path/record.db")
    # SQLite gives its -wal and -shm files the mode of the main file.
    os.close(os.open(Path(url.database), os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=120, pool_timeout=BUSY_SECONDS
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(raw, sqlite3.Connection)
    raw.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    for pragma in _PRAGMAS:
        raw.execute(pragma)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the database's errors into the record's own, which quote no row."""
    try:
        yield
    except PoolTimeoutError:
        raise RecordDownError("the record is busy: no connection came free") from None
    except IntegrityError:
        raise ConflictError("the record already has this, or lacks what it refers to") from None
    except DBAPIError as error:
        raise _named(error) from None


def _named(error: DBAPIError) -> Exception:
    cause = error.orig
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StorageFullError("the disk that the record lies on is full")
    if getattr(cause, "sqlstate", None) == _DISK_FULL:
        return StorageFullError("the disk that the record lies on is full")
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return RecordDownError(f"the record does not answer ({type(cause).__name__} {code or ''})")
