"""Compiles loops over numbers, and keeps the machine code for the next process where the installation can be written."""

from collections.abc import Callable
from typing import Any

import numba

Loop = Callable[..., Any]


def compiled(loop: Loop) -> Loop:
    """Compile `loop` at its first call; other threads go on while it runs."""
    try:
        found: Loop = numba.njit(loop, cache=True, nogil=True)
    except RuntimeError:  # nowhere to keep it: set NUMBA_CACHE_DIR, or every process compiles anew
        found = numba.njit(loop, nogil=True)
    return found
