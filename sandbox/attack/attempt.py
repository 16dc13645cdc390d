"""The words of the red-team kit: what is attempted, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from sandbox.reason import Said

S = TypeVar("S")
RUNC, RUNSC = "runc", "runsc"
RUNTIMES = (RUNC, RUNSC)
NO_RUNTIME = "-"
"""Of an attempt that starts no container of its own."""
OWN_KERNEL: Mapping[str, str] = MappingProxyType(
    {RUNSC: "gVisor's own kernel answers; the host's view decides"}
)
NOTHING: Mapping[str, str] = MappingProxyType({})


class Family(StrEnum):
    """What kind of attempt it is."""

    PROBE = "probe"
    """The 156 attempts of `carried/probe.py`, counted apart."""
    NETWORK = "network"
    KERNEL = "kernel"
    MOUNTS = "mounts"
    PROC = "proc"
    BOMBS = "bombs"
    OUTPUTS = "outputs"
    DOCUMENTS = "documents"
    CROSS = "cross-job"
    IMAGES = "images"
    CHANNELS = "channels"
    SWAPS = "swaps"
    REPLAY = "replay"
    FLOODS = "floods"
    STRANGERS = "strangers"


class Proof(StrEnum):
    """Whether the attempt is known to work where nothing stands against it."""

    WORKED = "worked"
    FAILED = "failed"
    """It did not work without walls either, so that it proves nothing."""
    NONE = "none"
    """There can be no control; the attempt says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the same attempt came to without the walls."""

    proof: Proof
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, as it is declared."""

    name: str
    """Unique, and begins with its family's own word, such as `net.tcp4`."""
    family: Family
    does: Said
    uncontrolled: str = ""
    """Why there can be no positive control; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside(Attempt):
    """A few lines of Python that run in a process of their own, inside a container."""

    code: str
    """What the program in `carried/attempts.py` executes; it worked where it reached its end."""
    may: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Under which runtimes it may work, and why that does no harm; the view from outside decides there."""
    knocks: bool = False
    """It worked where the canary listener on the host heard its name."""
    alone: bool = False
    """It may take its whole container down, and has one to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Attempt):
    """A program that leaves something odd in its output folder."""

    code: str
    trait: str
    """What shows on the host's side of an unguarded folder that the program did what it tries."""
    ends: tuple[str, ...] = ("output_refused",)
    """How the run may end."""
    takes: str = ""
    """What of it may be taken, where that is not nothing: the exact content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing(Attempt):
    """One job leaves something for another to find."""

    leave: str
    look: str
    """It worked where this reaches its end, in the other job."""
    together: bool
    """Whether the first job still runs when the second one looks."""
    may: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an attempt that judges itself came to."""

    seen: str
    held: bool
    control: Control
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Attempt, Generic[S]):
    """An attempt on the domain's own programs, with its control beside it."""

    expected: str
    act: Callable[[S], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One line of the scorecard."""

    attempt: Attempt
    runtime: str
    expected: str
    seen: str
    held: bool
    control: Control
    evidence: str
    """What was seen from outside the container."""


def worked(seen: str) -> Control:
    """Return the control of an attempt that works where nothing stands against it."""
    return Control(proof=Proof.WORKED, seen=seen)


def controlled(seen: str, *, works: bool) -> Control:
    """Return a control, by whether it worked."""
    return Control(proof=Proof.WORKED if works else Proof.FAILED, seen=seen)


def acted(attempt: Act[S], on: S) -> Score:
    """Make an attempt that judges itself, and score it; one that breaks has not held."""
    try:
        verdict = attempt.act(on)
    except Exception as error:  # noqa: BLE001 - an attempt that could not be judged must not count as held
        failed = Control(proof=Proof.FAILED, seen=f"not judged: {type(error).__name__}")
        verdict = Verdict(seen=failed.seen, held=False, control=failed)
    return Score(
        attempt=attempt,
        runtime=NO_RUNTIME,
        expected=attempt.expected,
        seen=verdict.seen,
        held=verdict.held,
        control=verdict.control,
        evidence=verdict.evidence,
    )
