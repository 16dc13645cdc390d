"""A ring of keys: those that signed one thing one after another, and how far each is believed.

Time is counted in the log's entries: a signature belongs to the size of the log that it speaks of,
which nobody can set back as a clock can be.
"""

from dataclasses import dataclass
from typing import Self

from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import Checkpoint, open_checkpoint
from jobs.proof.keys import KeyFileError, PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """One key and the span in which it is believed."""

    public: PublicKey
    until: int | None = None
    """The size of the log at which it was put away: it signs nothing about larger ones."""
    revoked: int | None = None
    """The size at which it came out that somebody else may have it: alone, none of its signatures is
    believed any more, however old."""

    def believed(self, size: int) -> bool:
        """Say whether its signature alone is good about a log of `size` entries."""
        return self.revoked is None and (self.until is None or size <= self.until)


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

    @property
    def current(self) -> PublicKey:
        """The key that signs now; raise `KeyFileError` where none does."""
        last = self.keys[-1] if self.keys else None
        if last is None or last.until is not None or last.revoked is not None:
            raise KeyFileError("no key of this part is in use: the last one was put away")
        return last.public

    def signer(self, key: str, signature: bytes, message: bytes) -> KnownKey | None:
        """Return the key of id `key` if `signature` is its own; whether it is believed is asked next."""
        for known in self.keys:
            if known.public.id == key and known.public.verifies(signature, message):
                return known
        return None

    def read(self, note: str) -> tuple[Checkpoint, KnownKey]:
        """Return the checkpoint in `note` and who signed it, one that is believed before any other.

        Raise `RecordBrokenError` where no key of the ring has signed it.
        """
        found = [(signed, known) for known in self.keys if (signed := _opened(note, known.public))]
        for signed, known in found:
            if known.believed(signed.head.size):
                return signed, known
        if not found:
            raise RecordBrokenError("no key of the ring has signed the checkpoint")
        return found[0]

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note`.

        Raise `RecordBrokenError` where no key of the ring that is believed at its size signed it.
        """
        signed, known = self.read(note)
        if not known.believed(signed.head.size):
            raise _disbelieved(signed, known)
        return signed

    def heard(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note`, which the domain itself has kept.

        It vouches for nothing where its key was revoked since, but must be over the same log. Raise
        `RecordBrokenError` where no key of the ring signed it while it was in use.
        """
        signed, known = self.read(note)
        if known.until is not None and signed.head.size > known.until:
            raise _disbelieved(signed, known)
        return signed


def _disbelieved(signed: Checkpoint, known: KnownKey) -> RecordBrokenError:
    return RecordBrokenError(
        f"key {known.public.id} is not believed about a log of {signed.head.size} entries"
    )


def _opened(note: str, key: PublicKey) -> Checkpoint | None:
    try:
        return open_checkpoint(note, key)
    except RecordBrokenError:
        return None
