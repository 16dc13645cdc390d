import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from jobs.errors import JobsError
from jobs.proof.bodies import digest_of
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import blobs
from jobs.record.audit import verify_log
from jobs.record.database import Record
from jobs.record.faults import (
    LockedOutError,
    NotARecordError,
    ReadOnlyRecordError,
    RecordDownError,
    RecordGoneError,
)
from sandbox.errors import StorageFullError
from tests.jobs.conftest import Ticking
from tests.jobs.record import cluster as clusters
from tests.jobs.record.cluster import USER
from tests.jobs.record.doors import put, put_and, size_of

SECRET = "hunter2-never-shown"


@dataclass
class Server:
    """A PostgreSQL of one's own, that may die, with a little room on a mount of its own."""

    folder: Path
    process: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self) -> None:
        small, run = self.folder / "small", f"{clusters.programs()}/postgres -D {self.folder}/data"
        mount = f"mount -t tmpfs -o size=24m none {small} && chown postgres {small}"
        as_owner = "setpriv --reuid=postgres --regid=postgres --clear-groups"
        server = f"{run} -k {self.folder} -c fsync=off -c listen_addresses="
        shell = f"{mount} && exec {as_owner} {server}" if os.getuid() == 0 else f"exec {server}"
        command = [*(["unshare", "--mount"] if os.getuid() == 0 else []), "sh", "-c", shell]
        self.process.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        clusters._wait(self.folder)

    def stop(self) -> None:
        process = self.process.pop()
        process.send_signal(signal.SIGQUIT)  # at once, as in a crash
        process.wait(timeout=30)

    def run(self, *statements: str, database: str = "postgres") -> None:
        address = {"host": str(self.folder), "user": USER, "dbname": database}
        with psycopg.connect(**address, autocommit=True) as db:  # type: ignore[arg-type]
            for statement in statements:
                db.execute(statement.encode())

    def url(self, database: str, user: str = USER, password: str = "") -> str:
        who = f"{user}:{password}" if password else user
        return f"postgresql+psycopg://{who}@/{database}?host={self.folder}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="shuyu-pg-"))
    first = clusters.start(folder)
    first.send_signal(signal.SIGINT)
    first.wait(timeout=30)
    (folder / "small").mkdir()
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    server = Server(folder)
    server.start()
    server.run("CREATE ROLE locked LOGIN PASSWORD 'right'", "CREATE DATABASE kept")
    record = Record.open(server.url("kept"), clock=Ticking())
    record.migrate()
    record.close()
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_a_server_that_dies_and_comes_back_is_found_again(
    server: Server, log_key: SigningKey
) -> None:
    record = Record.open(server.url("kept"), clock=Ticking())
    put(record, b"before")

    server.stop()
    with pytest.raises(RecordDownError, match="does not answer"):
        put(record, b"lost")
    with pytest.raises(RecordDownError):
        size_of(record)
    server.start()

    put(record, b"after")
    assert verify_log(record, KeyRing.of(log_key.public)).head.size == 2
    record.close()


def test_a_server_that_dies_in_the_middle_of_a_transaction_keeps_nothing_of_it(
    server: Server,
) -> None:
    record = Record.open(server.url("kept"), clock=Ticking())
    before = size_of(record)

    with pytest.raises(RecordDownError), record.writing() as tx:
        put_and(tx, server.stop)
    server.start()

    assert size_of(record) == before
    with record.reading() as tx, pytest.raises(JobsError):
        blobs.get(tx, digest_of(b"half"))
    record.close()


@pytest.mark.parametrize(("user", "password"), [("locked", SECRET), ("locked", ""), ("nobody", "")])
def test_a_wrong_user_or_password_is_told_and_never_shown(
    server: Server, user: str, password: str
) -> None:
    record = Record.open(server.url("kept", user, password), clock=Ticking())

    with pytest.raises(LockedOutError, match="setting `record`") as caught:
        size_of(record)

    assert SECRET not in str(caught.value) + caught.value.said.zh
    assert caught.value.__suppress_context__


def test_too_many_connections_are_told_as_busy(server: Server) -> None:
    server.run("CREATE ROLE limited LOGIN CONNECTION LIMIT 0")
    record = Record.open(server.url("kept", "limited"), clock=Ticking())

    with pytest.raises(RecordDownError, match=r"busy.*more connections"):
        size_of(record)


def test_a_database_that_does_not_exist_is_told(server: Server) -> None:
    record = Record.open(server.url("none"), clock=Ticking())

    with pytest.raises(RecordGoneError):
        record.form()


def test_a_server_that_may_only_be_read_is_read_and_never_half_written(server: Server) -> None:
    server.run("ALTER DATABASE kept SET default_transaction_read_only = on")
    record = Record.open(server.url("kept"), clock=Ticking())

    with pytest.raises(ReadOnlyRecordError, match="default_transaction_read_only"):
        put(record)
    assert size_of(record) >= 0

    record.close()
    server.run("ALTER DATABASE kept RESET default_transaction_read_only")


def test_a_servers_tables_of_another_program_are_left_alone(server: Server) -> None:
    server.run("CREATE DATABASE theirs")
    server.run("CREATE TABLE address (name text)", database="theirs")
    record = Record.open(server.url("theirs"), clock=Ticking())

    with pytest.raises(NotARecordError):
        record.migrate()
    record.close()


@pytest.mark.skipif(os.getuid() != 0, reason="a mount for another user's server needs root")
def test_a_full_server_is_named_and_keeps_what_was_kept(
    server: Server, log_key: SigningKey
) -> None:
    server.run(
        f"CREATE TABLESPACE small LOCATION '{server.folder}/small'",
        "CREATE DATABASE cramped TABLESPACE small",
    )
    record = Record.open(server.url("cramped"), clock=Ticking())
    record.migrate()

    with pytest.raises(StorageFullError):
        _fill(record)

    assert verify_log(record, KeyRing.of(log_key.public)).head.size == size_of(record) > 0
    record.close()
    server.run("DROP DATABASE cramped", "DROP TABLESPACE small")


def _fill(record: Record) -> None:
    for number in range(100):
        put(record, os.urandom(999_000) + bytes([number]))
