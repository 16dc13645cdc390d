"""A domain's door for the tests: its record on either database, which can be put back as it was."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg import sql
from sqlalchemy import text

from jobs.proof.keys import SigningKey
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing
from jobs.record import blobs, log
from jobs.record.database import Record, Writing
from jobs.record.guard import Acceptance, Doubt, Owner, accept, bring_up, enter, found
from jobs.record.schema import metadata
from jobs.record.watermark import Watermark
from tests.jobs.record.cluster import Cluster
from tests.jobs.record.examples import NOON, event

KEY = SigningKey.unsaved("shuyu.test/log")
WORD = Acceptance(by="admin:root", reason="the disk was lost", close=("asset:LOANS",))


def key() -> SigningKey:
    return KEY


def owner(folder: Path) -> Owner:
    return Owner(
        domain="shuyu.test",
        hashing=Hashing.SHA256,
        ring=KeyRing.of(KEY.public),
        watermark=Watermark(path=folder / "last-checkpoint"),
    )


@dataclass
class FileDatabase:
    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'record.db'}"

    def keep(self) -> None:
        shutil.copy(self.folder / "record.db", self.folder / "older.db")

    def put_back(self) -> None:
        shutil.copy(self.folder / "older.db", self.folder / "record.db")

    def drop(self) -> None:
        for part in self.folder.glob("record.db*"):
            part.unlink()


TABLES = [table.name for table in metadata.sorted_tables]


@dataclass
class ServerDatabase:
    cluster: Cluster

    @property
    def url(self) -> str:
        return self.cluster.url("migrated")

    def make(self) -> None:
        self.cluster.empty("migrated", TABLES)
        self._run("DROP SCHEMA IF EXISTS older CASCADE", "CREATE SCHEMA older")

    def keep(self) -> None:
        self._run(*(f"CREATE TABLE older.{name} AS TABLE {name}" for name in TABLES))

    def put_back(self) -> None:
        self._run(
            f"TRUNCATE {', '.join(TABLES)}",
            *(f"INSERT INTO {name} SELECT * FROM older.{name}" for name in TABLES),
        )

    def _run(self, *statements: str) -> None:
        with self.cluster._connected("migrated") as db:
            for statement in statements:
                db.execute(sql.SQL(statement))


@dataclass
class Door:
    """One domain: where its record is, and what its home keeps beside it."""

    database: FileDatabase | ServerDatabase
    owner: Owner
    now: datetime = NOON

    @contextmanager
    def open(self, *, watched: bool = True) -> Iterator[Record]:
        watermark = self.owner.watermark if watched else None
        record = Record.open(self.database.url, clock=lambda: self.now, watermark=watermark)
        try:
            yield record
        finally:
            record.close()

    def found(self) -> None:
        with self.open(watched=False) as record:
            found(record, self.owner, key=key)

    def note(self, count: int = 1) -> None:
        """Note some events, and sign the log."""
        with self.open() as record:
            with record.writing() as tx:
                for _ in range(count):
                    tx.note(event())
            with record.writing() as tx:
                log.checkpoint(tx, KEY)

    def kinds(self) -> list[str]:
        with self.open() as record, record.reading() as tx:
            return [each.event.kind for each in log.entries(tx)]

    def enter(self) -> None:
        with self.open() as record:
            enter(record, self.owner)

    def bring_up(self) -> None:
        with self.open() as record:
            bring_up(record, self.owner, key=key)

    def accept(self) -> Doubt:
        with self.open(watched=False) as record:
            return accept(record, self.owner, WORD, key=key)

    def run(self, statement: str) -> None:
        """Do what somebody does who has the database alone."""
        with self.open() as record, record._writers.begin() as connection:
            connection.execute(text(statement))


def put(record: Record, content: bytes = b"a") -> None:
    """Change something, and note it."""
    with record.writing() as tx:
        blobs.put(tx, content)
        tx.note(event())


def put_and(tx: Writing, act: Callable[[], object]) -> None:
    """Change something, note it, and before the end of the transaction do `act`."""
    blobs.put(tx, b"half")
    tx.note(event())
    act()


def size_of(record: Record) -> int:
    with record.reading() as tx:
        return log.head(tx).size
