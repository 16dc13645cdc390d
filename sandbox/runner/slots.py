"""The numbers by which those who live on a node are told apart: one for each container, and with it a user."""

import threading
from itertools import count


class Slots:
    """Numbers from 0 on; none is given to a second holder while its first one has anything here."""

    def __init__(self) -> None:
        """Start with all of them free."""
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def take(self) -> int:
        """Return the least free number."""
        with self._lock:
            slot = next(number for number in count() if number not in self._taken)
            self._taken.add(slot)
            return slot

    def give(self, slot: int) -> None:
        """Take a number back, once all that bore it is gone."""
        with self._lock:
            self._taken.remove(slot)
