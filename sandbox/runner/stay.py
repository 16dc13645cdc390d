"""One container that was made for its job, from its creation to its end, and how its job ended."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sandbox.errors import EngineDownError, EngineError
from sandbox.order import Ended
from sandbox.runner.conformity import conformity
from sandbox.runner.container import Cell, config
from sandbox.runner.engine import Engine, Inspection, UnansweredError

KILLED = 137
"""The exit code of what was killed: by nobody here, then for its memory."""
_NOT_STARTED = frozenset({126, 127})
"""The exit codes by which the engine says that the command is none."""
LAST_SECONDS = 30
"""How long a kill may take before the engine is held to have failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a container ended; what it left is judged elsewhere."""

    ended: Ended
    conformity: str = ""
    note: str = ""


class Leash:
    """Lets another thread end what runs, also before it began."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._lock = threading.Lock()
        self._kill: Callable[[], None] | None = None
        self._pulled = False

    def is_pulled(self) -> bool:
        """Say whether it is to end, or has been ended."""
        return self._pulled

    def hold(self, kill: Callable[[], None]) -> bool:
        """Take what ends it from now on; answer whether it may go on."""
        with self._lock:
            self._kill = kill
            return not self._pulled

    def pull(self) -> None:
        """End it now, or before it begins."""
        with (
            self._lock
        ):  # also while it is ended: whoever lets go of it must know that nobody is at it
            self._pulled = True
            if self._kill is not None:
                self._kill()


class Stay:
    """The time that one job's container exists."""

    def __init__(self, engine: Engine, leash: Leash) -> None:
        """Start with nothing created."""
        self._engine, self._leash = engine, leash
        self._container = ""

    def through(self, cell: Cell) -> End:
        """Create, start, check and await the container; whatever comes of it, `clear` it.

        Raise `EngineDownError` where the engine goes away.
        """
        demanded = config(cell)
        if self._leash.is_pulled():
            return End(ended=Ended.STOPPED)
        self._container = self._engine.create(demanded)
        if not self._leash.hold(partial(self._engine.kill, self._container)):
            return End(ended=Ended.STOPPED)
        return self._started(demanded, seconds=cell.limits.seconds)

    def clear(self) -> None:
        """Remove the container, if there is one; raise `EngineError` where it may still be there."""
        if self._container:
            self._engine.remove(self._container)

    def _started(self, demanded: dict[str, object], *, seconds: int) -> End:
        listener = self._engine.listen(self._container)
        try:
            self._engine.start(self._container)
        except (EngineDownError, UnansweredError):
            raise
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
        if self._leash.is_pulled():
            self._engine.kill(self._container)
        if self._engine.ends_within(self._container, seconds):
            return True
        self._engine.kill(self._container)
        if not self._engine.ends_within(self._container, LAST_SECONDS):
            raise EngineError("the engine cannot end a container")
        return False

    def _unstarted(self, error: EngineError) -> End:
        state = self._engine.inspect(self._container)["State"]
        ended = Ended.FAILED if state["ExitCode"] in _NOT_STARTED else Ended.ENGINE_FAILED
        return End(ended=ended, note=str(error))

    def _judge(self, state: Inspection, *, in_time: bool) -> Ended:
        if self._leash.is_pulled():
            return Ended.STOPPED
        return by_state(state) if in_time else Ended.TIMED_OUT


def by_state(state: Inspection) -> Ended:
    """Judge by what the engine holds of a container that ended by itself."""
    if state["ExitCode"] == 0:
        return Ended.FINISHED
    if state["OOMKilled"] or state["ExitCode"] == KILLED:
        return Ended.OUT_OF_MEMORY
    return Ended.FAILED
