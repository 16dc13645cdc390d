"""Weighs what an action takes: the most memory that this process had while it ran; and the reader in a process of its own."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from sandbox.egress.reading import Question
from sandbox.order import Artifact
from sandbox.runner.reader import READING

_Answer = TypeVar("_Answer")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_READER = Path(__file__).parents[4] / "images" / "reader"


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


@dataclass
class ReaderApart:
    """The reader's program in a process of its own, with the container's memory and no more: what it takes is not the gate's."""

    peaks: list[int] = field(default_factory=list)
    """The most resident memory of each reading, in bytes."""

    def __call__(self, artifact: Artifact, question: Question) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file, asked, said = (Path(folder, name) for name in ("input", "question", "answer"))
            file.write_bytes(artifact.content)
            asked.write_text(question.written())
            program = [sys.executable, str(_READER / "read.py"), str(file), str(asked), str(said)]
            bound = partial(resource.setrlimit, resource.RLIMIT_DATA, (READING.memory_bytes,) * 2)
            environment = {**os.environ, "PYTHONPATH": str(_READER / "src")}
            with subprocess.Popen(program, env=environment, preexec_fn=bound) as child:  # noqa: PLW1509 - no threads here
                _, status, used = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
            self.peaks.append(used.ru_maxrss * 1024)
            whole = child.returncode == 0 and said.stat().st_size <= READING.output_bytes
            return said.read_bytes() if whole else b'{"refused":"too large"}'
