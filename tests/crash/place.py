"""A whole domain of real processes whose Ray outlives its workers, so that a worker is back in seconds."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.domain import now
from gateway.cli.releases import trusted_keys
from jobs.record import log
from jobs.record.database import Record
from sandbox.runner.container import LABEL
from sandbox.runner.engine import Engine
from sandbox.runner.places import holder
from sandbox.runner.reaping import WARM
from tests.crash.blow import Blow
from tests.crash.invariants import Scene, leftovers, wrongs
from tests.crash.parts import PARTS, Parts
from tests.crash.row import Process
from tests.line.domain import Domain, new_domain, until

_ALL = 10**6
CLEAN_SECONDS = 5.0
"""How long after the last step anything may still lie about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One domain home, its processes, and what an auditor holds beside them."""

    domain: Domain
    parts: Parts
    scene: Scene
    engine: Engine

    def strike(self, process: Process, blow: Blow) -> None:
        """Start a part anew, with a blow that awaits it."""
        if process is Process.TASK:
            self.parts.start(Process.WORKER, blow, in_tasks=True)
        else:
            self.parts.start(process, blow)

    def forget_views(self) -> None:
        """Have every view be made anew."""
        for view in (self.domain.home.path / "views").iterdir():
            shutil.rmtree(view)

    def wrongs(self) -> list[str]:
        """Name all that is wrong; what a worker has yet to put right is given five seconds from its start."""
        until(self._is_ready)
        end = time.monotonic() + CLEAN_SECONDS
        while (found := self._left()) and time.monotonic() < end:
            time.sleep(0.1)
        return [*wrongs(self.scene), *found]

    def noted(self) -> set[str]:
        """Return every kind of event that was noted since the scenario's grant was issued."""
        with self.scene.record.reading() as tx:
            told = log.entries(tx, limit=_ALL)
        issued = max(entry.seq for entry in told if entry.event.kind == "grant.issued")
        return {entry.event.kind for entry in told if entry.seq > issued}

    def containers(self) -> dict[str, str]:
        """Return every container of this domain, running or not, with the job that it is for."""
        name = hashlib.sha256(os.fsencode(self.domain.home.path.resolve())).hexdigest()[:16]
        found = self.engine.labelled(f"{LABEL}domain", name)
        return {one: labels[f"{LABEL}job"] for one, labels in found}

    def _is_ready(self) -> bool:
        return self.domain.answers() and "Ray 已连接" in self.parts.said("work")

    def _left(self) -> list[str]:
        names = set(self.containers().values())
        return [
            *leftovers(self.scene),
            *(f"a container of {name}" for name in names if not name.startswith(WARM)),
            *(f"left behind: {room}" for room in self._used_or_lost(names)),
        ]

    def _used_or_lost(self, names: set[str]) -> Iterator[Path]:
        """Give the rooms of containers that wait for jobs, where the container is gone or had its job."""
        for room in (self.domain.home.path / "run" / "warm").glob("*"):
            if room.name not in names or holder(room):
                yield room


@contextmanager
def running(port: int) -> Iterator[Place]:
    """Make a domain whose loan scenario is approved, run it, and end all of it."""
    with tempfile.TemporaryDirectory(prefix="shuyu-c-", ignore_cleanup_errors=True) as folder:
        domain = new_domain(Path(folder) / "d", port)
        home = domain.home
        parts = Parts.of(home.path, bytecode=_cache() / "bytecode")
        record = Record.open(home.record_url, clock=now)
        engine = Engine(home.engine)
        try:
            _begin(domain, parts, Path(folder) / "r")
            scene = Scene(record=record, folder=home.path, keys=trusted_keys(home.trusted))
            yield Place(domain=domain, parts=parts, scene=scene, engine=engine)
        finally:
            parts.stop()
            record.close()
            engine.close()
            domain.overheard.inner.close()


def _begin(domain: Domain, parts: Parts, folder: Path) -> None:
    folder.mkdir()
    settings = domain.home.path / "shuyu.toml"
    # one processor for it to warm: each new process of Ray takes two seconds of one to import
    text = settings.read_text("utf-8").replace("ray_cpus = 2", "ray_cpus = 1")
    settings.write_text(text.replace('ray = ""', f'ray = "{parts.ray(folder)}"'), "utf-8")
    for part in PARTS:
        parts.start(part)
    parts.tend()
    until(domain._registered)
    until(domain.answers)
    domain.approve()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shuyu"
