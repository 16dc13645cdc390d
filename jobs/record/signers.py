"""Which key signs for which part of the domain, as the log tells it: each change of keys is an event."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from jobs.errors import JobsError
from jobs.proof.bodies import load
from jobs.proof.ring import KeyRing
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import log_entry

ROTATED, REVOKED = "key.rotated", "key.revoked"
_CHANGES = (
    select(log_entry.c.at, log_entry.c.kind, log_entry.c.subject, log_entry.c.facts)
    .where(log_entry.c.kind.in_((ROTATED, REVOKED)))
    .order_by(log_entry.c.seq)
)


class KeyPutAwayError(JobsError):
    """A process would have signed with a key that was put away since it started: nothing was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One key put away."""

    part: str
    """`release`, `grant` or `log`."""
    old: str
    """The id of the key that signs no more."""
    new: str
    """The public key that follows it, as notes write it; empty where another one signed already."""
    size: int
    """How many entries the log had."""
    why: str
    revoked: bool
    at: str = ""
    """When it was noted."""

    def event(self, by: str) -> Event:
        """Return what the log says of it."""
        facts: dict[str, str | int] = {
            "old": self.old,
            "new": self.new,
            "size": self.size,
            "why": self.why,
        }
        return Event(REVOKED if self.revoked else ROTATED, self.part, by, facts)


def changes(tx: Reading, part: str | None = None) -> list[KeyChange]:
    """Return every change of keys, of one part or of all, the oldest first."""
    wanted = _CHANGES if part is None else _CHANGES.where(log_entry.c.subject == part)
    found = tx.rows(wanted)
    return [
        KeyChange(
            part=row.subject,
            revoked=row.kind == REVOKED,
            at=row.at,
            **load(dict[str, Any], row.facts),
        )
        for row in found
    ]


def note(tx: Writing, change: KeyChange, *, by: str) -> None:
    """Note a change of keys, from which on the old key signs nothing."""
    tx.note(change.event(by))


def demand(tx: Reading, part: str, key: str) -> None:
    """Raise `KeyPutAwayError` where the log says that the key of id `key` signs for `part` no more."""
    if any(change.old == key for change in changes(tx, part)):
        raise KeyPutAwayError(
            f"the key {key} of `{part}` was put away, and nothing was signed: start this process "
            "again, so that it reads the key that follows"
        )


def demand_ring(tx: Reading, part: str, ring: KeyRing) -> None:
    """Raise `KeyPutAwayError` where the log has put away a key of `part` that `ring` still believes."""
    for change in changes(tx, part):
        known = next((each for each in ring.keys if each.public.id == change.old), None)
        stale = known is None or known.until is None or (change.revoked and known.revoked is None)
        if stale:
            raise KeyPutAwayError(
                f"the keys of `{part}` changed, and nothing was judged by the old ones: start this "
                "process again, so that it reads the new ones"
            )
