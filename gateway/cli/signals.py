"""How a process of the domain hears that it is to end."""

import os
import signal
import threading


def stopping(parent: int = 0) -> threading.Event:
    """Return an event that SIGINT, SIGTERM or the parent's death sets."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def watch() -> None:
        while not stop.wait(0.5):
            if os.getppid() != parent:
                stop.set()

    if parent:
        threading.Thread(target=watch, daemon=True).start()
    return stop
