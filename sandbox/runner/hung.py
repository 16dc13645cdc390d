"""Ends a container's runtime that never answers, so that the engine lets go of the container."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_SHIM = "containerd-shim"
_STEP_SECONDS, _QUIET_SECONDS, _MOST_SECONDS = 0.1, 1.0, 10.0


def end_runtime(container: str) -> int:
    """Kill all that the shim of a container runs on this host; return how many processes that were.

    A runtime (`runc create`, `runsc kill`, …) is a child of a containerd shim, whose command line names the container by its
    64 hexadecimal digits. The shim itself stays, and tells the engine that its runtime was killed. The engine then tidies up
    by the same runtime, which may hang again: so this looks for a while, until nothing has come for a second.
    """
    ended, quiet, end = 0, time.monotonic(), time.monotonic() + _MOST_SECONDS
    while time.monotonic() < min(quiet + _QUIET_SECONDS, end):
        if found := _ended(container):
            ended, quiet = ended + found, time.monotonic()
        time.sleep(_STEP_SECONDS)
    return ended


def _ended(container: str) -> int:
    children = _children()
    ended = 0
    for shim in _shims(container):
        for pid in _below(shim, children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended += 1
    return ended


def _shims(container: str) -> Iterator[int]:
    for folder in _processes():
        with suppress(OSError):
            named = (folder / "comm").read_bytes().startswith(_SHIM.encode())
            if named and container.encode() in (folder / "cmdline").read_bytes():
                yield int(folder.name)


def _children() -> Mapping[int, list[int]]:
    """Return the processes of this host by their parents; one that is dead already is none."""
    children = defaultdict(list)
    for folder in _processes():
        with suppress(OSError):
            state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                children[int(parent)].append(int(folder.name))
    return children


def _below(pid: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    for child in children.get(pid, ()):
        yield child
        yield from _below(child, children)


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*")
