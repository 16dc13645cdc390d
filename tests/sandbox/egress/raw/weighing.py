"""Weighs what an action takes: the most memory that this process had while it ran, above what it had before."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

_Answer = TypeVar("_Answer")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def peak_above(action: Callable[[], _Answer]) -> tuple[_Answer, int]:
    """Return the action's answer, and the bytes of resident memory that it took at its highest.

    Both figures are Linux's own: see proc(5) on `clear_refs` and `VmHWM`. Other threads of this process count, too.
    """
    pa.default_memory_pool().release_unused()
    _CLEAR.write_text(_RESET_PEAK)
    before = _resident("VmRSS")
    answer = action()
    return answer, _resident("VmHWM") - before


def _resident(name: str) -> int:
    [line] = [one for one in _STATUS.read_text().splitlines() if one.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024
