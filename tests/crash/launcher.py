"""Starts the domain's real processes: all is imported once, and each start is a fork of that.

It reads a JSON line for each start and answers with the process's id. What a start becomes is the
command `shuyu` itself; it may carry a blow, which is installed before the command begins.
"""

import gc
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import ray

from tests.crash.blow import Blow

_IMPORTED = ("gateway.cli.app", "gateway.cli.processes", "sandbox.cluster.tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to become."""

    argv: tuple[str, ...]
    """A command of `shuyu` with its arguments; or `ray`, a folder and a number of processors."""
    log: str
    blow: dict[str, Any] | None = None
    in_tasks: bool = False
    """The blow falls in Ray's task, not in the process that is started."""

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def main() -> None:
    for name in _IMPORTED:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    tell("ready")
    for line in sys.stdin:
        start = Start(**json.loads(line))
        child = os.fork()
        if child == 0:
            become(start)
        tell(str(child))


def tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def become(start: Start) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(start.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for end, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(end, number)
    if start.blow and start.in_tasks:
        strike_in_tasks(start.blow)
    elif start.blow:
        Blow(**start.blow).install()
    if start.argv[0] == "ray":
        serve_ray(*start.argv[1:])
    sys.argv = ["shuyu", *start.argv]
    import_module("gateway.cli.app").main()


def serve_ray(folder: str, cpus: str) -> None:
    """Run a Ray that outlives every worker of the domain, until SIGTERM; its address lies in a file."""
    over = threading.Event()
    context = ray.init(
        address="local",
        include_dashboard=False,
        num_cpus=int(cpus),
        _temp_dir=folder,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        configure_logging=False,
    )
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    (Path(folder) / "address.new").write_text(context.address_info["gcs_address"])
    (Path(folder) / "address.new").replace(Path(folder) / "address")
    while not over.wait(0.2):
        pass
    ray.shutdown()
    os._exit(0)


def strike_in_tasks(blow: dict[str, Any]) -> None:
    """Have Ray's tasks carry the blow to the processes that they run in."""
    tasks = import_module("sandbox.cluster.tasks")
    for name in ("run_here", "examine_here", "reopen_here"):
        setattr(tasks, name, _carrying(name, blow))


def _carrying(name: str, blow: dict[str, Any]) -> Any:  # noqa: ANN401 - a function that Ray takes by value
    def carrying(*args: Any) -> Any:  # noqa: ANN401 - any task's
        from importlib import import_module as here  # noqa: PLC0415 - it runs in another process

        here("tests.crash.blow").Blow(**blow).install()
        return getattr(here("sandbox.cluster.tasks"), name)(*args)

    return carrying


if __name__ == "__main__":
    main()
