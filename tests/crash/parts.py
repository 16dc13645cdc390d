"""The domain's parts as processes: started by the launcher, tended as `shuyu up` tends them, killed at will."""

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from tests.crash.blow import Blow
from tests.crash.launcher import Start

PARTS = ("keep", "work", "serve")
_TOP = Path(__file__).parents[2]
_LOOK_EVERY = 0.05


@dataclass(slots=True)
class Parts:
    """Keeper, worker and gateway of one domain home; whichever dies is started again, without a blow."""

    home: Path
    launcher: "subprocess.Popen[str]"
    pids: dict[str, int] = field(default_factory=dict)
    begun_at: dict[str, int] = field(default_factory=dict)
    """How long the log was when each part was started last."""
    deaths: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, home: Path, *, bytecode: Path) -> Self:
        """Import everything once; `bytecode` is where Python may keep what it compiles."""
        env = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
        launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.launcher"],
            cwd=_TOP,
            env={
                **env,
                "PYTHONPYCACHEPREFIX": str(bytecode),
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": secrets.token_hex(32),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "ready\n"
        return cls(home, launcher)

    def ray(self, folder: Path, *, cpus: int = 2) -> str:
        """Start a Ray that outlives the workers; return its address."""
        self.pids["ray"] = self._started("ray", str(folder), str(cpus))
        address = folder / "address"
        end = time.monotonic() + 60
        while not address.exists():
            assert time.monotonic() < end, "Ray did not start"
            time.sleep(0.05)
        return address.read_text()

    def start(self, part: str, blow: Blow | None = None, *, in_tasks: bool = False) -> None:
        """Start a part in the place of the one that runs, which is killed."""
        with self.lock:
            self._kill(part)
            self.pids[part] = self._started(
                part, "--home", str(self.home), blow=blow, in_tasks=in_tasks
            )

    def kill(self, part: str) -> None:
        """Kill a part as a power cut would."""
        with self.lock:
            self._kill(part)

    def said(self, part: str) -> str:
        """Return what was logged, by any part, since this one was started last."""
        with self.log.open("rb") as log:
            log.seek(self.begun_at[part])
            return log.read().decode("utf-8", "replace")

    @property
    def log(self) -> Path:
        return self.home / "run" / "up.log"

    def tend(self) -> None:
        """Start again whatever dies, until the end."""
        threading.Thread(target=self._tend, daemon=True).start()

    def tasks(self) -> list[int]:
        """Return the processes in which Ray runs the worker's tasks, or waits to."""
        children: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*"):
            children.setdefault(_parent(path), []).append(int(path.name))
        family = [self.pids["ray"]]
        for pid in family:
            family += children.get(pid, [])
        return [pid for pid in family if _TASK.match(_command(pid))]

    def stop(self) -> None:
        """End every part, the Ray after its worker, and the launcher."""
        self.over.set()
        with self.lock:
            for part in (*PARTS, "ray"):
                if part in self.pids and is_alive(self.pids[part]):
                    os.kill(self.pids[part], signal.SIGTERM)
                    _await_end(self.pids[part], seconds=40)
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.launcher.stdin.close()
        self.launcher.stdout.close()
        self.launcher.wait(10)

    def _tend(self) -> None:
        while not self.over.wait(_LOOK_EVERY):
            with self.lock:
                for part in PARTS:
                    if part in self.pids and not is_alive(self.pids[part]):
                        self.deaths += 1
                        self.pids[part] = self._started(part, "--home", str(self.home))

    def _kill(self, part: str) -> None:
        if part in self.pids and is_alive(self.pids[part]):
            os.kill(self.pids[part], signal.SIGKILL)
            _await_end(self.pids[part], seconds=10)

    def _started(self, *argv: str, blow: Blow | None = None, in_tasks: bool = False) -> int:
        given = asdict(blow) if blow else None
        start = Start(argv=argv, log=str(self.log), blow=given, in_tasks=in_tasks)
        self.begun_at[argv[0]] = self.log.stat().st_size if self.log.exists() else 0
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.launcher.stdin.write(start.line())
        self.launcher.stdin.flush()
        return int(self.launcher.stdout.readline())


_UNWANTED = frozenset({"PYTHONDONTWRITEBYTECODE"})
"""Every process that Ray starts would compile all libraries anew."""


_TASK = re.compile(r"ray::(IDLE|_)")


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Say whether a process is there still; one that is dying holds its locks to the last."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def _await_end(pid: int, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < end, "a process did not end"
        time.sleep(0.01)
