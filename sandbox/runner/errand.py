"""What an order and a reading have in common: one thing to run, checked before anything is laid out for it."""

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sandbox.asset import ImageDigest
from sandbox.errors import EngineError
from sandbox.order import ContainerOrder, Limits, OutputName
from sandbox.runner.container import Bind, Cell, Host
from sandbox.runner.frames import MAX_BYTES
from sandbox.runner.places import Allowed, Luggage
from sandbox.runner.reader import ANSWER, COMMAND, Reading

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_FILE = re.compile(rf"{_PART}(/{_PART}){{0,3}}")
_PARAMETERS = "parameters.json"
_INTERPRETER = re.compile(r"(/[A-Za-z0-9_./-]+/)?python3?(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a container that waits was made for: it can take any errand of the same key."""

    runtime: str
    image: ImageDigest
    interpreter: str
    limits: Limits
    """Without their `seconds`, which are the order's alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One thing to run in one container."""

    job: str
    epoch: int
    image: ImageDigest
    command: tuple[str, ...]
    runtime: str
    limits: Limits
    files: tuple[tuple[str, bytes], ...]
    views: tuple[tuple[str, Path], ...]
    outputs: frozenset[OutputName]

    @property
    def room(self) -> str:
        """The name of its folder."""
        return f"{self.job}.{self.epoch}"

    @property
    def key(self) -> Key | None:
        """Which containers that wait can take it; nothing where its command is not one that their shim runs.

        The shim stands in for `python3 /a/script.py …` and `python3 -c code …`; options, modules and shells are not its own.
        """
        interpreter, *arguments = self.command
        if not _INTERPRETER.fullmatch(interpreter) or not _runs(arguments):
            return None
        if (
            self.limits.cpu_seconds
        ):  # what the shim imports would count, and whether one waits can be seen
            return None
        limits = replace(self.limits, seconds=0)
        return Key(runtime=self.runtime, image=self.image, interpreter=interpreter, limits=limits)

    @property
    def modules(self) -> frozenset[str]:
        """Every name under which its files could be imported."""
        parts = [part for name, _ in self.files for part in PurePosixPath(name).parts]
        return frozenset(part.partition(".")[0] for part in parts)

    @property
    def luggage(self) -> Luggage:
        """Return what it is given."""
        return Luggage(files=self.files, views=self.views)

    def cell(self, host: Host, slot: int, binds: tuple[Bind, ...]) -> Cell:
        """Return the container that it needs."""
        return Cell(
            host=host,
            job=self.job,
            epoch=self.epoch,
            image=self.image,
            command=self.command,
            runtime=self.runtime,
            slot=slot,
            limits=self.limits,
            binds=binds,
        )


def allowed(limits: Limits, host: Host, slot: int) -> Allowed:
    """Return who may leave how much, of those who live in a slot."""
    return Allowed(
        uid=host.uid(slot),
        output_bytes=limits.output_bytes,
        output_files=limits.output_files,
    )


def errand_of(order: ContainerOrder, views: tuple[tuple[str, Path], ...]) -> Errand:
    """Return the order's errand; raise `EngineError` where a name or bound of it is beyond what a room takes."""
    if any(name == _PARAMETERS for name, _ in order.code):
        raise EngineError(f"the code has a file called {_PARAMETERS}, which is the order's own")
    return _held(
        Errand(
            job=order.job,
            epoch=order.epoch,
            image=order.image,
            command=order.command,
            runtime=order.runtime,
            limits=order.limits,
            files=(*order.code, (_PARAMETERS, order.parameters.encode())),
            views=views,
            outputs=frozenset(terms.name for terms in order.outputs),
        )
    )


def reading_of(reading: Reading, *, job: str, reader: ImageDigest, limits: Limits) -> Errand:
    """Return the errand of reading an artifact: no data, and the one file as its input, with the question."""
    return _held(
        Errand(
            job=job,
            epoch=0,
            image=reader,
            command=COMMAND,
            runtime="runc",
            limits=limits,
            files=(("input", reading.artifact.content), ("question.json", reading.asked.encode())),
            views=(),
            outputs=frozenset({ANSWER}),
        )
    )


def _held(errand: Errand) -> Errand:
    words = [errand.job, *(asset for asset, _ in errand.views), *errand.outputs]
    if not all(_WORD.fullmatch(word) for word in words):
        raise EngineError(
            "a job's, asset's or output's name is not letters, digits, dot, hyphen, underscore"
        )
    names = [name for name, _ in errand.files]
    if not all(_FILE.fullmatch(name) for name in names) or len(set(names)) < len(names):
        raise EngineError("a code file's name is not plain, too deep, or given twice")
    if any(other.startswith(f"{name}/") for name in names for other in names):
        raise EngineError("a code file bears the name of a folder")
    if not errand.command or errand.limits.output_bytes > MAX_BYTES:
        raise EngineError("the order has no command, or may leave more bytes than can be collected")
    return errand


def _runs(arguments: list[str]) -> bool:
    """Say whether the shim can stand in for a Python with these arguments."""
    match arguments:
        case ["-c", _, *_]:
            return not any("\0" in one for one in arguments)
        case [script, *_]:
            plain = script.startswith("/") and posixpath.normpath(script) == script
            return plain and script.endswith(".py") and not any("\0" in one for one in arguments)
        case _:
            return False
