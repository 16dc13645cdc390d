"""The containers that wait: made beforehand, used once, told apart by runtime, image, interpreter and limits.

Words go over the engine's own attached streams, not over a unix socket of the host bound into the container. Measured here,
one word and its answer take 0.6 ms (runc) and 1.0 ms (gVisor) that way, of a few milliseconds in all; and an engine needs no
setting for it (gVisor would need `--host-uds=open`), nothing of the host's is opened to the job, and no descriptor can be
passed. What a job leaves is not sent at all: the keeper takes it from the output folder, whose inodes it judges itself.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from sandbox.errors import SandboxError
from sandbox.reason import Said
from sandbox.runner.contract import Waiting
from sandbox.runner.errand import Errand, Key
from sandbox.runner.warm import Warm

_TICK_SECONDS = 1.0
_AFTER_SECONDS = 0.05
"""How long the answer of the job that has just ended has the processors to itself."""
_MOST_SECONDS = 300.0
"""The longest pause after containers that could not be made."""
_CLOSE_SECONDS = 30
_KEYS = 16
"""How many keys are remembered over a restart."""
_LEARNED = TypeAdapter(tuple[Key, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """How many containers may wait, and for how long."""

    each: int
    """Of one key."""
    total: int
    memory_bytes: int
    """All that wait together."""
    idle_seconds: float
    """After so long without a job, the containers of a key go."""


class _Stock:
    """What there is of one key."""

    def __init__(self, now: float) -> None:
        self.waiting: deque[Warm] = deque()
        self.used = now
        self.memory = 0  # bytes that one needs; unknown before the first
        self.failures, self.after, self.why = 0, 0.0, ""

    def fail(self, why: str) -> list[Warm]:
        """Make no more for a while, twice as long each time; return those that cannot be trusted now."""
        self.failures, self.why = self.failures + 1, why
        self.after = time.monotonic() + min(_MOST_SECONDS, 2.0**self.failures)
        gone = list(self.waiting)
        self.waiting.clear()
        return gone


class Pool:
    """Containers that wait, and one thread that makes them."""

    def __init__(
        self,
        warmth: Warmth,
        *,
        make: Callable[[Key], Warm],
        part: Callable[[Warm], None],
        file: Path,
    ) -> None:
        """Make nothing yet. `part` removes a container, soon; `file` remembers for which keys there were jobs."""
        self._warmth, self._make, self._part, self._file = warmth, make, part, file
        self._stocks: dict[Key, _Stock] = {}  # the one used last comes last
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._tend, daemon=True)
        self._open = threading.Event()
        self._making: Warm | None = None

    def start(self, wanted: Callable[[Key], bool]) -> None:
        """Begin to make containers: first for those of the remembered keys that are wanted."""
        now = time.monotonic()
        for key in filter(wanted, reversed(_remembered(self._file))):
            self._stocks[key] = _Stock(now)
        self._open.set()
        self._thread.start()

    def take(self, errand: Errand) -> Warm | None:
        """Give a container that waits for such an errand, if there is one, and see to it that there will be."""
        key = errand.key
        if key is None or not self._open.is_set():
            return None
        with self._changed:
            stock = self._stocks.pop(key, None) or _Stock(time.monotonic())
            self._stocks[key] = stock
            stock.used = time.monotonic()
            return self._first(stock, errand)

    def refill(self) -> None:
        """See to it that what was taken is made anew; a job that asks for it while it runs would be held up by that."""
        with self._changed:
            self._changed.notify()

    def failed(self, key: Key, why: str) -> None:
        """Hear that a container of this key was of no use."""
        with self._changed:
            for warm in self._stocks[key].fail(why) if key in self._stocks else ():
                self._part(warm)

    @property
    def slower(self) -> tuple[Said, ...]:
        """Say of which images no container can wait."""
        with self._changed:
            whys = {(key.image[:19], stock.why) for key, stock in self._stocks.items() if stock.why}
        return tuple(_slower(*each) for each in sorted(whys))

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Say what waits."""
        with self._changed:
            counts = {key: len(stock.waiting) for key, stock in self._stocks.items()}
        return tuple(
            Waiting(image=key.image, runtime=key.runtime, limits=key.limits, count=count)
            for key, count in counts.items()
        )

    def close(self) -> None:
        """Part with all that wait, and make no more."""
        with self._changed:
            self._open.clear()
            self._changed.notify()
            if self._making is not None:
                self._making.kill()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        for stock in self._stocks.values():
            self._leave(stock, 0)

    def _first(self, stock: _Stock, errand: Errand) -> Warm | None:
        """Take the one that has waited longest; none where a file of the job would be a module that is there already."""
        while stock.waiting:
            if stock.waiting[0].modules & errand.modules:
                return None
            warm = stock.waiting.popleft()
            if warm.is_waiting:
                return warm
            self._part(warm)
        return None

    def _tend(self) -> None:
        """Keep as many as there should be; one at a time is made, so that a node with a fault makes no storm of them."""
        while self._open.is_set():
            self._learn()
            with self._changed:
                self._dismiss()
                key = self._next()
                if key is None and self._open.is_set() and self._changed.wait(_TICK_SECONDS):
                    self._changed.wait(_AFTER_SECONDS)
            if key is not None:
                self._add(key)

    def _add(self, key: Key) -> None:
        try:
            warm = self._make(key)
        except SandboxError as error:
            self.failed(key, str(error))
            return
        with self._changed:
            self._making = warm
        try:
            if self._open.is_set():
                warm.prepare()
        except SandboxError as error:
            self._part(warm)
            self.failed(key, str(error))
            return
        with self._changed:
            stock = self._stocks[key]
            stock.waiting.append(warm)
            stock.memory, stock.failures, stock.why = warm.memory, 0, ""

    def _aims(self) -> dict[Key, int]:
        """Say how many of each key should wait: those that were used last come first, while there is room."""
        now, left, room = time.monotonic(), self._warmth.total, self._warmth.memory_bytes
        aims = {}
        for key, stock in reversed(self._stocks.items()):
            fresh = now - stock.used <= self._warmth.idle_seconds
            fitting = room // stock.memory if stock.memory else 1
            aims[key] = min(self._warmth.each, left, fitting) if fresh else 0
            left, room = left - aims[key], room - aims[key] * stock.memory
        return aims

    def _dismiss(self) -> None:
        """Part with those that are too many, and with those that died while they waited."""
        for key, aim in self._aims().items():
            stock = self._stocks[key]
            self._leave(stock, aim)
            if not all(warm.is_waiting for warm in stock.waiting):
                for warm in stock.fail("it ended while it waited"):
                    self._part(warm)
            if not aim and not stock.waiting:
                del self._stocks[key]

    def _leave(self, stock: _Stock, aim: int) -> None:
        while len(stock.waiting) > aim:
            self._part(stock.waiting.popleft())

    def _next(self) -> Key | None:
        """Say for which key one is to be made now."""
        now = time.monotonic()
        for key, aim in self._aims().items():
            stock = self._stocks[key]
            if len(stock.waiting) < aim and stock.after <= now:
                return key
        return None

    def _learn(self) -> None:
        """Remember for the next start what was asked for, the last first."""
        known = _remembered(self._file)
        with self._changed:
            asked = tuple(reversed(self._stocks))
        if set(asked) - set(known):
            new = self._file.with_suffix(".new")
            with suppress(OSError):  # on a full disk, the next start knows less
                new.write_bytes(_LEARNED.dump_json(tuple(dict.fromkeys((*asked, *known)))[:_KEYS]))
                new.replace(self._file)


def _remembered(file: Path) -> tuple[Key, ...]:
    """Read what was learned; a file that is not there, or not sound, says nothing."""
    try:
        return _LEARNED.validate_json(file.read_bytes())
    except (OSError, ValueError):
        return ()


def _slower(image: str, why: str) -> Said:
    return Said(
        zh=f"镜像 {image}… 不能预先启动容器（{why}）：其作业照常运行，只是启动较慢",
        en=f"No container of the image {image}… can wait for jobs ({why}): they run all the same, and start more slowly",
    )
