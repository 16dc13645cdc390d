import re
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event as hook
from sqlalchemy import literal_column, select, update

from jobs.errors import ConflictError, OutOfOrderError, SilentChangeError
from jobs.proof.bodies import digest_of
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import blobs, documents, jobs, log
from jobs.record.audit import verify_log
from jobs.record.database import Record, Writing
from jobs.record.documents import Document
from jobs.record.engine import RecordDownError
from jobs.record.event import Event, EventError
from jobs.record.schema import job as job_table
from jobs.record.schema import metadata
from sandbox.errors import StorageFullError
from tests.jobs.conftest import Ticking
from tests.jobs.record.cluster import Cluster
from tests.jobs.record.examples import CANARY, JOB, NOON, event

WRITER = """
import sys
from datetime import UTC, datetime
from jobs.record import documents
from jobs.record.database import Record
from jobs.record.documents import Document
from jobs.record.event import Event

record = Record.open(sys.argv[1], clock=lambda: datetime.now(UTC))
for number in range(100_000):
    with record.writing() as tx:
        name = f"{sys.argv[2]}-{number}"
        paper = Document(kind="paper", id=name, body="{}", at=tx.now)
        documents.add(tx, paper, Event("paper.added", name, "writer"))
        if number == 20:
            print("inside", flush=True)
            sys.stdin.read(int(sys.argv[3]))
"""


def paper(name: str) -> Document:
    return Document(kind="paper", id=name, body="{}", at=NOON)


def test_a_change_without_an_event_is_rolled_back(record: Record) -> None:
    with pytest.raises(SilentChangeError), record.writing() as tx:
        blobs.put(tx, b"code")

    with record.writing() as tx:
        tx.note(event())
        blobs.put(tx, b"code")
    with record.reading() as tx:
        assert blobs.get(tx, digest_of(b"code")) == b"code"
        assert log.head(tx).size == 1


def test_an_update_without_an_event_is_rolled_back(record: Record) -> None:
    with record.writing() as tx:
        jobs.add(tx, JOB, event())

    with pytest.raises(SilentChangeError), record.writing() as tx:
        tx.change(update(job_table).values(state="released"))

    with record.reading() as tx:
        assert jobs.get(tx, JOB.id) == JOB


def test_an_exception_leaves_neither_change_nor_event(record: Record) -> None:
    with pytest.raises(OutOfOrderError), record.writing() as tx:
        _add_and_fail(tx)

    with record.reading() as tx:
        assert documents.listed(tx, "paper") == []
        assert log.head(tx).size == 0


def test_a_taken_id_is_a_conflict_and_the_transaction_goes_on(record: Record) -> None:
    with record.writing() as tx:
        documents.add(tx, paper("A"), event())
        with pytest.raises(ConflictError):
            documents.add(tx, paper("A"), event())
        documents.add(tx, paper("B"), event())

    with record.reading() as tx:
        assert [each.id for each in documents.listed(tx, "paper")] == ["A", "B"]
        assert log.head(tx).size == 2


def test_a_row_about_nothing_is_a_conflict(record: Record) -> None:
    with pytest.raises(ConflictError, match="lacks what it refers to"), record.writing() as tx:
        jobs.remember(tx, JOB.submitted_by, "key", "sha256:0", JOB.id)


def test_a_reading_sees_one_moment(record: Record) -> None:
    with record.reading() as before:
        assert documents.listed(before, "paper") == []
        with record.writing() as tx:
            documents.add(tx, paper("A"), event())

        assert documents.listed(before, "paper") == []


def test_threads_take_turns_and_lose_no_event(record: Record, log_key: SigningKey) -> None:
    def write(number: int) -> None:
        with record.writing() as tx:
            documents.add(tx, paper(f"{number:03}"), event())

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(100)))

    with record.reading() as tx:
        assert len(documents.listed(tx, "paper")) == 100
    assert verify_log(record, KeyRing.of(log_key.public)).head.size == 100


