"""Runs the probe, 156 attempts in one program, inside the walls and without them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from sandbox.attack.attempt import (
    NOTHING,
    OWN_KERNEL,
    RUNSC,
    Attempt,
    Control,
    Family,
    Proof,
    Score,
    controlled,
)
from sandbox.attack.grounds import LIMITS, Grounds
from sandbox.attack.sight import guarded
from sandbox.attack.trial import program, viewed
from sandbox.reason import Said

START = b"""import os, runpy
os.dup2(os.open("/out/O1.txt", os.O_CREAT | os.O_WRONLY), 1)
runpy.run_path("/job/probe.py")
"""
"""The probe in the job's own interpreter, which in a container that waited is the shim's."""
BENIGN: Mapping[str, str] = MappingProxyType(
    {
        "read /proc/1/environ": "the job's own first process: the constant environment",
        "read /proc/self/mountinfo": "names host folders of the job's own mounts, and no data",
        "read /proc/self/cgroup": "a namespace of its own: every path is /",
        "read /proc/meminfo": "the host's memory in all; sysinfo(2) says the same (a known limit)",
        "read /proc/net/arp": "a header without a line",
        "read /proc/net/unix": "the header, and sockets of its own namespace",
        "read /etc/hostname": "the constant name `sandbox`",
        "read /etc/resolv.conf": "the constant 127.0.0.1",
        "read /etc/hosts": "localhost only",
        "create /dev/shm/x": "bounded, counted as the job's memory, gone with it",
        "create /tmp/x": "bounded, counted as the job's memory, gone with it",
        "data.flock_excl": "on an overlay of the job's own: no other job sees the lock",
    }
)
"""What may work under every runtime, and why that does no harm."""
_INFO = frozenset({"info", "empty"})
_DETAIL = 60


def probed(runtimes: Sequence[str], on: Grounds) -> list[Score]:
    """Run the probe under each runtime, and once without walls."""
    without = _without_walls(on)
    scores = []
    for runtime in runtimes:
        before = guarded(on.view)
        order = on.order(
            runtime,
            ("python3", "/job/start.py"),
            (("probe.py", program("probe.py")), ("start.py", START)),
            limits=replace(LIMITS, seconds=120),
        )
        outcome = on.run(order)
        said = b"".join(one.content for one in outcome.artifacts).decode(errors="replace")
        view = viewed(outcome, before, runtime, on)
        lines = dict(parsed(said))
        leaked = ("the canary left",) if on.canary in said else ()
        amiss = (*view.amiss, *leaked)
        for name in without:
            control = _control(without[name])
            seen = lines.get(name, f"no outcome: {outcome.ended.value}")
            scores.append(
                _scored(name, runtime, seen, amiss=amiss, evidence=view.said, control=control)
            )
    return scores


def parsed(said: str) -> list[tuple[str, str]]:
    """Return the name and outcome of each attempt in the probe's words."""
    parted = [[part.strip() for part in line.split("|")] for line in said.splitlines()]
    return [(line[0], line[1]) for line in parted if len(line) >= 2]  # noqa: PLR2004 - a name and what came of it


def _scored(  # noqa: PLR0913 - what one line of the probe comes to
    name: str, runtime: str, seen: str, *, amiss: tuple[str, ...], evidence: str, control: Control
) -> Score:
    may = BENIGN.get(name) or (OWN_KERNEL if runtime == RUNSC else NOTHING).get(runtime, "")
    held = (seen != "LEAK" or bool(may)) and not seen.startswith("no outcome") and not amiss
    attempt = Attempt(
        name=f"probe.{name}",
        family=Family.PROBE,
        does=Said(zh=f"探针：{name}", en=f"the probe's {name}"),
        uncontrolled=control.seen if control.proof is Proof.NONE else "",
    )
    return Score(
        attempt=attempt,
        runtime=runtime,
        expected=f"blocked, or harmless: {may}" if may else "blocked",
        seen=("works" if seen == "LEAK" else seen)
        + (f"; amiss: {', '.join(amiss)}" if amiss else ""),
        held=held,
        control=control,
        evidence=evidence,
    )


def _control(seen: str) -> Control:
    """Judge what an attempt came to without walls: many need hardware or kernels that this host has not."""
    if seen == "LEAK":
        return controlled("works without walls", works=True)
    why = (
        "only tells something"
        if seen in _INFO
        else "does not work on this host without walls either"
    )
    return Control(proof=Proof.NONE, seen=why)


def _without_walls(on: Grounds) -> dict[str, str]:
    script = START.replace(b"/out/O1.txt", b"/out/said.txt")
    files = {"attempts.py": script, "probe.py": program("probe.py")}
    with on.unguarded.ran(files, view=on.view) as out:
        file = out / "said.txt"
        return dict(
            parsed(file.read_text(encoding="utf-8", errors="replace") if file.exists() else "")
        )
