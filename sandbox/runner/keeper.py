"""The room keeper: the one process of a node that holds the engine's socket, answering on a socket of its own."""

import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import EngineDownError, EngineError, SandboxError
from sandbox.runner.client import KeeperClient, address
from sandbox.runner.contract import Found
from sandbox.runner.engine import Engine
from sandbox.runner.frames import Frame, FrameError, receive, send
from sandbox.runner.lease import LIFE_SECONDS, Leases, while_held
from sandbox.runner.messages import (
    Answer,
    Cancel,
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
from sandbox.runner.pool import Warmth
from sandbox.runner.register import Trust
from sandbox.runner.rooms import Rooms

__all__ = ["KeeperClient", "KeeperSettings", "serve_keeper"]

_STOP_SECONDS = 0.2
_FRAME_SECONDS = 60
_PEER = struct.Struct("3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    """What a keeper serves."""

    home: Path
    """The domain home."""
    engine: str
    """The engine's address, such as `unix:///var/run/docker.sock`."""
    slots: int = 64
    """How many jobs may run at once."""
    warm: int = 2
    """How many containers wait for jobs of one runtime, image and limits; 0 for none at all."""
    warm_total: int = 8
    """How many containers wait in all."""
    warm_bytes: int = 2 * 1024**3
    """How much memory all that wait may need together."""
    warm_seconds: float = 900.0
    """How long they wait without a job before they go."""
    trust: Trust | None = None
    """Whose signatures the register of images must bear; without it, none are asked for."""

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.home / "run" / "keeper.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a question is answered from."""

    rooms: Rooms
    leases: Leases


def serve_keeper(
    settings: KeeperSettings, *, ready: Callable[[Found], None], stop: threading.Event
) -> None:
    """Serve until `stop` is set, then end every job here.

    What an earlier keeper of this home left is removed first. Raise `EngineError` where another one serves this home.
    """
    engine = Engine(settings.engine)
    warmth = Warmth(
        each=settings.warm,
        total=settings.warm_total,
        memory_bytes=settings.warm_bytes,
        idle_seconds=settings.warm_seconds,
    )
    leases = Leases()
    rooms = Rooms(settings.home, engine, slots=settings.slots, warmth=warmth, trust=settings.trust)
    with _only(settings), _listening(settings.socket) as listener:
        with suppress(
            EngineDownError
        ):  # it says so in what it found; the next reaping finds the rest
            rooms.reap(())
        rooms.open()
        ready(rooms.found())
        try:
            threading.Thread(target=_reap, args=(rooms, leases, stop), daemon=True).start()
            _serve(listener, Desk(rooms=rooms, leases=leases), stop)
        finally:
            rooms.close()
            engine.close()


@contextmanager
def _only(settings: KeeperSettings) -> Iterator[None]:
    """Hold the home's lock, which ends with the process."""
    with (settings.home / "run" / "keeper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError("another keeper serves this domain home") from error
        yield


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, address(path) as short:
        listener.bind(short)
        path.chmod(0o600)
        listener.listen()
        listener.settimeout(_STOP_SECONDS)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _serve(listener: socket.socket, desk: Desk, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            threading.Thread(target=_converse, args=(connection, desk), daemon=True).start()


def _reap(rooms: Rooms, leases: Leases, stop: threading.Event) -> None:
    """Remove what nobody holds, again and again: what an engine that was away has kept, for one."""
    while not stop.wait(LIFE_SECONDS):
        with suppress(EngineError, OSError):
            rooms.reap(leases.jobs)


def _converse(connection: socket.socket, desk: Desk) -> None:
    """Answer the one question of a connection; whoever is not our own user gets no answer."""
    with connection, suppress(OSError, FrameError):
        connection.settimeout(_FRAME_SECONDS)
        _, user, _ = _PEER.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        )
        if user not in {0, os.geteuid()}:
            return
        frame = receive(connection)
        if frame is not None:
            send(connection, framed(_answer(frame, connection, desk)))


def _answer(frame: Frame, connection: socket.socket, desk: Desk) -> Message:
    try:
        return _dispatch(said(frame), connection, desk)
    except SandboxError as error:
        return Mistake(error=type(error).__name__, why=str(error))
    except Exception as error:  # noqa: BLE001 - whoever waits must hear that the job is lost, or it waits for ever
        return Mistake(error="EngineError", why=f"the keeper failed: {type(error).__name__}")


def _dispatch(asked: Message, connection: socket.socket, desk: Desk) -> Message:  # noqa: C901, PLR0911 - one line a question
    rooms = desk.rooms
    match asked:
        case Run():
            return _leased(connection, asked, desk)
        case Read():
            return Answer(
                content=rooms.read(asked.artifact, asked=asked.asked, limits=asked.limits)
            )
        case Cancel():
            rooms.cancel(asked.job)
            return Reaped()
        case Reap():
            return Reaped(jobs=rooms.reap(asked.live))
        case Look():
            return Seen(found=rooms.found())
        case Import():
            return Registered(digest=rooms.images.take_in(asked.archive, line=asked.line))
        case Register():
            given = rooms.images.register(asked.digest, name=asked.name, line=asked.line)
            return Registered(digest=given)
        case Save():
            rooms.images.save(asked.digest, asked.archive)
            return Registered(digest=asked.digest)
        case _:
            return Mistake(error="EngineError", why="that is an answer, not a question")


def _leased(connection: socket.socket, asked: Run, desk: Desk) -> Message:
    """Run a job for as long as its asker is there: where the connection closes or falls silent, the job ends."""
    order, rooms = asked.order, desk.rooms
    with desk.leases.held(order.job):
        outcome = while_held(
            connection,
            lambda: rooms.run(order, asked.views),
            give_up=lambda: rooms.cancel(order.job),
        )
    return Ran(outcome=outcome)
