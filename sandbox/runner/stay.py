"""One container from its creation to its removal, and how its job ended."""

import threading
from contextlib import suppress
from dataclasses import dataclass

from sandbox.errors import EngineError
from sandbox.order import Ended
from sandbox.runner.conformity import conformity
from sandbox.runner.container import Cell, config
from sandbox.runner.engine import Engine, Inspection

_KILLED = 137
_NOT_STARTED = frozenset({126, 127})
"""The exit codes by which the engine says that the command is none."""
_LAST_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a container ended; what it left is judged elsewhere."""

    ended: Ended
    conformity: str = ""
    note: str = ""


class Stay:
    """The time that one job's container exists; another thread may end it."""

    def __init__(self, engine: Engine) -> None:
        """Start with nothing created."""
        self._engine = engine
        self._lock = threading.Lock()
        self._container = ""
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End it now, or before it begins."""
        with self._lock:
            self._cancelled.set()
            container = self._container
        if container:
            self._engine.kill(container)

    def through(self, cell: Cell) -> End:
        """Create, start, check, await and remove the container.

        Raise `EngineDownError` where the engine goes away; what it leaves then is reaped when it is back.
        """
        demanded = config(cell)
        try:
            with self._lock:
                if self._cancelled.is_set():
                    return End(ended=Ended.STOPPED)
                self._container = self._engine.create(demanded)
            return self._started(demanded, seconds=cell.limits.seconds)
        finally:
            if self._container:
                with suppress(EngineError):  # the reaper tries again
                    self._engine.remove(self._container)

    def _started(self, demanded: dict[str, object], *, seconds: int) -> End:
        listener = self._engine.listen(self._container)
        try:
            self._engine.start(self._container)
        except EngineError as error:
            return self._unstarted(error)
        seen = conformity(self._engine.inspect(self._container), demanded)
        in_time = False if seen.failed else self._awaited(seconds)
        if seen.failed:
            self._engine.kill(self._container)
            note = f"the engine did not do as demanded: {', '.join(seen.failed)}"
            return End(ended=Ended.ENGINE_FAILED, conformity=seen.as_json(), note=note)
        state = self._engine.inspect(self._container)["State"]
        ended = self._judge(state, in_time=in_time)
        return End(ended=ended, conformity=seen.as_json(), note=listener.said())

    def _awaited(self, seconds: int) -> bool:
        """Wait for the end, and kill what is past its time or was cancelled before it could be killed."""
        if self._cancelled.is_set():
            self._engine.kill(self._container)
        if self._engine.ends_within(self._container, seconds):
            return True
        self._engine.kill(self._container)
        if not self._engine.ends_within(self._container, _LAST_SECONDS):
            raise EngineError("the engine cannot end a container")
        return False

    def _unstarted(self, error: EngineError) -> End:
        state = self._engine.inspect(self._container)["State"]
        ended = Ended.FAILED if state["ExitCode"] in _NOT_STARTED else Ended.ENGINE_FAILED
        return End(ended=ended, note=str(error))

    def _judge(self, state: Inspection, *, in_time: bool) -> Ended:
        if self._cancelled.is_set():
            return Ended.STOPPED
        if not in_time:
            return Ended.TIMED_OUT
        if state["ExitCode"] == 0:
            return Ended.FINISHED
        if state["OOMKilled"] or state["ExitCode"] == _KILLED:
            return Ended.OUT_OF_MEMORY
        return Ended.FAILED