def test_a_writer_killed_inside_a_transaction_leaves_a_whole_record_to_the_next(
    url: str, log_key: SigningKey
) -> None:
    first, second = _writer(url, "a", wait=1), _writer(url, "b", wait=0)
    assert first.stdout is not None
    assert second.stdout is not None
    assert first.stdout.readline() == b"inside\n"

    _kill(first)
    assert second.stdout.readline() == b"inside\n"
    _kill(second)

    record = Record.open(url, clock=Ticking())
    with record.writing() as tx:  # whose turn comes when nothing of theirs is under way
        tx.note(event())
        kept = [each.id[0] for each in documents.listed(tx, "paper")]
    assert kept.count("a") == 20
    assert kept.count("b") >= 20
    assert verify_log(record, KeyRing.of(log_key.public)).head.size == len(kept) + 1
    record.close()


def test_the_migrations_make_the_tables_that_the_schema_names(record: Record) -> None:
    record.migrate()

    with record._readers.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_sqlite_record_is_durable_and_its_owners_alone(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "record.db").unlink()
    record = Record.open(sqlite_url, clock=Ticking())
    record.migrate()

    with record._readers.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("record.db*")]

    assert pragmas == ["wal", 2, 1]
    assert modes == [0o600, 0o600, 0o600]
    record.close()


def test_a_postgresql_writer_waits_and_hangs_for_a_bounded_time(cluster: Cluster) -> None:
    record = Record.open(cluster.url("migrated"), clock=Ticking())

    with record._writers.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in (
                "lock_timeout",
                "synchronous_commit",
                "idle_in_transaction_session_timeout",
            )
        ]

    assert settings == ["30s", "on", "1min"]
    record.close()


def test_a_full_disk_is_named_and_changes_nothing(sqlite_record: Record) -> None:
    @hook.listens_for(sqlite_record._writers, "begin")
    def _fill(connection: object) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")  # type: ignore[attr-defined]

    with pytest.raises(StorageFullError), sqlite_record.writing() as tx:
        blobs.put(tx, CANARY.encode() * 100_000)

    with sqlite_record.reading() as after:
        assert log.head(after).size == 0


def test_a_database_that_is_gone_is_named_without_its_rows(tmp_path: Path) -> None:
    record = Record.open(f"postgresql+psycopg://nobody@/none?host={tmp_path}", clock=Ticking())

    with pytest.raises(RecordDownError, match="does not answer"), record.reading():
        pass


def test_other_databases_are_refused() -> None:
    for url in ("mysql://a@b/c", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises((RecordDownError, ModuleNotFoundError)):
            Record.open(url, clock=Ticking())


def test_a_database_error_quotes_no_row(record: Record) -> None:
    with pytest.raises(RecordDownError) as caught, record.writing() as tx:
        tx.rows(select(job_table).where(literal_column("nothing") == CANARY))

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "queued"},
        {"kind": "Job.Queued"},
        {"subject": ""},
        {"actor": ""},
        {"subject": "a\nb"},
        {"facts": {"share": 0.5}},
        {"facts": {"yes": True}},
        {"facts": {"text": CANARY * 1000}},
        {"facts": {str(number): 1 for number in range(65)}},
    ],
)
def test_an_event_that_the_log_cannot_keep_is_refused_unquoted(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"kind": "job.queued", "subject": "J-1", "actor": "system"}

    with pytest.raises(EventError) as caught:
        Event(**{**right, **wrong})  # type: ignore[arg-type]

    assert not re.search(CANARY, str(caught.value))


def _add_and_fail(tx: Writing) -> None:
    documents.add(tx, paper("A"), event())
    raise OutOfOrderError


def _writer(url: str, name: str, *, wait: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", WRITER, url, name, str(wait)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _kill(writer: "subprocess.Popen[bytes]") -> None:
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=10)
