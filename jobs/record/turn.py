"""Whose turn it is to write to the record, among the threads and processes of one host.

SQLite's own wait sleeps up to 100 ms between two tries: among several writers, nobody would be awake most of the
time. A lock on a file beside the record is asked for every millisecond; who dies lets go of it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from jobs.record.faults import RecordDownError, read_only

_PAUSE_SECONDS = 0.001


class Turn:
    """The turn to write; threads of one process share it."""

    def __init__(self, record: Path, *, seconds: float, strict: bool) -> None:
        """Take turns by a file beside `record`, and wait for one at most so many `seconds`.

        `strict`: nobody writes out of turn. Otherwise the database has a lock of its own, and whoever has
        waited so long asks there: a process that was stopped in its turn holds nobody up for longer.
        """
        self._path = record.with_name(record.name + "-turn")
        self._seconds, self._strict = seconds, strict
        self._threads = Lock()
        self._file: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the turn; raise `RecordDownError` where it does not come and is needed."""
        try:
            file = self._come()
        except RecordDownError:
            if self._strict:
                raise
            yield
            return
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
            self._threads.release()

    def _come(self) -> int:
        until = time.monotonic() + self._seconds
        if not self._threads.acquire(timeout=self._seconds):
            raise _late()
        try:
            file = self._opened()
            _lock(file, until=until)
        except BaseException:
            self._threads.release()
            raise
        return file

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _opened(self) -> int:
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                raise read_only() from None
        return self._file


def _lock(file: int, *, until: float) -> None:
    while not _locked(file):
        if time.monotonic() > until:
            raise _late()
        time.sleep(_PAUSE_SECONDS)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _late() -> RecordDownError:
    return RecordDownError(
        "the record is busy: somebody else is writing, and does not end",
        zh="记录库繁忙：另一写入者一直没有结束",
    )
