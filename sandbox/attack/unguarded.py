"""The positive control: the same attempts in a container without our walls, which must work there or prove nothing.

It shares nothing with the host but folders that are made for it. Where an attempt is about reaching the host's listener, it is an
unprivileged process in the host's network; anywhere else its network is a namespace of its own, without a way out.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.asset import ImageDigest
from sandbox.runner.engine import Engine

_SECONDS = 120
_POWERS = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
]
"""The kernel's capabilities, in the order of their bits (linux/capability.h); SYS_ADMIN includes the newer ones."""
_OPEN: Mapping[str, Any] = {
    "Runtime": "runc",
    "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
    "MaskedPaths": [],
    "ReadonlyPaths": [],
    "NetworkMode": "none",
    "ShmSize": 512 * 1024**2,
    "Tmpfs": {"/tmp": "exec,suid,mode=1777,size=512m"},  # noqa: S108 - the container's own
}
_BESIDE_THE_LISTENER: Mapping[str, Any] = {
    "NetworkMode": "host",
    "CapAdd": [],
    "SecurityOpt": ["no-new-privileges"],
    "CapDrop": ["ALL"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unguarded:
    """Where controls are run."""

    engine: Engine
    image: ImageDigest
    folder: Path
    """A folder for what they are given and leave."""

    @contextmanager
    def ran(
        self, files: Mapping[str, bytes], *, view: Path | None = None, network: bool = False
    ) -> Iterator[Path]:
        """Run `/job/attempts.py` of these files to its end, and give the folder that was its /out."""
        with self.running(files, view=view, network=network) as (container, out):
            self.engine.ends_within(container, _SECONDS)
            yield out

    @contextmanager
    def running(
        self,
        files: Mapping[str, bytes],
        *,
        view: Path | None = None,
        network: bool = False,
        host: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[str, Path]]:
        """Start it, and give the container and its output folder; all is gone afterwards.

        `host` states what differs from an open container, such as whose namespaces it shares.
        """
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="control-"))
        with ExitStack() as ends:
            ends.callback(shutil.rmtree, place, ignore_errors=True)
            binds = _laid_out(place, files, view)
            walls = _BESIDE_THE_LISTENER if network else {}
            more = {**walls, **(host or {})}
            user = "65534" if network else "0"
            yield ends.enter_context(self.sharing(binds, more, user=user)), place / "out"

    @contextmanager
    def sharing(
        self, binds: list[str], host: Mapping[str, Any], *, user: str = "0"
    ) -> Iterator[str]:
        """Start `/job/attempts.py` in a container with these folders; `host` states what differs from an open one."""
        container = self.engine.create(
            {
                "Image": self.image,
                "Entrypoint": ["python3"],
                "Cmd": ["/job/attempts.py"],
                "User": user,
                "WorkingDir": "/tmp",  # noqa: S108 - the container's own
                "HostConfig": {**_OPEN, "CapAdd": _powers(), **host, "Binds": binds},
            }
        )
        try:
            self.engine.start(container)
            yield container
        finally:
            self.engine.remove(container)


def _powers() -> list[str]:
    """Return every capability that this host can give: a machine that is itself contained lacks some."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    given = next(int(line.split()[1], 16) for line in lines if line.startswith("CapBnd"))
    return [name for bit, name in enumerate(_POWERS) if given >> bit & 1]


def _laid_out(place: Path, files: Mapping[str, bytes], view: Path | None) -> list[str]:
    for name in ("job", "out", "data"):
        (place / name).mkdir()
        (place / name).chmod(0o777)
    for name, content in files.items():
        (place / "job" / name).write_bytes(content)
    if view is not None:
        shutil.copytree(view, place / "data" / "CANARY")
    return [f"{place / 'job'}:/job", f"{place / 'out'}:/out", f"{place / 'data'}:/data"]


def outcomes(out: Path) -> dict[str, str]:
    """Read what the attempts came to there; nothing where they did not get so far."""
    file = out / "O1.json"
    if not file.is_file():
        return {}
    return {str(name): str(seen) for name, seen in json.loads(file.read_bytes()).items()}
