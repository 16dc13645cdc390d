"""What the host itself sees of a container: the processes in its control group, whatever an engine says."""

from collections.abc import Sequence
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def groups_of(container: str, *, root: Path = GROUPS) -> tuple[Path, ...]:
    """Return every control group of this host that is named after the container, of cgroups v1 or v2.

    None where the engine's containers are not of this host.
    """
    return tuple(path for path in root.rglob(f"*{container}*") if path.is_dir())


def processes_in(groups: Sequence[Path]) -> int:
    """Count the processes that are in any of these groups, or below; a group that is gone has none."""
    found: set[str] = set()
    for group in groups:
        for each in (group, *_below(group)):
            found.update(_processes(each))
    return len(found)


def _below(group: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in group.rglob("*") if path.is_dir())
    except OSError:
        return ()


def _processes(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text("ascii").split()
    except OSError:
        return []
