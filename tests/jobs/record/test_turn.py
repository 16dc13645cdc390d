import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.faults import RecordDownError
from jobs.record.turn import Turn
from jobs.record.watermark import Watermark
from tests.jobs.conftest import Ticking
from tests.jobs.record.cluster import Cluster


@contextmanager
def held(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_turn_that_is_needed_and_does_not_come_is_an_error(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "record", seconds=0.1, strict=True)

    with held(tmp_path / "record-turn"), pytest.raises(RecordDownError), turn.taken():
        pytest.fail("it is somebody else's turn")
    with turn.taken():
        pass


def test_no_two_threads_have_the_turn_at_once(tmp_path: Path) -> None:
    turn, inside, most = Turn(tmp_path / "record", seconds=10, strict=True), [], []

    def work() -> None:
        for _ in range(50):
            with turn.taken():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 400
    assert max(most) == 1


def test_a_process_that_stopped_in_its_turn_holds_no_writer_on_postgresql_up_for_long(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.make("turns")
    mark = Watermark(path=tmp_path / "last-checkpoint")
    record = Record.open(cluster.url("turns"), clock=Ticking(), watermark=mark)
    record.migrate()

    with held(tmp_path / "record-turn"), record.writing() as tx:
        assert tx.note(Event("asset.added", "A", "system")) == 0
    with record.writing() as tx:
        assert tx.note(Event("asset.added", "B", "system")) == 1
    record.close()
