"""One container that was made before its job was known: started, checked and preloaded, it takes one job and no other."""

import json
import os
import re
import secrets
import select
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import resources
from pathlib import Path

from sandbox.errors import EngineError
from sandbox.order import Ended
from sandbox.runner.conformity import conformity
from sandbox.runner.container import Bind, Cell, Host, config
from sandbox.runner.engine import Engine
from sandbox.runner.errand import Errand, Key, allowed
from sandbox.runner.places import clear, furnish, reserve
from sandbox.runner.stay import LAST_SECONDS, End, Leash, by_state
from sandbox.runner.streams import Channel, Listener

_READY_SECONDS = 60
_BEGIN_SECONDS = 10
_GREETING_BYTES = 256 * 1024
_WORD_BYTES = 64
_NOTE_SECONDS = 0.25
"""How long the last of what a job printed may lag behind the word that it ended."""
_ENDED = re.compile(rb"ended ([0-9]{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lodging:
    """Where a container is made: its host, its folder inside a shared one, its slot."""

    host: Host
    root: Path
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBegun:
    """Nothing of the job has run: another container may take it."""

    blind: bool = False
    """The container does not see what was mounted for it."""


class _Silence(StrEnum):
    """Why no word came."""

    DEAD = "dead"
    LATE = "late"
    GARBLED = "garbled"


class Warm:
    """One container from its creation to its removal; `clear` it whatever comes of it.

    It is ended by its first process, without asking the engine: with that one, the kernel ends all others in it.
    """

    _channel: Channel
    _listener: Listener

    def __init__(self, engine: Engine, key: Key, lodging: Lodging) -> None:
        """Start with nothing created."""
        self.key, self.lodging = key, lodging
        self.out = lodging.root / "out"
        self.modules: frozenset[str] = frozenset()
        """What it has imported: the names of the outermost modules."""
        self.memory = 0
        """How many bytes it needs while it waits."""
        self._engine, self._leash, self._ends = engine, Leash(), ExitStack()
        self._container, self._conformity = "", ""
        self._mark = secrets.token_hex(16)
        self._process = -1
        self._poll, self._watched = select.poll(), set[int]()
        self._lines: list[bytes] = []

    @property
    def name(self) -> str:
        """Return the name of its folder, by which its container is labelled too."""
        return self.lodging.root.name

    @property
    def is_waiting(self) -> bool:
        """Say whether it is still there, and silent."""
        return not self._poll.poll(0)

    def prepare(self) -> None:
        """Create, start and check the container, and wait until its shim is ready; raise `SandboxError` where it is not."""
        who = allowed(self.key.limits, self.lodging.host, self.lodging.slot)
        here = reserve(self.lodging.root, who, _shim())
        demanded = config(self._cell(here.binds))
        self._container = self._engine.create(demanded)
        self._channel = self._engine.talk(self._container)
        self._ends.callback(self._channel.close)
        self._listener = self._engine.overhear(self._container, mark=self._mark.encode())
        self._engine.start(self._container)
        seen = self._engine.inspect(self._container)
        checked = conformity(seen, demanded)
        if checked.failed:
            raise EngineError(f"the engine did not do as demanded: {', '.join(checked.failed)}")
        self._conformity = checked.as_json()
        self._hold(seen["State"]["Pid"])
        self._greet()

    def serve(self, errand: Errand, leash: Leash) -> End | NotBegun:
        """Let the one job run.

        Raise `EngineDownError` where the engine goes away, `StorageFullError` where the disk is full.
        """
        furnish(self.lodging.root, errand.luggage, holder=errand.job)
        if not leash.hold(self.kill):
            return self._end(Ended.STOPPED)
        self._listener.forget()
        begun = self._begun(errand)
        if leash.is_pulled():
            return self._end(Ended.STOPPED)
        if begun is not None:
            self.kill()
            return begun
        word = self._word(_WORD_BYTES, seconds=errand.limits.seconds)
        ended = self._judged(word)
        return self._end(Ended.STOPPED if leash.is_pulled() else ended)

    def kill(self) -> None:
        """End every process of it, now or as soon as there is one."""
        self._leash.pull()

    def clear(self) -> None:
        """Remove all of it; raise `EngineError` where the container may still be there."""
        self.kill()
        self._ends.close()
        if self._container:
            self._engine.remove(self._container)
        clear(self.lodging.root)

    def _cell(self, binds: tuple[Bind, ...]) -> Cell:
        limits = self.key.limits
        return Cell(
            host=self.lodging.host,
            job=self.name,
            epoch=0,
            image=self.key.image,
            command=(self.key.interpreter, "/shuyu/shim.py", str(limits.memory_bytes)),
            runtime=self.key.runtime,
            slot=self.lodging.slot,
            limits=limits,
            binds=binds,
            waits=True,
        )

    def _hold(self, pid: int) -> None:
        """Take hold of the first process, by which all of it can be ended."""
        self._process = _opened(pid, self._container)
        self._ends.callback(self._let_go)
        self._watch(self._process)
        self._watch(self._channel.fileno())
        if not self._leash.hold(partial(_kill, self._process)):
            raise EngineError("the container was given up before it was ready")

    def _let_go(self) -> None:
        self._leash.hold(
            lambda: None
        )  # whoever ends it from now on must not hit another's descriptor
        os.close(self._process)

    def _greet(self) -> None:
        word = self._word(_GREETING_BYTES, seconds=_READY_SECONDS)
        try:
            greeting = json.loads(word)
            self.modules = frozenset(greeting["modules"])
            self.memory = int(greeting["memory"])
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError("the interpreter of the image does not run our shim") from error

    def _begun(self, errand: Errand) -> NotBegun | None:
        """Tell the shim its order; answer with nothing where it has begun."""
        views = {asset: sorted(os.listdir(view)) for asset, view in errand.views}  # noqa: PTH208 - names
        order = {"arguments": errand.command[1:], "views": views, "mark": self._mark}
        try:
            self._channel.send(json.dumps(order).encode())
        except OSError:
            return NotBegun()
        word = self._word(_WORD_BYTES, seconds=_BEGIN_SECONDS)
        return None if word == b"begun" else NotBegun(blind=word == b"unseen")

    def _word(self, cap: int, *, seconds: float) -> bytes | _Silence:
        """Wait for one line: what was said before the end is heard, also where the news of the end come first."""
        end = time.monotonic() + seconds
        while not self._lines:
            if self._channel.is_garbled:
                return _Silence.GARBLED
            if not self._watched:
                return _Silence.DEAD
            ready = {which for which, _ in self._poll.poll(max(0, (end - time.monotonic()) * 1000))}
            if not ready:
                return _Silence.LATE
            self._attend(ready, cap)
        return self._lines.pop(0)

    def _attend(self, ready: set[int], cap: int) -> None:
        """Take what there is.

        A job may close the stream, and then only its process tells of its end; or else it is the engine that is gone.
        """
        if self._process in ready:
            self._ignore(self._process)
        if self._channel.fileno() not in ready:
            return
        lines = self._channel.hear(cap)
        self._lines += lines or ()
        if lines is None:
            self._ignore(self._channel.fileno())
            self._engine.inspect(self._container)

    def _watch(self, descriptor: int) -> None:
        self._watched.add(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def _ignore(self, descriptor: int) -> None:
        self._watched.remove(descriptor)
        self._poll.unregister(descriptor)

    def _judged(self, word: bytes | _Silence) -> Ended:
        if word is _Silence.LATE:
            return Ended.TIMED_OUT
        if word is _Silence.DEAD:
            if not self._engine.ends_within(self._container, LAST_SECONDS):
                raise EngineError("the engine cannot end a container")
            return by_state(self._engine.inspect(self._container)["State"])
        said = None if isinstance(word, _Silence) else _ENDED.fullmatch(word)
        if said is None:
            return Ended.OUTPUT_REFUSED
        state = {} if int(said[1]) == 0 else self._engine.inspect(self._container)["State"]
        return by_state({"OOMKilled": False, **state, "ExitCode": int(said[1])})

    def _end(self, ended: Ended) -> End:
        if ended is not Ended.FINISHED:
            self.kill()
        note = self._listener.said(seconds=_NOTE_SECONDS)
        return End(ended=ended, conformity=self._conformity, note=note)


def _shim() -> bytes:
    return resources.files("sandbox.runner").joinpath("shim.py").read_bytes()


def _opened(pid: int, container: str) -> int:
    """Open a process that the engine names, if it is one of this host and of this container."""
    try:
        process = os.pidfd_open(pid)
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError as error:
        raise EngineError("the container ended before it was ready") from error
    if container not in groups:
        os.close(process)
        raise EngineError("the engine's containers are not processes of this host")
    return process


def _kill(process: int) -> None:
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has ended
