"""The record's door: a `Reading` asks, a `Writing` changes and notes, each in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any, Self

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Insert,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete, Update
from typing_extensions import override

from jobs.errors import ConflictError, SilentChangeError
from jobs.proof import bodies
from jobs.proof.merkle import Hashing, Peaks, leaf_hash
from jobs.record.engine import (
    BUSY_SECONDS,
    POSTGRESQL,
    SQLITE,
    RecordDownError,
    make_engine,
    plainly,
)
from jobs.record.event import Event
from jobs.record.migrations import upgrade
from jobs.record.schema import log_checkpoint, log_entry, log_head

Clock = Callable[[], datetime]
Values = Mapping[str, object]
"""What stands in the places that a statement leaves open."""

# Statements are built once: building one costs four times as much as sending it.
_HEAD = select(log_head.c.size, log_head.c.peaks, log_head.c.hashing)
_LOCKED_HEAD = _HEAD.with_for_update()
_NOTED = insert(log_entry)
_GROWN = update(log_head).values(
    size=bindparam("to_size"), peaks=bindparam("to_peaks"), at=bindparam("to_at")
)


def leaf(seq: int, event: Event, at: str) -> bytes:
    """Return the log's leaf for `event`: canonical JSON, whose hash stands in the Merkle tree."""
    return bodies.dump(
        {
            "seq": seq,
            "at": at,
            "kind": event.kind,
            "subject": event.subject,
            "actor": event.actor,
            "facts": event.facts,
        }
    ).encode()


class Reading:
    """One transaction that only asks; it sees the record as it stood when it began."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        """Ask over `connection`, which is inside a transaction."""
        self._connection = connection
        self.now = now

    def rows(self, question: Select[Any], values: Values | None = None) -> Sequence[Row[Any]]:
        """Return every row that answers `question`."""
        return self._connection.execute(question, values).all()

    def one(self, question: Select[Any], values: Values | None = None) -> Row[Any] | None:
        """Return the first row that answers `question`, or nothing."""
        return self._connection.execute(question, values).first()

    def peaks(self) -> Peaks:
        """Return the log's tree as this transaction sees it."""
        return _peaks(*self._connection.execute(_HEAD).one())


class Writing(Reading):
    """One transaction that changes the record; what it changes, it must note."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        """Change over `connection`, which is inside a transaction that no other writer shares."""
        super().__init__(connection, now=now)
        self._peaks = self._locked_peaks()
        self._changed = False
        self.noted = 0
        """How many events this transaction has noted."""

    @override
    def peaks(self) -> Peaks:
        """Return the log's tree with what this transaction noted."""
        return self._peaks

    def note(self, event: Event) -> int:
        """Append `event` to the log and return its place there, counted from 0."""
        seq, at = self._peaks.size, bodies.stamp(self.now)
        self._peaks, completed = self._peaks.grown(
            leaf_hash(leaf(seq, event, at), self._peaks.hashing)
        )
        self._connection.execute(
            _NOTED,
            {
                "seq": seq,
                "at": at,
                "kind": event.kind,
                "subject": event.subject,
                "actor": event.actor,
                "facts": bodies.dump(event.facts),
                "nodes": b"".join(completed),
            },
        )
        self.noted += 1
        return seq

    def insert(self, table: Table, row: Mapping[str, object]) -> None:
        """Add a row; raise `ConflictError` where its key is taken, leaving the transaction whole."""
        done = self._connection.execute(
            _insert_or_nothing(table, self._connection.dialect.name),
            dict(row),
            execution_options={"preserve_rowcount": True},
        )
        if done.rowcount == 0:
            raise ConflictError(f"the record already has this {table.name}")
        self._changed = True

    def insert_numbered(self, table: Table, row: Mapping[str, object]) -> int:
        """Add a row to a table that numbers its rows, and return the number."""
        done = self._connection.execute(insert(table).values(**row))
        self._changed = True
        key = done.inserted_primary_key
        assert key is not None
        return int(key[0])

    def change(self, statement: Update | Delete, values: Values | None = None) -> int:
        """Change rows, and return how many."""
        done: CursorResult[Any] = self._connection.execute(statement, values)
        self._changed = self._changed or done.rowcount > 0
        return done.rowcount

    def attest(self, size: int, checkpoint: str) -> None:
        """Keep the signed checkpoint over the log of `size` entries, which is no event."""
        keep = _insert_or_nothing(log_checkpoint, self._connection.dialect.name)
        self._connection.execute(keep, {"size": size, "note": checkpoint})

    def settle(self) -> None:
        """Write down how far the log has grown, as the last thing before the commit.

        Raise `SilentChangeError` where rows were changed and no event says so.
        """
        if self._changed and not self.noted:
            raise SilentChangeError("the record was changed without an event; nothing was kept")
        if self.noted:
            grown = {
                "to_size": self._peaks.size,
                "to_peaks": self._peaks.packed(),
                "to_at": bodies.stamp(self.now),
            }
            self._connection.execute(_GROWN, grown)

    def _locked_peaks(self) -> Peaks:
        # On PostgreSQL this row's lock is the turn to write; SQLite's BEGIN IMMEDIATE took it.
        return _peaks(*self._connection.execute(_LOCKED_HEAD).one())


def _peaks(size: int, packed: bytes, hashing: str) -> Peaks:
    return Peaks.unpacked(size, packed, Hashing(hashing))


@cache
def _insert_or_nothing(table: Table, dialect: str) -> Insert:
    if dialect == SQLITE:
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


class Record:
    """The domain's one database. Threads may share it; other processes open their own."""

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        """Keep the record in `engine`'s database."""
        self._clock = clock
        self._writers = engine.execution_options(writing=True)
        self._readers = engine
        if engine.dialect.name == POSTGRESQL:
            self._readers = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        # SQLite has one writer; threads queue here, where waiting is fair, and not at its file.
        self._turn = Lock()

    @classmethod
    def open(cls, url: str, *, clock: Clock) -> Self:
        """Open the record at `sqlite:///…` or `postgresql+psycopg://…`.

        The clock must give times with a zone. A SQLite file is made (0600) where there is none.
        """
        return cls(make_engine(url), clock=clock)

    def migrate(self) -> None:
        """Bring the tables to this version's form; processes that start together take turns."""
        with self._turned(), plainly(), self._writers.begin() as connection:
            upgrade(connection)

    def close(self) -> None:
        """Close every connection."""
        self._writers.dispose()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Ask in one transaction; raise `RecordDownError` where the database does not answer."""
        with plainly(), self._readers.begin() as connection:
            yield Reading(connection, now=self._clock())

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Change in one transaction; any exception inside it leaves the record as it was.

        Raise `SilentChangeError` where rows changed and no event was noted, `RecordDownError` where
        the database does not answer, `StorageFullError` where its disk is full.
        """
        with self._turned(), plainly(), self._writers.begin() as connection:
            tx = Writing(connection, now=self._clock())
            yield tx
            tx.settle()

    @contextmanager
    def _turned(self) -> Iterator[None]:
        if self._writers.dialect.name != SQLITE:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise RecordDownError("the record is busy: another thread is writing")
        try:
            yield
        finally:
            self._turn.release()
