"""Section 5 of the CIS Docker Benchmark (1.6.0), item by item, over the engine's own inspection of a container.

The items are asked of what the engine says alone, not of what was demanded: a demand that was wrong is found here. The numbers
are those of versions 1.5.0 to 1.8.0. docs/deploy/hosts.md says of each what it means here.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from sandbox.runner.engine import Inspection

BENCHMARK = "CIS Docker Benchmark 1.6.0"
APPARMOR = "docker-default"
"""The engine's own AppArmor profile, which denies mounts, ptrace of others and most of /proc and /sys."""
_SENSITIVE = ("/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr")
_SOCKETS = frozenset({"docker.sock", "containerd.sock", "podman.sock"})
_SHARED = frozenset({"shared", "rshared"})
Item = Callable[[Inspection], bool]


class Verdict(StrEnum):
    """What became of one item."""

    HELD = "held"
    BROKEN = "broken"
    HOST = "the host's"
    """A container cannot show it; docs/deploy/hosts.md says what the host must do."""
    ABSENT = "not on this host"
    NOT_APPLIED = "not applied"
    """Left out on purpose: docs/deploy/hosts.md says why."""


def _host(seen: Inspection) -> dict[str, Any]:
    held: dict[str, Any] = seen["HostConfig"]
    return held


def _is_not_host(name: str) -> Item:
    return lambda seen: _host(seen)[name] != "host"


def _opened_nothing(seen: Inspection) -> bool:
    return not _host(seen).get("PortBindings") and not any(
        (seen["NetworkSettings"].get("Ports") or {}).values()
    )


def _mounts_nothing_sensitive(seen: Inspection) -> bool:
    sources = [one["Source"] for one in seen["Mounts"] if one["Type"] == "bind"]
    return not any(
        source == "/" or PurePosixPath(source).is_relative_to(folder)
        for source in sources
        for folder in _SENSITIVE
    )


def _mounts_no_socket(seen: Inspection) -> bool:
    return not any(PurePosixPath(one.get("Source", "")).name in _SOCKETS for one in seen["Mounts"])


def _shares_no_mount(seen: Inspection) -> bool:
    return not any(one.get("Propagation") in _SHARED for one in seen["Mounts"])


def _has_seccomp(seen: Inspection) -> bool:
    said = [one for one in _host(seen)["SecurityOpt"] if one.startswith("seccomp=")]
    return bool(said) and "seccomp=unconfined" not in said


def _ran_nothing_beside(seen: Inspection) -> bool:
    return not seen["ExecIDs"]


ITEMS: Mapping[str, Item] = MappingProxyType(
    {
        "5.4": lambda seen: _host(seen)["CapDrop"] == ["ALL"] and not _host(seen)["CapAdd"],
        "5.5": lambda seen: _host(seen)["Privileged"] is False,
        "5.6": _mounts_nothing_sensitive,
        "5.7": _opened_nothing,  # an sshd would reach nobody
        "5.8": _opened_nothing,
        "5.9": _opened_nothing,
        "5.10": lambda seen: _host(seen)["NetworkMode"] == "none",
        "5.11": lambda seen: _host(seen)["Memory"] > 0,
        "5.12": lambda seen: _host(seen)["NanoCpus"] > 0,
        "5.13": lambda seen: _host(seen)["ReadonlyRootfs"] is True,
        "5.14": _opened_nothing,
        "5.15": lambda seen: _host(seen)["RestartPolicy"]["Name"] in {"", "no"},
        "5.16": _is_not_host("PidMode"),
        "5.17": lambda seen: _host(seen)["IpcMode"] in {"none", "private"},
        "5.18": lambda seen: not _host(seen)["Devices"],
        "5.19": lambda seen: bool(_host(seen)["Ulimits"]),
        "5.20": _shares_no_mount,
        "5.21": _is_not_host("UTSMode"),
        "5.22": _has_seccomp,
        "5.23": _ran_nothing_beside,
        "5.24": _ran_nothing_beside,
        "5.25": lambda seen: _host(seen)["CgroupParent"] == "",
        "5.26": lambda seen: "no-new-privileges" in _host(seen)["SecurityOpt"],
        "5.29": lambda seen: (_host(seen)["PidsLimit"] or 0) > 0,
        "5.30": lambda seen: set(seen["NetworkSettings"]["Networks"]) <= {"none"},
        "5.31": _is_not_host("UsernsMode"),
        "5.32": _mounts_no_socket,
    }
)
"""What a container's inspection shows by itself."""
GUARDS: Mapping[str, tuple[str, Item]] = MappingProxyType(
    {
        "5.2": ("apparmor", lambda seen: seen["AppArmorProfile"] == APPARMOR),
        "5.3": ("selinux", lambda seen: _is_confined(seen["ProcessLabel"])),
    }
)
"""What it shows where the host has the guard of that name."""
OTHERS: Mapping[str, Verdict] = MappingProxyType(
    {"5.1": Verdict.HOST, "5.27": Verdict.NOT_APPLIED, "5.28": Verdict.NOT_APPLIED}
)


def judged(seen: Inspection, guards: frozenset[str]) -> tuple[tuple[str, Verdict], ...]:
    """Judge every item of the section, in its order; `guards` are those that the host has.

    An item of which the inspection does not tell is broken.
    """
    found: dict[str, Verdict] = {number: _verdict(item, seen) for number, item in ITEMS.items()}
    for number, (guard, item) in GUARDS.items():
        found[number] = _verdict(item, seen) if guard in guards else Verdict.ABSENT
    return tuple(sorted({**found, **OTHERS}.items(), key=lambda one: int(one[0][2:])))


def _verdict(item: Item, seen: Inspection) -> Verdict:
    try:
        return Verdict.HELD if item(seen) else Verdict.BROKEN
    except (KeyError, TypeError, AttributeError):
        return Verdict.BROKEN


def _is_confined(label: str) -> bool:
    """Say whether an SELinux label is the engine's for containers, with categories that no other container has."""
    parts = label.split(":")
    return len(parts) >= _PARTS and parts[2].startswith("container_") and ",c" in parts[-1]


_PARTS = 5
"""user:role:type:sensitivity:categories"""
