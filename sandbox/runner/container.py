"""The walls of a job's container, as they are demanded of the engine (design section 8)."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sandbox.asset import ImageDigest
from sandbox.order import Limits
from sandbox.runner.cis import APPARMOR

LABEL = "org.shuyu."
"""What the names of our labels begin with."""
FIRST_UID = 200_000
"""The user of slot 0; no account of a host bears such a number."""
_PERIOD_CPUS = 1_000_000_000
_SCRATCH_INODES = 16_384
_OPEN_FILES = 4096
_OWN_PROCESSES = MappingProxyType({"runsc": 256})
"""What a runtime needs for itself: gVisor's kernel runs its threads inside the job's own control group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A folder of the host that the container sees."""

    source: Path
    target: str
    writable: bool = False
    late: bool = False
    """What is mounted inside it later is to appear in the container too; the host's folder must be shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Where containers are made: the domain, and what its engine says of the host."""

    domain: str
    guards: frozenset[str] = frozenset()
    """What the host has beside the kernel's own walls (see `Facts`)."""
    first_uid: int = 0
    """Whom of the host root in a container is."""

    def uid(self, slot: int) -> int:
        """Return whom of the host the one user of a slot is."""
        return self.first_uid + FIRST_UID + slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One container, stated in full."""

    host: Host
    job: str
    epoch: int
    image: ImageDigest
    command: tuple[str, ...]
    runtime: str
    slot: int
    limits: Limits
    binds: tuple[Bind, ...]
    waits: bool = False
    """It is to be told over its standard input what to do, and ends with its teller."""

    @property
    def uid(self) -> int:
        """The one unprivileged user of its slot."""
        return FIRST_UID + self.slot


def config(cell: Cell) -> dict[str, Any]:
    """Return the whole of what the engine is asked to create."""
    return {
        "Image": cell.image,
        "Entrypoint": list(cell.command[:1]),
        "Cmd": list(cell.command[1:]),
        "User": f"{cell.uid}:{cell.uid}",
        "WorkingDir": "/tmp",  # noqa: S108 - the container's own
        "Env": _environment(cell.limits),
        "Hostname": "sandbox",
        "Domainname": "",
        "AttachStdout": True,
        "AttachStderr": True,
        "AttachStdin": cell.waits,
        "OpenStdin": cell.waits,
        "StdinOnce": cell.waits,
        "Tty": False,
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {
            f"{LABEL}domain": cell.host.domain,
            f"{LABEL}job": cell.job,
            f"{LABEL}epoch": str(cell.epoch),
            f"{LABEL}guards": ",".join(sorted(cell.host.guards)),
        },
        "HostConfig": _walls(cell),
    }


def _walls(cell: Cell) -> dict[str, Any]:
    masked, read_only = _paths()
    return {
        "Runtime": cell.runtime,
        "NetworkMode": "none",
        "Dns": ["127.0.0.1"],  # else the host's own name servers are written into the container
        "IpcMode": "none",
        "CgroupnsMode": "private",
        "PidMode": "",
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapAdd": [],
        "CapDrop": ["ALL"],
        "UsernsMode": "",
        "SecurityOpt": [
            "no-new-privileges",
            f"seccomp={_seccomp()}",
            *([f"apparmor={APPARMOR}"] if "apparmor" in cell.host.guards else []),
        ],
        "MaskedPaths": masked,
        "ReadonlyPaths": read_only,
        "LogConfig": {"Type": "none", "Config": {}},
        "Init": False,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "Tmpfs": _scratch(cell.limits.memory_bytes),
        "Mounts": [_mount(bind) for bind in cell.binds],
        **_bounds(cell),
    }


def _bounds(cell: Cell) -> dict[str, Any]:
    limits = cell.limits
    return {
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "OomKillDisable": False,
        "PidsLimit": limits.processes + _OWN_PROCESSES.get(cell.runtime, 0),
        "NanoCpus": int(min(limits.cpus, os.cpu_count() or 1) * _PERIOD_CPUS),
        "Ulimits": [
            {"Name": "core", "Hard": 0, "Soft": 0},
            {"Name": "nofile", "Hard": _OPEN_FILES, "Soft": _OPEN_FILES},
            *([{"Name": "cpu", "Hard": cpu, "Soft": cpu}] if (cpu := limits.cpu_seconds) else []),
        ],
    }


def _scratch(memory: int) -> dict[str, str]:
    """Bound the writable folders; what lies there counts as the job's memory."""
    plain = f"noexec,nosuid,nodev,mode=1777,nr_inodes={_SCRATCH_INODES}"
    return {
        "/tmp": f"{plain},size={memory // 2}",  # noqa: S108 - the container's own
        "/dev/shm": f"{plain},size={memory // 2}",  # noqa: S108 - the container's own
    }


def _mount(bind: Bind) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(bind.source),
        "Target": bind.target,
        "ReadOnly": not bind.writable,
        "BindOptions": {"Propagation": "rslave" if bind.late else "rprivate"},
    }


def _environment(limits: Limits) -> list[str]:
    threads = max(1, math.ceil(limits.cpus))  # libraries would count the host's processors
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")
    return ["HOME=/tmp", "TZ=UTC", "LANG=C.UTF-8", *(f"{name}={threads}" for name in names)]


def _seccomp() -> str:
    return json.dumps(json.loads(_text("seccomp.json")))


def _paths() -> tuple[Sequence[str], Sequence[str]]:
    masked, read_only = _text("masked-paths.txt").split("# ReadonlyPaths\n")
    return masked.split("\n")[1:-1], read_only.splitlines()


def _text(name: str) -> str:
    return resources.files("sandbox.runner").joinpath(name).read_text(encoding="utf-8")
