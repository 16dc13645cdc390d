"""The record's door: a `Reading` asks, a `Writing` changes and notes, each in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import cache
from json.encoder import JSONEncoder
from json.encoder import encode_basestring as quoted
from pathlib import Path
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
    make_engine,
    plainly,
)
from jobs.record.event import Event
from jobs.record.faults import ClockError, OtherDomainError, damaged
from jobs.record.migrations import Form, form_of, upgrade
from jobs.record.schema import log_checkpoint, log_entry, log_head
from jobs.record.turn import Turn
from jobs.record.watermark import Watermark

Clock = Callable[[], datetime]
Values = Mapping[str, object]
"""What stands in the places that a statement leaves open."""
STEP_BACK = timedelta(seconds=5)
"""How far the clock may step back, as a clock that is set right does: so long the time stands still."""

_POLITE_SECONDS = 2
"""How long a writer on PostgreSQL lets others of its host go first."""

# Statements are built once: building one costs four times as much as sending it.
_HEAD = select(log_head)
_LOCKED_HEAD = _HEAD.with_for_update()
_PLACES = {SQLITE: "?", POSTGRESQL: "%s"}
_NOTED = {
    dialect: f"INSERT INTO log_entry ({', '.join(log_entry.columns.keys())})"  # noqa: S608 - names
    f" VALUES ({', '.join([place] * len(log_entry.columns))})"
    for dialect, place in _PLACES.items()
}
_FACTS = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_GROWN = update(log_head).values(
    size=bindparam("to_size"), peaks=bindparam("to_peaks"), at=bindparam("to_at")
)


def leaf(seq: int, event: Event, at: str) -> bytes:
    """Return the log's leaf for `event`: canonical JSON, whose hash stands in the Merkle tree."""
    return leaf_text(seq, event, at, bodies.dump(event.facts)).encode()


def leaf_text(seq: int, event: Event, at: str, facts: str) -> str:
    """Return the leaf's text, which `facts`, already in canonical JSON, is a part of."""
    subject, actor = quoted(event.subject), quoted(event.actor)
    return (
        f'{{"actor":{actor},"at":"{at}","facts":{facts},"kind":"{event.kind}",'
        f'"seq":{seq},"subject":{subject}}}'
    )


def steady(now: datetime, last: str) -> datetime:
    """Return `now`, or the time of the `last` entry where the clock stepped back behind it a little.

    Raise `ClockError` where it stepped back by more than `STEP_BACK`.
    """
    if not last or bodies.stamp(now) >= last:
        return now
    try:
        at = bodies.unstamp(last)
    except ValueError:
        raise damaged() from None
    if at - now > STEP_BACK:
        raise ClockError((at - now).total_seconds())
    return at


class Reading:
    """One transaction that only asks; it sees the record as it stood when it began."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        """Ask over `connection`, which is inside a transaction."""
        self._connection = connection
        self.now = now

    @property
    def dialect(self) -> str:
        """Which database it is: `SQLITE` or `POSTGRESQL`, whose words for one thing may differ."""
        return self._connection.dialect.name

    def rows(self, question: Select[Any], values: Values | None = None) -> Sequence[Row[Any]]:
        """Return every row that answers `question`."""
        return self._connection.execute(question, values).all()

    def one(self, question: Select[Any], values: Values | None = None) -> Row[Any] | None:
        """Return the first row that answers `question`, or nothing."""
        return self._connection.execute(question, values).first()

    def peaks(self) -> Peaks:
        """Return the log's tree as this transaction sees it."""
        return _peaks(self._connection.execute(_HEAD).first())


