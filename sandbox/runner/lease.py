"""Who holds a job: its asker says every second that it is there, and five seconds of silence end the job."""

import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from sandbox.runner.frames import FrameError, receive
from sandbox.runner.messages import Hold, said

A = TypeVar("A")
BEAT_SECONDS = 1.0
"""How often an asker says that it is there."""
LIFE_SECONDS = 5.0
"""How long a lease lives without that: an asker that is stopped, or starved, has lost its job by then."""


class Leases:
    """The jobs whose askers are there now."""

    def __init__(self) -> None:
        """Begin with none."""
        self._jobs: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def jobs(self) -> frozenset[str]:
        """Return the jobs that somebody holds."""
        with self._lock:
            return frozenset(+self._jobs)

    @contextmanager
    def held(self, job: str) -> Iterator[None]:
        """Count this job as held until the block ends."""
        with self._lock:
            self._jobs[job] += 1
        try:
            yield
        finally:
            with self._lock:
                self._jobs[job] -= 1


def while_held(
    connection: socket.socket, act: Callable[[], A], *, give_up: Callable[[], None]
) -> A:
    """Act, and give up where the connection closes or falls silent first; return what came of it either way."""
    done, wake = socket.socketpair()
    with done, wake, ThreadPoolExecutor(max_workers=1) as thread:
        result = thread.submit(act)
        result.add_done_callback(lambda _: wake.send(b"."))
        _watch(connection, done)
        while not result.done():
            give_up()  # again and again: the first word may come before there is anything to end
            wait((result,), timeout=BEAT_SECONDS)
        return result.result()


def _watch(connection: socket.socket, done: socket.socket) -> None:
    """Return when `done` speaks, or when nobody on the connection does any more."""
    with selectors.DefaultSelector() as selector:
        for each in (done, connection):
            selector.register(each, selectors.EVENT_READ)
        while ready := selector.select(LIFE_SECONDS):
            spoke = {key.fileobj for key, _ in ready}
            if done in spoke or not _holds(connection):
                return


def _holds(connection: socket.socket) -> bool:
    patience = connection.gettimeout()
    connection.settimeout(LIFE_SECONDS)
    try:
        frame = receive(connection)
        return frame is not None and isinstance(said(frame), Hold)
    except (OSError, FrameError, ValueError):
        return False
    finally:
        connection.settimeout(patience)
