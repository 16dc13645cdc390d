import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.errors import JobsError
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record.audit import verify_log
from jobs.record.database import Record
from jobs.record.faults import (
    DamagedRecordError,
    NotARecordError,
    RecordDownError,
    RecordGoneError,
)
from jobs.record.turn import Turn
from tests.jobs.conftest import Ticking
from tests.jobs.record.doors import put, put_and, size_of
from tests.jobs.record.examples import CANARY, NOON

SECRET = "hunter2-never-shown"
PLACE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
"""Mounts of the process's own: nothing of them is left when it ends."""
WRITE = """
import sys
from datetime import UTC, datetime
from jobs.errors import JobsError
from jobs.record import blobs, log
from jobs.record.database import Record
from jobs.record.event import Event
from sandbox.errors import SandboxError

def write(record, content):
    with record.writing() as tx:
        blobs.put(tx, content)
        tx.note(Event("blob.kept", "B-1", "test"))

def told(step):
    try:
        step()
        print("done", flush=True)
    except (JobsError, SandboxError) as error:
        print(type(error).__name__, error, flush=True)
"""
FULL = """
record = Record.open("sqlite:///" + sys.argv[1] + "/record.db", clock=lambda: datetime.now(UTC))
record.migrate()
for number in range(20):
    told(lambda: write(record, bytes([number]) * 100_000))
with record.reading() as tx:
    print(log.head(tx).size)
import subprocess
subprocess.run(["mount", "-o", "remount,size=8m", sys.argv[1]], check=True)
told(lambda: write(record, b"there is room again"))
"""
READ_ONLY = """
url = "sqlite:///" + sys.argv[1] + "/record.db"
told(lambda: Record.open(url, clock=lambda: datetime.now(UTC)))
"""
REMOUNTED = """
import subprocess
record = Record.open("sqlite:///" + sys.argv[1] + "/record.db", clock=lambda: datetime.now(UTC))
told(lambda: write(record, b"a"))
record.close()
record = Record.open("sqlite:///" + sys.argv[1] + "/record.db", clock=lambda: datetime.now(UTC))
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
told(lambda: write(record, b"b"))
"""


