"""What is left to be removed after a job: done off the way of the next one, and tried again until it is done."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_RETRY_SECONDS = 1.0
_AFTER_SECONDS = 0.05
"""How long the answer of the job that has just ended has the processors to itself."""
_HANDS = 4


class Chores:
    """Removals under way, each under the name of what it is about."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._hands = ThreadPoolExecutor(max_workers=_HANDS)
        self._closing = threading.Event()
        self._names: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def names(self) -> frozenset[str]:
        """Return what is still being removed."""
        with self._changed:
            return frozenset(+self._names)

    def add(self, name: str, chore: Callable[[], None]) -> None:
        """Do this soon; where it raises, again and again, each time after a second."""
        with self._changed:
            self._names[name] += 1
        self._hands.submit(self._do, name, chore)

    def close(self, seconds: float) -> None:
        """Try what is left once more, and wait this long for it; what remains then is the next keeper's to reap."""
        self._closing.set()
        with self._changed:
            self._changed.wait_for(lambda: not +self._names, seconds)
        self._hands.shutdown(wait=False, cancel_futures=True)

    def _do(self, name: str, chore: Callable[[], None]) -> None:
        self._closing.wait(_AFTER_SECONDS)
        if not _is_done(chore) and not self._closing.wait(_RETRY_SECONDS):
            self._hands.submit(self._do, name, chore)  # behind the others, which may be better off
            return
        with self._changed:
            self._names[name] -= 1
            self._changed.notify_all()


def _is_done(chore: Callable[[], None]) -> bool:
    try:
        chore()
    except Exception:  # noqa: BLE001 - whatever went wrong, it is not removed: its slot must not be another's yet
        return False
    return True