class Writing(Reading):
    """One transaction that changes the record; what it changes, it must note."""

    def __init__(self, connection: Connection, *, time: Callable[[str], datetime]) -> None:
        """Change over `connection`, which is inside a transaction that no other writer shares.

        `time` tells the time, given that of the log's last entry.
        """
        # On PostgreSQL this row's lock is the turn to write; SQLite's BEGIN IMMEDIATE took it.
        head = connection.execute(_LOCKED_HEAD).first()
        self._peaks = _peaks(head)
        super().__init__(connection, now=time(head.at if head else ""))
        self._unsent: list[Event] = []
        self._changed = False
        self.noted = 0
        """How many events this transaction has noted."""
        self.attested: str | None = None
        """The checkpoint that this transaction keeps."""

    @override
    def rows(self, question: Select[Any], values: Values | None = None) -> Sequence[Row[Any]]:
        """Return every row that answers `question`, what this transaction noted among them."""
        self._send()
        return super().rows(question, values)

    @override
    def one(self, question: Select[Any], values: Values | None = None) -> Row[Any] | None:
        """Return the first row that answers `question`, what this transaction noted among them."""
        self._send()
        return super().one(question, values)

    @override
    def peaks(self) -> Peaks:
        """Return the log's tree with what this transaction noted."""
        self._send()
        return self._peaks

    def note(self, event: Event) -> int:
        """Append `event` to the log and return its place there, counted from 0."""
        # Many at once cost a fraction of one at a time: they are sent before the next statement
        # that could see them, and at the end.
        seq = self._peaks.size + len(self._unsent)
        self._unsent.append(event)
        self.noted += 1
        return seq

    def insert(self, table: Table, row: Mapping[str, object]) -> None:
        """Add a row; raise `ConflictError` where its key is taken, leaving the transaction whole."""
        done = self._connection.execute(
            _insert_or_nothing(table, self.dialect),
            dict(row),
            execution_options={"preserve_rowcount": True},
        )
        if done.rowcount == 0:
            raise ConflictError(f"the record already has this {table.name}")
        self._changed = True

    def insert_all(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows that go together; a key that is taken is a `ConflictError` of the transaction."""
        if rows:
            self._connection.execute(insert(table), [dict(row) for row in rows])
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
        self._send()
        done: CursorResult[Any] = self._connection.execute(statement, values)
        self._changed = self._changed or done.rowcount > 0
        return done.rowcount

    def attest(self, size: int, checkpoint: str) -> None:
        """Keep the signed checkpoint over the log of `size` entries, which is no event."""
        keep = _insert_or_nothing(log_checkpoint, self.dialect)
        self._connection.execute(keep, {"size": size, "note": checkpoint})
        self.attested = checkpoint

    def take(self, domain: str, hashing: Hashing) -> None:
        """Make this the record of `domain`, whose log is hashed with `hashing`; the event is noted.

        Once it is, the same again is no change. Raise `OtherDomainError` for another domain or hash.
        """
        head = self._connection.execute(_HEAD).one()
        same_hash = self._peaks.hashing is hashing
        if head.domain == domain and same_hash:
            return
        if head.domain or (self._peaks.size and not same_hash):
            raise OtherDomainError
        kind = "domain.adopted" if self._peaks.size else "domain.made"
        self._peaks = Peaks(self._peaks.size, self._peaks.hashes, hashing)
        self.change(update(log_head).values(domain=domain, hashing=hashing))
        self.note(Event(kind, domain, "system", {"hashing": hashing}))

    def settle(self) -> None:
        """Write down how far the log has grown, as the last thing before the commit.

        Raise `SilentChangeError` where rows were changed and no event says so.
        """
        if self._changed and not self.noted:
            raise SilentChangeError("the record was changed without an event; nothing was kept")
        self._send()
        if self.noted:
            grown = {
                "to_size": self._peaks.size,
                "to_peaks": self._peaks.packed(),
                "to_at": bodies.stamp(self.now),
            }
            self._connection.execute(_GROWN, grown)

    def _send(self) -> None:
        if not self._unsent:
            return
        at, rows = bodies.stamp(self.now), []
        for event in self._unsent:
            seq, facts = self._peaks.size, _FACTS.encode(dict(event.facts))
            hashed = leaf_hash(leaf_text(seq, event, at, facts).encode(), self._peaks.hashing)
            self._peaks, completed = self._peaks.grown(hashed)
            nodes = b"".join(completed)
            rows.append((seq, at, event.kind, event.subject, event.actor, facts, nodes))
        self._unsent.clear()
        self._connection.exec_driver_sql(_NOTED[self.dialect], rows)


def _peaks(head: Row[Any] | None) -> Peaks:
    if head is None:
        raise damaged()
    try:
        return Peaks.unpacked(head.size, head.peaks, Hashing(head.hashing))
    except (TypeError, ValueError):
        raise damaged() from None


@cache
def _insert_or_nothing(table: Table, dialect: str) -> Insert:
    if dialect == SQLITE:
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


class Record:
    """The domain's one database. Threads may share it; other processes open their own."""

    def __init__(self, engine: Engine, *, clock: Clock, watermark: Watermark | None) -> None:
        """Keep the record in `engine`'s database."""
        self._clock = clock
        self._watermark = watermark
        self._writers = engine.execution_options(writing=True)
        self._readers = engine
        if engine.dialect.name == POSTGRESQL:
            self._readers = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._turn: Turn | None = None
        if engine.dialect.name == SQLITE:
            self._turn = Turn(Path(str(engine.url.database)), seconds=BUSY_SECONDS, strict=True)
        elif watermark is not None:
            # one host's processes queue here: awake at the head's row, they would only get in each other's way
            beside = watermark.path.with_name("record")
            self._turn = Turn(beside, seconds=_POLITE_SECONDS, strict=False)

    @classmethod
    def open(cls, url: str, *, clock: Clock, watermark: Watermark | None = None) -> Self:
        """Open the record at `sqlite:///…` or `postgresql+psycopg://…`.

        The clock must give times with a zone. A SQLite file is made (0600) where there is none. The
        `watermark` rises with every checkpoint that is kept, whoever signs it.
        """
        return cls(make_engine(url), clock=clock, watermark=watermark)

    def form(self) -> Form:
        """Return how the tables stand to this version's; raise `NewerSchemaError`, `NotARecordError`."""
        with plainly(), self._readers.begin() as connection:
            return form_of(connection)

    def migrate(self) -> None:
        """Bring the tables to this version's form; processes that start together take turns.

        Raise `NewerSchemaError` and `NotARecordError` as `form` does, with nothing changed.
        """
        with self._turned(), plainly(), self._writers.begin() as connection:
            upgrade(connection)

    def found(self, *, domain: str, hashing: Hashing) -> None:
        """Make this the record of `domain`; a record of that domain already is left as it is.

        Raise `OtherDomainError` where it is another's, or where its log is hashed otherwise.
        """
        with self.writing() as tx:
            tx.take(domain, hashing)

    def close(self) -> None:
        """Close every connection."""
        self._writers.dispose()
        if self._turn:
            self._turn.close()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Ask in one transaction; raise `RecordDownError` where the database does not answer."""
        with plainly(), self._readers.begin() as connection:
            yield Reading(connection, now=self._clock())

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Change in one transaction; any exception inside it leaves the record as it was.

        Raise `SilentChangeError` where rows changed and no event was noted, `ClockError` where the
        clock was set back, `RolledBackError` where a checkpoint is kept over less than was signed
        before, `RecordDownError` where the database does not answer, `StorageFullError` where its
        disk is full.
        """
        with self._writing(lambda last: steady(self._clock(), last)) as tx:
            yield tx

    @contextmanager
    def writing_as_of_now(self) -> Iterator[Writing]:
        """Change as `writing` does, though the log may end later than now: a person says that it is now."""
        with self._writing(lambda _last: self._clock()) as tx:
            yield tx

    @contextmanager
    def _writing(self, time: Callable[[str], datetime]) -> Iterator[Writing]:
        with self._turned(), plainly(), self._writers.begin() as connection:
            tx = Writing(connection, time=time)
            yield tx
            tx.settle()
            if self._watermark and tx.attested:
                self._watermark.admit(tx.attested)
        if self._watermark and tx.attested:
            self._watermark.raise_to(tx.attested)

    def _turned(self) -> AbstractContextManager[None]:
        return self._turn.taken() if self._turn else nullcontext()
