"""Asks the room keeper over its socket: what a Ray task holds in place of the engine."""

import os
import select
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sandbox.asset import ImageDigest
from sandbox.errors import EngineError, KeeperDownError
from sandbox.order import Artifact, ContainerOrder, Limits, Outcome
from sandbox.runner.contract import Found
from sandbox.runner.frames import Frame, FrameError, receive, send
from sandbox.runner.lease import BEAT_SECONDS
from sandbox.runner.messages import (
    Answer,
    Cancel,
    Hold,
    Import,
    Look,
    Message,
    Mistake,
    Ran,
    Read,
    Reap,
    Reaped,
    Register,
    Registered,
    Run,
    Save,
    Seen,
    framed,
    said,
)
from sandbox.runner.register import Line

A = TypeVar("A", Ran, Reaped, Seen, Answer, Registered)
_GRACE_SECONDS = 120
"""What laying out, starting, collecting and removing may take beside the job's own time."""
_IMPORT_SECONDS = 3600


@contextmanager
def address(path: Path) -> Iterator[str]:
    """Give a socket's path in a short form: the kernel takes at most 107 bytes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class KeeperClient:
    """A `Runner` in another process, by the path of its socket; one connection for each question.

    Where the asking process dies while its job runs, its connection closes and the keeper ends the job.
    """

    socket: Path

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        """Run the order in one fresh container (see `Runner`)."""
        asked = Run(order=order, views=tuple(views))
        return self._ask(asked, Ran, seconds=order.limits.seconds + _GRACE_SECONDS).outcome

    def cancel(self, job: str) -> None:
        """End this job's container now (see `Runner`)."""
        self._ask(Cancel(job=job), Reaped)

    def reap(self, live: Collection[str]) -> tuple[str, ...]:
        """Remove what belongs to no live job (see `Runner`)."""
        return self._ask(Reap(live=tuple(live)), Reaped).jobs

    def found(self) -> Found:
        """Say what the node has and what it lacks (see `Runner`)."""
        return self._ask(Look(), Seen).found

    def read(self, artifact: Artifact, *, asked: str, limits: Limits) -> bytes:
        """Read an untrusted artifact (see `Runner`)."""
        question = Read(artifact=artifact, asked=asked, limits=limits)
        return self._ask(question, Answer, seconds=limits.seconds + _GRACE_SECONDS).content

    def import_image(self, archive: Path, *, line: Line) -> ImageDigest:
        """Load and register an archive (see `Runner`); the keeper must be able to open the path."""
        asked = Import(archive=archive.resolve(), line=line)
        return self._ask(asked, Registered, seconds=_IMPORT_SECONDS).digest

    def register_image(
        self, digest: ImageDigest, *, name: str, line: Line | None = None
    ) -> ImageDigest:
        """Register an image that the engine has (see `Runner`)."""
        return self._ask(Register(digest=digest, name=name, line=line), Registered).digest

    def save_image(self, digest: ImageDigest, archive: Path) -> None:
        """Write a registered image to a new file (see `Runner`); the keeper must be able to make it."""
        asked = Save(digest=digest, archive=archive.resolve())
        self._ask(asked, Registered, seconds=_IMPORT_SECONDS)

    def _ask(self, asked: Message, kind: type[A], *, seconds: float = _GRACE_SECONDS) -> A:
        answer = said(self._exchange(framed(asked), seconds, beat=isinstance(asked, Run)))
        if isinstance(answer, Mistake):
            raise answer.raised()
        if not isinstance(answer, kind):
            raise EngineError("the keeper answered another question")
        return answer

    def _exchange(self, frame: Frame, seconds: float, *, beat: bool) -> Frame:
        try:
            with socket.socket(socket.AF_UNIX) as connection, address(self.socket) as path:
                connection.settimeout(seconds)
                connection.connect(path)
                send(connection, frame)
                _hold(connection, seconds, beat=beat)
                answer = receive(connection)
        except (OSError, FrameError) as error:
            raise KeeperDownError("the room keeper does not answer: shuyu keep") from error
        if answer is None:
            raise KeeperDownError("the room keeper stopped before it answered")
        return answer


def _hold(connection: socket.socket, seconds: float, *, beat: bool) -> None:
    """Wait for the answer; while a job runs, say every second that whoever asked is still there."""
    end, poll = time.monotonic() + seconds, select.poll()
    poll.register(connection, select.POLLIN)
    while beat and not poll.poll(BEAT_SECONDS * 1000):
        if time.monotonic() > end:
            raise TimeoutError
        try:
            send(connection, framed(Hold()))
        except (
            ConnectionError
        ):  # it has answered and closed at this moment: what it said can still be read
            return