def run_in(folder: Path, mount: str, script: str) -> list[str]:
    """Run `script` where `mount` has put something else in `folder`, and return what it said."""
    shell = f'{mount} && exec "{sys.executable}" -c "$1" "{folder}"'
    command = [*PLACE, "sh", "-c", shell, "sh", WRITE + script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def later() -> datetime:
    return NOON + timedelta(days=1)


def test_a_full_disk_is_named_keeps_what_was_kept_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    said = run_in(tmp_path, f"mount -t tmpfs -o size=1m none {tmp_path}", FULL)

    kept = said.index(next(line for line in said if line != "done"))
    assert 0 < kept < 20
    assert set(said[kept:20]) == {
        "StorageFullError the disk that the record lies on is full: make room on it"
    }
    assert said[20:] == [str(kept), "done"]


@pytest.mark.usefixtures("sqlite_url")
def test_a_record_on_a_mount_that_is_read_only_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    mount = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"

    (said,) = run_in(tmp_path, mount, READ_ONLY)

    assert said.startswith("ReadOnlyRecordError the record cannot be written: make its file")


def test_a_mount_that_becomes_read_only_is_told_when_something_is_written(tmp_path: Path) -> None:
    record = Record.open(f"sqlite:///{tmp_path}/kept.db", clock=Ticking())
    record.migrate()
    record.close()
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs none {small} && cp {tmp_path}/kept.db {small}/record.db"

    said = run_in(small, mount, REMOUNTED)

    assert said[0] == "done"
    assert said[1].startswith("ReadOnlyRecordError ")


def test_a_file_that_is_removed_while_it_is_open_is_missed_at_once(sqlite_record: Record) -> None:
    put(sqlite_record)
    file = _file_of(sqlite_record)
    file.unlink()

    for use in (lambda: put(sqlite_record, b"b"), lambda: size_of(sqlite_record)):
        with pytest.raises(RecordGoneError, match="stop every process"):
            use()
    assert not file.exists()


def test_a_file_that_was_removed_is_not_made_anew_by_a_connection_that_comes_later(
    sqlite_record: Record,
) -> None:
    file = _file_of(sqlite_record)

    with pytest.raises(RecordGoneError), sqlite_record.reading():  # which has the only connection
        _remove_and_put(file, sqlite_record)

    assert not file.exists()


def test_a_file_that_another_was_put_in_the_place_of_is_not_written_on(
    sqlite_record: Record,
) -> None:
    put(sqlite_record)
    file = _file_of(sqlite_record)
    shutil.copy(file, file.with_name("other.db"))
    file.with_name("other.db").replace(file)

    with pytest.raises(RecordGoneError):
        put(sqlite_record, b"b")


def test_a_file_that_goes_in_the_middle_of_a_transaction_keeps_it_from_ending(
    sqlite_record: Record,
) -> None:
    file = _file_of(sqlite_record)

    with pytest.raises(RecordGoneError), sqlite_record.writing() as tx:
        put_and(tx, lambda: file.rename(file.with_name("elsewhere.db")))

    file.with_name("elsewhere.db").rename(file)
    assert size_of(sqlite_record) == 0


@pytest.mark.parametrize("content", [CANARY.encode() * 1000, b"SQLite format 3\x00" + b"x" * 5000])
def test_a_file_that_is_no_database_is_refused_unchanged_and_unquoted(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "record.db"
    file.write_bytes(content)
    record = Record.open(f"sqlite:///{file}", clock=Ticking())

    for use in (record.migrate, record.form, lambda: put(record)):
        with pytest.raises(NotARecordError, match="setting `record`") as caught:
            use()
        assert CANARY not in str(caught.value)
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_refused_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    with sqlite3.connect(file) as theirs:
        theirs.execute("CREATE TABLE address (name TEXT)")
    record = Record.open(f"sqlite:///{file}", clock=Ticking())

    with pytest.raises(NotARecordError):
        record.migrate()

    record.close()
    with sqlite3.connect(file) as theirs:
        assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("address",)]


@pytest.mark.parametrize("place", ["missing/record.db", "folder", "file/record.db"])
def test_a_place_where_no_file_can_be_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(RecordGoneError):
        Record.open(f"sqlite:///{tmp_path / place}", clock=Ticking())


@pytest.mark.parametrize("url", ["nonsense", f"postgresql://u:{SECRET}@@::/x", "mysql://a@b/c", ""])
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(RecordDownError) as caught:
        Record.open(url, clock=Ticking())

    assert SECRET not in str(caught.value) + caught.value.said.zh


def test_pages_that_were_overwritten_are_told_as_damage(
    sqlite_url: str, log_key: SigningKey
) -> None:
    record = Record.open(sqlite_url, clock=Ticking())
    for number in range(300):
        put(record, bytes([number % 256]) * 50 + str(number).encode())
    file = _file_of(record)
    record.close()
    with sqlite3.connect(file) as base:
        (size,) = base.execute("PRAGMA page_size").fetchone()
        wanted = "SELECT rootpage FROM sqlite_master WHERE name = 'log_entry'"
        (page,) = base.execute(wanted).fetchone()
    _overwrite(file, (page - 1) * size, b"\xa5" * size)

    damaged = Record.open(sqlite_url, clock=later)
    with pytest.raises(DamagedRecordError, match="restore a backup"):
        put(damaged, b"more")
    with pytest.raises(JobsError):
        verify_log(damaged, KeyRing.of(log_key.public))


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_overwritten_nothing_but_a_typed_error_comes_of_it(
    sqlite_url: str, log_key: SigningKey, seed: int
) -> None:
    record = Record.open(sqlite_url, clock=Ticking())
    for number in range(40):
        put(record, b"%d" % number * 200)
    file = _file_of(record)
    record.close()
    length = file.stat().st_size
    _overwrite(file, 100 + seed * (length - 5000) // 8, os.urandom(4900))

    for use in (
        lambda: put(Record.open(sqlite_url, clock=later), b"more"),
        lambda: verify_log(Record.open(sqlite_url, clock=Ticking()), KeyRing.of(log_key.public)),
    ):
        try:
            use()
        except JobsError as error:
            assert str(error)  # noqa: PT017 - it may do without the pages, or say what is wrong


def test_a_turn_that_does_not_come_is_told_and_one_that_was_let_go_is_taken(tmp_path: Path) -> None:
    first, second = (Turn(tmp_path / "record.db", seconds=0.05, strict=True) for _ in range(2))

    with first.taken():
        for other in (first, second):
            with pytest.raises(RecordDownError, match="does not end"), other.taken():
                pass
    with second.taken():
        pass

    first.close()
    second.close()


def test_a_writer_that_is_killed_in_its_turn_lets_go_of_it(tmp_path: Path) -> None:
    holding = (
        "import sys, time; from pathlib import Path; from jobs.record.turn import Turn\n"
        "with Turn(Path(sys.argv[1]), seconds=1, strict=True).taken(): print('mine', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holding, str(tmp_path / "record.db")]
    turn = Turn(tmp_path / "record.db", seconds=5, strict=True)

    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"mine\n"
        process.kill()
    with turn.taken():
        pass

    turn.close()


def _remove_and_put(file: Path, record: Record) -> None:
    file.unlink()
    put(record)


def _file_of(record: Record) -> Path:
    return Path(str(record._writers.url.database))


def _overwrite(file: Path, at: int, content: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(at)
        out.write(content)
