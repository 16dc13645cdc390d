"""A ring of keys: those that signed one thing one after another, and how far each is believed.

Time is counted in the log's entries: a signature belongs to the size of the log that it speaks of,
which nobody can set back as a clock can be.
"""

from dataclasses import dataclass
from typing import Self

from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import Checkpoint, open_checkpoint
from jobs.proof.keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """One key and the span in which it is believed."""

    public: PublicKey
    until: int | None = None
    """The size of the log at which it was put away: it signs nothing about larger ones."""
    revoked: bool = False
    """Whether somebody else may have had it: alone, none of its signatures is believed any more."""

    def believed(self, size: int) -> bool:
        """Say whether its signature alone is good about a log of `size` entries."""
        return not self.revoked and (self.until is None or size <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The keys of one part, the oldest first."""

    keys: tuple[KnownKey, ...]

    @classmethod
    def of(cls, *keys: PublicKey) -> Self:
        """Return a ring of keys that are all in use."""
        return cls(keys=tuple(KnownKey(public=key) for key in keys))

    @property
    def public(self) -> tuple[PublicKey, ...]:
        """Every key, the oldest first."""
        return tuple(known.public for known in self.keys)

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note`.

        Raise `RecordBrokenError` where no key of the ring that is believed at its size signed it.
        """
        for known in self.keys:
            try:
                found = open_checkpoint(note, known.public)
            except RecordBrokenError:
                continue
            if known.believed(found.head.size):
                return found
        raise RecordBrokenError("no key that is believed has signed the checkpoint")
