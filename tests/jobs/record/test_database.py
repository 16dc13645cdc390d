import re
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as hook
from sqlalchemy import literal_column, select, update

from jobs.errors import ConflictError, OutOfOrderError, SilentChangeError
from jobs.proof.bodies import digest_of, dump, stamp
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import blobs, documents, jobs, log
from jobs.record.audit import verify_log
from jobs.record.database import _FACTS, Record, Writing, leaf, leaf_text
from jobs.record.documents import Document
from jobs.record.engine import RecordDownError
from jobs.record.event import Event, EventError
from jobs.record.faults import ClockError
from jobs.record.schema import blob, log_entry, log_head
from jobs.record.schema import job as job_table
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


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@dataclass
class SetClock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


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


def test_what_was_noted_is_seen_inside_the_transaction_and_sent_at_once(record: Record) -> None:
    sent: list[int] = []

    @hook.listens_for(record._writers, "before_cursor_execute")
    def _count(*call: object) -> None:
        if str(call[2]).startswith("INSERT INTO log_entry"):
            sent.append(len(call[3]) if call[5] else 1)  # type: ignore[arg-type]

    with record.writing() as tx:
        places = [tx.note(event(subject=f"J-{number}")) for number in range(50)]
        documents.add(tx, paper("A"), event(subject="J-A"))
        seen = log.entries(tx)
        tx.note(event(subject="J-B"))

    assert places == list(range(50))
    assert [each.event.subject for each in seen] == [*(f"J-{each}" for each in range(50)), "J-A"]
    assert sent == [51, 1]
    with record.reading() as after:
        assert log.head(after).size == 52


def test_the_tree_inside_a_transaction_holds_what_it_noted(record: Record) -> None:
    with record.writing() as tx:
        tx.note(event())
        inside = log.head(tx)

    with record.reading() as after:
        assert (inside.size, log.head(after)) == (1, inside)


def test_a_change_that_looks_at_the_log_sees_what_was_noted(record: Record) -> None:
    noted = select(log_entry.c.seq).where(log_entry.c.subject == JOB.id)
    with record.writing() as tx:
        jobs.add(tx, JOB, event(subject=JOB.id))

        changed = tx.change(update(job_table).where(noted.exists()).values(epoch=1))

    assert changed == 1


@given(facts=st.dictionaries(WORDS, st.integers(-(2**63), 2**63) | WORDS), subject=WORDS)
def test_a_leaf_is_the_canonical_json_of_its_entry(
    facts: dict[str, str | int], subject: str
) -> None:
    noted = Event("job.noted", subject, subject, facts)
    at = stamp(NOON)

    written = leaf_text(7, noted, at, _FACTS.encode(dict(noted.facts))).encode()

    word = {"seq": 7, "at": at, "kind": noted.kind, "subject": subject, "actor": subject}
    assert written == dump({**word, "facts": facts}).encode()
    assert written == leaf(7, noted, at)


def test_rows_that_go_together_are_added_together_or_not_at_all(record: Record) -> None:
    rows = [{"digest": name, "content": b""} for name in ("a", "b", "a")]

    with record.writing() as tx:
        tx.insert_all(blob, rows[:2])
        tx.insert_all(blob, [])
        tx.note(event())
    with pytest.raises(ConflictError), record.writing() as tx:
        tx.insert_all(blob, [{"digest": "c", "content": b""}, rows[2]])

    with record.reading() as after:
        kept = [row.digest for row in after.rows(select(blob.c.digest).order_by(blob.c.digest))]
    assert kept == ["a", "b"]


def test_time_stands_still_while_the_clock_steps_back_a_little(url: str) -> None:
    clock = SetClock(NOON)
    record = Record.open(url, clock=clock)
    times = (
        NOON,
        NOON - timedelta(seconds=5),
        NOON - timedelta(seconds=1),
        NOON + timedelta(seconds=1),
    )

    for clock.now in times:
        with record.writing() as tx:
            tx.note(event())

    with record.reading() as tx:
        assert [each.at for each in log.entries(tx)] == [NOON, NOON, NOON, times[-1]]
        assert tx.rows(select(log_head.c.at))[0].at == stamp(times[-1])
    record.close()


def test_nothing_is_written_while_the_clock_is_further_back_and_what_mends_it_is_said(
    url: str,
) -> None:
    clock = SetClock(NOON)
    record = Record.open(url, clock=clock)
    with record.writing() as tx:
        tx.note(event())

    clock.now = NOON - timedelta(seconds=5, microseconds=1)
    with pytest.raises(ClockError, match=r"5 seconds behind .*NTP"), record.writing():
        pass

    clock.now = NOON
    with record.writing() as tx:
        tx.note(event())
        assert log.head(tx).size == 2
    record.close()


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

    record = Record.open(url, clock=lambda: datetime.now(UTC))
    with record.writing() as tx:  # whose turn comes when nothing of theirs is under way
        tx.note(event())
        kept = [each.id[0] for each in documents.listed(tx, "paper")]
    assert kept.count("a") == 20
    assert kept.count("b") >= 20
    assert verify_log(record, KeyRing.of(log_key.public)).head.size == len(kept) + 1
    record.close()


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
    assert modes == [0o600] * 4  # the file, its -wal and -shm, and whose turn it is
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
