"""Holds what the engine says it started against what was demanded of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sandbox.runner.cis import BENCHMARK, Verdict, judged
from sandbox.runner.container import LABEL
from sandbox.runner.engine import Inspection

Config = dict[str, Any]
Check = Callable[[Inspection, Config], bool]


def _same(*names: str) -> Check:
    """Compare settings of the host's side, word for word."""

    def check(seen: Inspection, demanded: Config) -> bool:
        held, asked = seen["HostConfig"], demanded["HostConfig"]
        return all((held.get(name) or None) == (asked[name] or None) for name in names)

    return check


def _mounts(seen: Inspection, demanded: Config) -> bool:
    asked = {
        (one["Source"], one["Target"], not one["ReadOnly"], one["BindOptions"]["Propagation"])
        for one in demanded["HostConfig"]["Mounts"]
    }
    binds = [one for one in seen["Mounts"] if one["Type"] != "tmpfs"]
    held = {(one["Source"], one["Destination"], one["RW"], one["Propagation"]) for one in binds}
    return held == asked and all(one["Type"] == "bind" for one in binds)


def _networks(seen: Inspection, _: Config) -> bool:
    return set(seen["NetworkSettings"]["Networks"]) <= {"none"}


def _nothing_added(seen: Inspection, _: Config) -> bool:
    held = seen["HostConfig"]
    names = (
        "Binds",
        "CapAdd",
        "Devices",
        "DeviceRequests",
        "GroupAdd",
        "Links",
        "PortBindings",
        "VolumesFrom",
        "Sysctls",
    )
    return not any(held.get(name) for name in names) and held.get("UTSMode") != "host"


def _command(seen: Inspection, demanded: Config) -> bool:
    held = seen["Config"]
    return all((held.get(name) or []) == demanded[name] for name in ("Entrypoint", "Cmd"))


def _streams(seen: Inspection, demanded: Config) -> bool:
    return all(seen["Config"][name] is demanded[name] for name in ("OpenStdin", "StdinOnce", "Tty"))


def _image(seen: Inspection, demanded: Config) -> bool:
    held = seen["Config"]
    return seen["Image"] == demanded["Image"] and not held.get("Volumes")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "runtime": _same("Runtime"),
        "no network": lambda seen, asked: (
            _same("NetworkMode", "Dns")(seen, asked) and _networks(seen, asked)
        ),
        "own namespaces": _same("IpcMode", "PidMode", "CgroupnsMode", "UsernsMode"),
        "read-only root": _same("ReadonlyRootfs"),
        "no capabilities": _same("CapDrop", "CapAdd", "Privileged"),
        "system calls": _same("SecurityOpt"),
        "hidden paths": _same("MaskedPaths", "ReadonlyPaths"),
        "memory": _same("Memory", "MemorySwap"),
        "processes and processors": _same("PidsLimit", "NanoCpus"),
        "open files and cores": _same("Ulimits"),
        "scratch": _same("Tmpfs"),
        "no log": lambda seen, _: seen["HostConfig"]["LogConfig"]["Type"] == "none",
        "mounts": _mounts,
        "nothing added": _nothing_added,
        "user": lambda seen, asked: seen["Config"]["User"] == asked["User"],
        "command": _command,
        "image": _image,
        "standard streams": _streams,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """Every check by name, and whether the engine's inspection passed it; then what the CIS benchmark says."""

    container: str
    runtime: str
    checks: tuple[tuple[str, bool], ...]
    cis: tuple[tuple[str, Verdict], ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the names of the checks that did not pass, and the benchmark's items that are broken."""
        broken = (f"CIS {number}" for number, said in self.cis if said is Verdict.BROKEN)
        return (*(name for name, passed in self.checks if not passed), *broken)

    def as_json(self) -> str:
        """Say it for the record."""
        said = {"container": self.container, "runtime": self.runtime, "checks": dict(self.checks)}
        return json.dumps({**said, BENCHMARK: dict(self.cis)})


def conformity(seen: Inspection, demanded: Config) -> Conformity:
    """Run every check over the engine's inspection of a container; one that cannot tell has not passed."""
    guards = frozenset(demanded["Labels"][f"{LABEL}guards"].split(","))
    return Conformity(
        container=seen["Id"],
        runtime=demanded["HostConfig"]["Runtime"],
        cis=judged(seen, guards),
        checks=tuple((name, _passes(check, seen, demanded)) for name, check in CHECKS.items()),
    )


def _passes(check: Check, seen: Inspection, demanded: Config) -> bool:
    try:
        return check(seen, demanded)
    except (KeyError, TypeError):
        return False
