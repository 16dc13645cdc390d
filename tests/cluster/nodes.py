"""Three nodes of one Ray cluster on this machine: each with its own home, keeper and Ray, as on three machines."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.intake import enter
from gateway.cli.node import make_node
from sandbox.asset import ImageDigest
from sandbox.errors import EngineError
from sandbox.runner.client import KeeperClient
from sandbox.runner.places import holder
from tests.line.domain import IMAGES, Domain, until

UNITS = Path(__file__).parents[2] / "docs" / "deploy" / "single-node"
PLACES = {"/opt/shuyu/.venv/bin/shuyu": str(Path(sys.executable).with_name("shuyu"))}
"""Where a unit expects the program, and where it is here."""
_ADDRESS = re.compile(r"ray start --address='([^']+)'")


@dataclass(slots=True)
class Machine:
    """One node: a home folder and its processes, each in a session of its own."""

    home: Path
    port: int
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, part: str, *more: str) -> None:
        """Run a part of the domain here, by its unit's own line."""
        with self.log.open("ab") as log:
            self.processes[part] = subprocess.Popen(
                [*exec_start(part, self.home), *more],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ray(self, join: str = "") -> None:
        """Run Ray's part of this node, with one processor for jobs."""
        more = ("--join", join) if join else ()
        self.start("node", "--port", str(self.port), "--cpus", "1", *more)

    def die(self) -> None:
        """Lose everything but the disk, as by a power cut; its containers are the next keeper's to end."""
        for process in self.processes.values():
            for pid in _family(process.pid):
                _kill(pid)
            process.wait(20)

    def end(self, part: str) -> None:
        """End a part in order."""
        process = self.processes.pop(part)
        process.terminate()
        process.wait(60)

    def is_dead(self, part: str) -> bool:
        return part in self.processes and self.processes[part].poll() is not None

    @property
    def log(self) -> Path:
        return self.home / "run" / "up.log"

    @property
    def keeper(self) -> KeeperClient:
        return KeeperClient(self.home / "run" / "keeper.sock")

    def jobs(self) -> set[str]:
        """Return the jobs that have a container here now."""
        fresh = {room.name.rpartition(".")[0] for room in (self.home / "run" / "rooms").glob("*")}
        return fresh | {holder(room) for room in (self.home / "run" / "warm").glob("*")} - {""}

    def serves(self) -> bool:
        try:
            return bool(self.keeper.found().engine)
        except EngineError:
            return False


@dataclass(slots=True)
class Cluster:
    """A domain whose worker has no Ray of its own, and the nodes that run its jobs."""

    domain: Domain
    machines: list[Machine]

    @property
    def head(self) -> Machine:
        """The node that the worker and Ray's head are on."""
        return self.machines[0]

    def start(self) -> None:
        """Run every part of every node, and wait until jobs can run."""
        home, head = self.domain.home, self.head
        head.ray()
        head.start("keep")
        until(head.serves)
        for name, digest in IMAGES.items():
            enter(home, ImageDigest(digest), name=name)
        address = self.address()
        settings = home.path / "shuyu.toml"
        text = settings.read_text("utf-8").replace('ray = ""', f'ray = "{address}"')
        settings.write_text(text.replace("slots = 2", "slots = 6"), "utf-8")
        head.start("serve")
        for other in self.machines[1:]:
            make_node(home, other.home)
            other.ray(address)
            other.start("keep")
        head.start("work")
        until(self.domain.answers)
        until(lambda: all(each.serves() for each in self.machines))

    def address(self) -> str:
        """Return where the head of Ray answers, once it says so."""
        until(lambda: _ADDRESS.search(self.head.log.read_text("utf-8")))
        found = _ADDRESS.search(self.head.log.read_text("utf-8"))
        assert found is not None
        return found[1]

    def stop(self) -> None:
        """End everything: the worker first, and Ray's head last; a keeper that was killed has left containers."""
        for machine in self.machines:
            if machine.is_dead("keep"):
                machine.start("keep")
                until(machine.serves)
        for part in ("work", "serve", "node", "keep"):
            for machine in reversed(self.machines):
                if part in machine.processes:
                    machine.end(part)
        self.domain.overheard.inner.close()


def exec_start(part: str, home: Path) -> list[str]:
    """Return the command of a unit, with this machine's places for its own, and without options from the outside."""
    text = (UNITS / f"shuyu-{part}.service").read_text("utf-8")
    line = text.partition("\nExecStart=")[2].partition("\n")[0]
    for theirs, ours in {**PLACES, "/var/lib/shuyu": str(home), "$SHUYU_RAY": ""}.items():
        line = line.replace(theirs, ours)
    return line.split()


def _family(pid: int) -> list[int]:
    """Return a process and all that came of it, the youngest first."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        children.setdefault(_parent(path), []).append(int(path.name))
    family = [pid]
    for each in family:
        family += children.get(each, [])
    return family[::-1]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended with another
