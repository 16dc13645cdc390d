"""The log: what was noted, what it hashes to, and proofs that nothing was altered since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from jobs.errors import NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.proof.bodies import load, stamp, unstamp
from jobs.proof.checkpoint import Checkpoint, sign_checkpoint
from jobs.proof.keys import SigningKey
from jobs.proof.merkle import (
    Head,
    Node,
    Range,
    consistency_ranges,
    cover,
    inclusion_ranges,
    leaf_hash,
    prove,
    verify_consistency,
    verify_inclusion,
)
from jobs.proof.ring import KeyRing
from jobs.proof.statement import LogProof
from jobs.record import signers
from jobs.record.audit import LogReport, verify_log
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import log_checkpoint, log_entry
from jobs.record.tiles import KEPT, kept_hashes, leaf_of

__all__ = [
    "EVERYTHING",
    "Checkpoint",
    "Entry",
    "Filter",
    "LogReport",
    "checkpoint",
    "consistency",
    "entries",
    "head",
    "inclusion",
    "last_checkpoint",
    "leaf_bytes",
    "newest",
    "prove_entry",
    "verify_consistency",
    "verify_inclusion",
    "verify_log",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event in its place."""

    seq: int
    """Counted from 0: the leaf's index in the tree."""
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are asked for; each field that is set narrows the answer."""

    kind: str | None = None
    """A kind, or all that begin alike where it ends with a dot (`job.`)."""
    subject: str | None = None
    actor: str | None = None
    since: datetime | None = None
    """Noted at this time or later."""
    until: datetime | None = None
    """Noted before this time."""


EVERYTHING = Filter()


def entries(
    tx: Reading, *, after: int = -1, limit: int = 100, only: Filter = EVERYTHING
) -> list[Entry]:
    """Return the entries that follow `after`, oldest first."""
    wanted = select(log_entry).where(log_entry.c.seq > after)
    return _entries(tx.rows(_narrowed(wanted, only).order_by(log_entry.c.seq).limit(limit)))


def newest(
    tx: Reading, *, before: int | None = None, limit: int = 100, only: Filter = EVERYTHING
) -> list[Entry]:
    """Return the last entries, or the last ones before `before`, newest first."""
    wanted = select(log_entry)
    if before is not None:
        wanted = wanted.where(log_entry.c.seq < before)
    wanted = _narrowed(wanted, only).order_by(log_entry.c.seq.desc())
    return _entries(tx.rows(wanted.limit(limit)))


def head(tx: Reading) -> Head:
    """Return the log's size and root as this transaction sees them."""
    peaks = tx.peaks()
    return Head(size=peaks.size, root=peaks.root(), hashing=peaks.hashing)


def leaf_bytes(tx: Reading, seq: int) -> bytes:
    """Return the leaf at `seq`, whose hash stands in the tree; raise `NotFoundError` for none.

    Raise `RecordBrokenError` where the row is no longer what was hashed.
    """
    row = tx.one(KEPT.where(log_entry.c.seq == seq))
    if row is None:
        raise NotFoundError(f"the log has no entry {seq}")
    leaf, place = leaf_of(row), Node(0, seq)
    if leaf_hash(leaf, tx.peaks().hashing) != kept_hashes(tx, (place,))[place]:
        raise RecordBrokenError(f"entry {seq}: its row or its hashes were altered")
    return leaf


def inclusion(tx: Reading, seq: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that entry `seq` is in the log of `size` entries (RFC 6962 section 2.1.1).

    Raise `NotFoundError` where the log is not that long, or the entry not in it.
    """
    if not 0 <= seq < size <= tx.peaks().size:
        raise NotFoundError(f"no entry {seq} in a log of {size}")
    return _proof(tx, inclusion_ranges(seq, size))


def consistency(tx: Reading, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the log of `new` entries begins with that of `old` (section 2.1.2).

    Raise `NotFoundError` where the log is not that long.
    """
    if not 0 <= old <= new <= tx.peaks().size:
        raise NotFoundError(f"no logs of {old} and {new} entries")
    return _proof(tx, consistency_ranges(old, new))


def checkpoint(tx: Writing, key: SigningKey) -> Checkpoint:
    """Sign the log as it stands and keep the checkpoint; it is not itself an event.

    Raise `OutOfOrderError` where this transaction noted events: were it rolled back, a signature
    would stand over a log that never was. Note them, commit, then sign. Raise `KeyPutAwayError` where
    another key signs the log by now.
    """
    signers.demand(tx, "log", key.id)
    if tx.noted:
        raise OutOfOrderError("a checkpoint is signed in a transaction that has noted no event")
    signed = sign_checkpoint(head(tx), key)
    tx.attest(signed.head.size, signed.note)
    return signed


def prove_entry(tx: Writing, seq: int, key: SigningKey) -> LogProof:
    """Sign the log as it stands and prove that entry `seq` is in it, for a certificate.

    Raise as `checkpoint` and `inclusion` do.
    """
    signed = checkpoint(tx, key)
    return LogProof(
        leaf=leaf_bytes(tx, seq).decode(),
        seq=seq,
        size=signed.head.size,
        hashes=inclusion(tx, seq, signed.head.size),
        checkpoint=signed.note,
    )


def last_checkpoint(tx: Reading, keys: KeyRing) -> Checkpoint | None:
    """Return the newest checkpoint, or nothing; raise `RecordBrokenError` if no key of `keys` signed it."""
    row = tx.one(select(log_checkpoint).order_by(log_checkpoint.c.size.desc()))
    return None if row is None else keys.heard(row.note)


def _narrowed(wanted: Any, only: Filter) -> Any:  # noqa: ANN401 - SQLAlchemy's own generics
    if only.subject is not None:
        wanted = wanted.where(log_entry.c.subject == only.subject)
    if only.actor is not None:
        wanted = wanted.where(log_entry.c.actor == only.actor)
    if only.since is not None:
        wanted = wanted.where(log_entry.c.at >= stamp(only.since))
    if only.until is not None:
        wanted = wanted.where(log_entry.c.at < stamp(only.until))
    if only.kind is None:
        return wanted
    if only.kind.endswith("."):
        return wanted.where(log_entry.c.kind.startswith(only.kind, autoescape=True))
    return wanted.where(log_entry.c.kind == only.kind)


def _proof(tx: Reading, ranges: tuple[Range, ...]) -> tuple[bytes, ...]:
    # The subtrees of one proof do not overlap: no two of them end with the same leaf.
    hashes = kept_hashes(tx, {node for leaves in ranges for node in cover(leaves)})
    return prove(ranges, hashes.__getitem__, tx.peaks().hashing)


def _entries(rows: Iterable[Row[Any]]) -> list[Entry]:
    return [Entry(seq=row.seq, at=unstamp(row.at), event=_event(row)) for row in rows]


def _event(row: Row[Any]) -> Event:
    facts = load(dict[str, str | int], row.facts)
    return Event(row.kind, row.subject, row.actor, facts)
