"""Runs the attempts with outputs and endings: one job each, and the same program in an open folder as the control."""

import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sandbox.attack.attempt import Control, Left, Proof, Score, controlled
from sandbox.attack.grounds import LIMITS, Grounds
from sandbox.order import Outcome

MODE, MOMENT = 0o641, 424_242
"""What `out.modes` and `out.times` say by a file's mode and time."""
_SECONDS = 2
"""How long such a job may run."""
_AT_ONCE = 2
_NOTE_BYTES = 64 * 1024
_LOGGED_BYTES = 1 << 20
_NAMES = frozenset({"O1", "O2"})
_SUFFIXES = frozenset({".txt", ".csv", ".bin"})
_BLOCK = 512


def left(attempts: Sequence[Left], runtimes: Sequence[str], on: Grounds) -> list[Score]:
    """Make every attempt under each runtime, and once without walls."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as hands:
        controls = list(hands.map(lambda one: _control(one, on), attempts))
        scores = []
        for runtime in runtimes:
            made = hands.map(lambda one, runtime=runtime: _made(one, runtime, on), attempts)
            scores += [
                replace(score, control=each) for score, each in zip(made, controls, strict=True)
            ]
    return scores


def _made(attempt: Left, runtime: str, on: Grounds) -> Score:
    command = ("python3", "/job/main.py")
    limits = replace(LIMITS, seconds=_SECONDS)
    order = on.order(runtime, command, (("main.py", attempt.code.encode()),), limits=limits)
    begun = time.monotonic()
    outcome = on.run(order)
    took = time.monotonic() - begun
    wrong = tuple(_wrong(attempt, outcome, on.canary))
    found = json.loads(outcome.conformity or "{}").get("checks", {})
    note = (
        outcome.note
        if outcome.ended == "output_refused"
        else f"{len(outcome.note)} characters said"
    )
    return Score(
        attempt=attempt,
        runtime=runtime,
        expected=_expected(attempt),
        seen=f"{outcome.ended.value}, {len(outcome.artifacts)} files taken"
        + "".join(f"; amiss: {one}" for one in wrong),
        held=not wrong,
        control=Control(proof=Proof.FAILED, seen="not made"),
        evidence=f"the keeper's own look at the folder: {note[:80]}; over after {took:.1f} s; "
        f"the engine passes {sum(found.values())} of {len(found)} checks",
    )


def _wrong(attempt: Left, outcome: Outcome, canary: str) -> Iterator[str]:
    contents = [one.content for one in outcome.artifacts]
    if outcome.ended.value not in attempt.ends:
        yield f"it ended {outcome.ended.value}"
    if any(content.decode(errors="replace") != attempt.takes for content in contents):
        yield "other bytes were taken"
    if any(canary.encode() in content for content in contents):
        yield "the canary left"
    if len(outcome.note.encode()) > _NOTE_BYTES:
        yield "too many words were kept"


def _expected(attempt: Left) -> str:
    taken = "its plain content and nothing else" if attempt.takes else "nothing"
    return f"{' or '.join(attempt.ends)}; taken: {taken}"


def _control(attempt: Left, on: Grounds) -> Control:
    """Run the program where nothing stands against it, and look for its trait from the host."""
    if attempt.uncontrolled:
        return Control(proof=Proof.NONE, seen=attempt.uncontrolled)
    files = {"attempts.py": attempt.code.encode()}
    logged = {"LogConfig": {"Type": "json-file", "Config": {}}}
    with on.unguarded.running(files, view=on.view, host=logged) as (container, out):
        ended = on.engine.ends_within(container, _SECONDS + 2)
        log = on.engine.inspect(container).get("LogPath") or "/dev/null"
        found = sorted(_traits(out, ended=ended, logged=Path(log)))
    return controlled(", ".join(found) or "nothing", works=attempt.trait in found)


def _traits(out: Path, *, ended: bool, logged: Path) -> set[str]:
    entries = [Path(entry.path) for entry in os.scandir(out)]
    found = {trait for entry in entries for trait in _kinds(entry)}
    words = logged.stat().st_size if logged.exists() else 0
    more = {"runs on": not ended, "logged": words > _LOGGED_BYTES, "two": len(entries) > 1}
    return found | {trait for trait, so in more.items() if so}


def _kinds(entry: Path) -> Iterator[str]:
    status = entry.lstat()
    kind = _TYPES.get(stat.S_IFMT(status.st_mode), "")
    known = entry.suffix in _SUFFIXES and entry.stem in _NAMES
    facts = {
        kind: bool(kind),
        "other name": not known,
        "plain": not kind and known,
        "hard link": not kind and status.st_nlink > 1,
        "holes": not kind and status.st_blocks * _BLOCK < status.st_size,
        "special mode": not kind and bool(status.st_mode & 0o7000),
        "mode": not kind and stat.S_IMODE(status.st_mode) == MODE,
        "time": not kind and int(status.st_mtime) == MOMENT,
        "attributes": not kind and bool(os.listxattr(entry, follow_symlinks=False)),
    }
    return (trait for trait, so in facts.items() if so)


_TYPES = {
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}
