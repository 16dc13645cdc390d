"""What the host sees of containers while attempts run in them: processes, rights, networks, and its own files."""

import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.errors import EngineError
from sandbox.runner.container import LABEL
from sandbox.runner.engine import Engine

_TICK_SECONDS = 0.1
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_GUARDED = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/panic",
    "/proc/sys/vm/overcommit_memory",
    "/proc/modules",
)
"""Files of the host that an escape would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one process of a container may do, as the host's /proc has it."""

    users: str
    """Real, effective, saved and file system user id."""
    powers: int
    """Effective capabilities, as bits."""
    filter: str
    """The mode of seccomp; 2 is a filter."""
    pledge: str
    """`NoNewPrivs`."""
    network: str
    links: frozenset[str]
    """The interfaces of its network."""


@dataclass(slots=True)
class Sight:
    """What was seen of one container from the host."""

    most: int = 0
    """The most processes that there were at once."""
    rights: dict[str, Rights] = field(default_factory=dict)
    """By process, as it was seen last."""
    last: frozenset[str] = frozenset()
    """The processes of the last look."""

    def amiss(self, runtime: str, *, most: int) -> tuple[str, ...]:
        """Name what the host's view shows that it must not show; `most` processes may be seen at once."""
        seen = self._judged(runtime)
        found = {
            "not seen": not seen,
            "too many processes": self.most > most,
            "the host's network": any(one.network == _network("self") for one in seen),
            "an interface": any(one.links - {"lo"} for one in seen),
            "no system call filter": any(one.filter != "2" for one in seen),
            "may gain privileges": any(one.pledge != "1" for one in seen),
        }
        own = {
            "root": any("0" in one.users.split() for one in seen),
            "capabilities": any(one.powers for one in seen),
        }
        # gVisor's processes are its own, not the job's: whoever they are, their filter and namespaces hold them
        found |= own if runtime == "runc" else {}
        return tuple(name for name, so in found.items() if so)

    def _judged(self, runtime: str) -> tuple[Rights, ...]:
        """Return whose rights count: gVisor has processes of its own that only set a container up, before any job."""
        counted = self.last if runtime == "runsc" else frozenset(self.rights)
        return tuple(rights for process, rights in self.rights.items() if process in counted)

    def said(self) -> str:
        """Say it in one line."""
        seen = tuple(self.rights.values())
        users = _listed(word for one in seen for word in one.users.split())
        powers, filters = (
            _listed(f"{one.powers:x}" for one in seen),
            _listed(one.filter for one in seen),
        )
        links = _listed(link for one in seen for link in one.links)
        return (
            f"the host sees at most {self.most} processes, uid {users}, capabilities {powers}, "
            f"seccomp {filters}, interfaces {links or 'none'}"
        )


def _listed(words: Iterable[str]) -> str:
    return ",".join(sorted(set(words)))


class Watch:
    """Looks from the host at the containers of one domain, for as long as it is open."""

    def __init__(self, engine: Engine, domain: str) -> None:
        """Mean the domain by its label."""
        self._engine, self._domain = engine, domain
        self._seen: dict[str, Sight] = {}
        self._known: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Look away."""
        self._stop.set()
        self._thread.join()

    def of(self, container: str) -> Sight:
        """Return what was seen of a container."""
        return self._seen.get(container, Sight())

    def _look(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            with suppress(EngineError):
                found = self._engine.labelled(f"{LABEL}domain", self._domain)
                self._known |= {container for container, _ in found}
            seen: dict[str, set[str]] = {}
            for process, container in _contained():
                if container in self._known:
                    seen.setdefault(container, set()).add(process)
                    _note(process, self._seen.setdefault(container, Sight()))
            for container, processes in seen.items():
                sight = self._seen[container]
                sight.last, sight.most = frozenset(processes), max(sight.most, len(processes))


def _contained() -> Iterator[tuple[str, str]]:
    """Give every process of this host that is in a container, and which."""
    for process in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - names only
        with suppress(OSError):
            groups = Path(f"/proc/{process}/cgroup").read_text(encoding="utf-8")
            if found := _CONTAINER.search(groups):
                yield process, found[0]


def _note(process: str, sight: Sight) -> None:
    place = Path(f"/proc/{process}")
    with suppress(OSError):
        lines = (place / "status").read_text(encoding="utf-8").splitlines()
        said = {name: words.strip() for name, _, words in (line.partition(":") for line in lines)}
        if said["State"].startswith("Z") or _sets_up(place):
            return
        links = (place / "net" / "dev").read_text(encoding="utf-8").splitlines()[2:]
        sight.rights[process] = Rights(
            users=said["Uid"],
            powers=int(said["CapEff"], 16),
            filter=said["Seccomp"],
            pledge=said["NoNewPrivs"],
            network=_network(process),
            links=frozenset(line.partition(":")[0].strip() for line in links),
        )


def _sets_up(place: Path) -> bool:
    """Say whether it is the runtime's own, on its way into the container: runc's program has no path there."""
    program = place.joinpath("exe").readlink()
    title = (place / "cmdline").read_bytes()
    return str(program) == "/" or (
        program.name == "runsc" and not title.startswith((b"runsc-", b"\0")) and bool(title)
    )


def _network(process: str) -> str:
    return str(Path(f"/proc/{process}/ns/net").readlink())


def guarded(view: Path) -> dict[str, str]:
    """Return the digests of files of the host that no attempt may change, the canary's view among them."""
    found = {name: _digest(Path(name)) for name in _GUARDED}
    for file in sorted(view.iterdir()):
        status = file.stat()
        traits = (status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns)
        found[file.name] = f"{_digest(file)} {traits} {os.listxattr(file)}"
    return found


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
