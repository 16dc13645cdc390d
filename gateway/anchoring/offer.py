"""What is offered to a target outside, and the ways in which it may not be taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from jobs.errors import JobsError
from jobs.proof.checkpoint import Checkpoint

SECONDS = 10
"""How long a target has for one answer, all in all."""


class AnchoringError(JobsError):
    """A target did not vouch; the message quotes nothing that it said."""

    kind: ClassVar[str] = "failed"
    """One word for it, which the console has texts for."""


class UnreachableError(AnchoringError):
    """Nobody answered in time, or with a mishap of the other side."""

    kind: ClassVar[str] = "unreachable"


class UnsoundError(AnchoringError):
    """The answer is not what was asked for, or does not verify."""

    kind: ClassVar[str] = "unsound"


class StrangerError(AnchoringError):
    """The witness does not know this log or its key: its keeper must enter it."""

    kind: ClassVar[str] = "stranger"


class OvertakenError(AnchoringError):
    """The target vouches for a newer checkpoint already; the next one will be offered."""

    kind: ClassVar[str] = "overtaken"


class ForkError(AnchoringError):
    """The target has seen another log under this name: ours was cut, rewritten or doubled."""

    kind: ClassVar[str] = "fork"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A checkpoint, and what it takes to show that it continues an older one."""

    checkpoint: Checkpoint
    since: int
    """The size that the target vouched for last; 0 for none."""
    prove: Callable[[int], tuple[bytes, ...]]
    """Proves that the checkpoint's log begins with that of so many entries (RFC 6962 section 2.1.2)."""
    length: Callable[[], int]
    """How many entries the log has by now."""


class Target(Protocol):
    """Something outside that vouches for the log."""

    @property
    def name(self) -> str:
        """Its name in the record, which no other target has."""

    def vouch(self, offer: Offer) -> bytes:
        """Return verified evidence that it vouches for the checkpoint, within some `SECONDS`.

        Raise a subclass of `AnchoringError` where it does not.
        """

    def check(self, note: str, evidence: bytes) -> str:
        """Return what `evidence` says of the checkpoint `note`; raise `UnsoundError` if nothing."""
