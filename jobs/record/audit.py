"""The audit of the log: everything that can be recomputed is, and held against what is kept."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import DBAPIError

from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.bodies import dump, load
from jobs.proof.merkle import Head, Peaks, leaf_hash
from jobs.proof.ring import KeyRing
from jobs.record.database import Reading, Record, leaf
from jobs.record.event import Event
from jobs.record.schema import log_checkpoint, log_entry

Progress = Callable[[int, int], None]
_CHUNK = 1000
_BEFORE_ALL = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What an audit that found nothing wrong has seen."""

    head: Head
    checkpoints: int
    """How many signed checkpoints it held the log against."""
    signed: int
    """The size of the largest of them: what follows it, no signature vouches for yet."""


def silent(_done: int, _of: int) -> None:
    """Show no progress."""


def verify_log(
    record: Record, keys: KeyRing, *, known: Iterable[str] = (), progress: Progress = silent
) -> LogReport:
    """Recompute the whole log and hold it against its rows, its head and every checkpoint.

    `known` are checkpoint notes from elsewhere (certificates, witnesses): a log that was cut or
    rewritten together with its own checkpoints is found by them alone. `progress` is called with
    entries done and in all. Raise `RecordBrokenError` naming the first entry that is wrong.
    """
    with record.reading() as tx:
        kept = tx.peaks()
        signed = _signed(tx, keys, known)
        peaks = Peaks(hashing=kept.hashing)
        _hold_against(signed, peaks)
        for row in _rows(tx):
            peaks = _grown(peaks, row)
            _hold_against(signed, peaks)
            if peaks.size % _CHUNK == 0 or peaks.size == kept.size:
                progress(peaks.size, kept.size)
    if peaks != kept:
        raise RecordBrokenError(f"entry {peaks.size}: the log's head does not follow from its rows")
    largest = max(signed, default=0)
    if largest > peaks.size:
        raise RecordBrokenError(f"entry {peaks.size}: missing, a checkpoint is over {largest}")
    return LogReport(
        head=Head(size=peaks.size, root=peaks.root(), hashing=peaks.hashing),
        checkpoints=len(signed),
        signed=largest,
    )


def _signed(tx: Reading, keys: KeyRing, known: Iterable[str]) -> dict[int, bytes]:
    rows = tx.rows(select(log_checkpoint.c.size, log_checkpoint.c.note))
    signed: dict[int, bytes] = {}
    for note in (*(row.note for row in rows), *known):
        head = keys.open(note).head
        if signed.setdefault(head.size, head.root) != head.root:
            raise RecordBrokenError(f"entry {head.size}: two checkpoints sign two different logs")
    if any(keys.open(row.note).head.size != row.size for row in rows):
        raise RecordBrokenError("a checkpoint is kept under another size than it signs")
    return signed


def _hold_against(signed: dict[int, bytes], peaks: Peaks) -> None:
    root = signed.get(peaks.size)
    if root is not None and root != peaks.root():
        raise RecordBrokenError(
            f"entry {peaks.size - 1} or an earlier one: the checkpoint signed another root"
        )


def _rows(tx: Reading) -> Iterator[Row[Any]]:
    after = _BEFORE_ALL
    while rows := _chunk(tx, after):
        yield from rows
        after = rows[-1].seq


def _chunk(tx: Reading, after: int) -> list[Row[Any]]:
    wanted = select(log_entry).where(log_entry.c.seq > after).order_by(log_entry.c.seq)
    try:
        return list(tx.rows(wanted.limit(_CHUNK)))
    except DBAPIError:
        # Some row is no longer text at all: give what comes before it, then say which it is.
        if rows := _readable(tx, after):
            return rows
        raise RecordBrokenError(f"entry {max(after + 1, 0)}: its row cannot be read") from None


def _readable(tx: Reading, after: int) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    wanted = select(log_entry).order_by(log_entry.c.seq).limit(1)
    try:
        for _ in range(_CHUNK):
            rows.extend(tx.rows(wanted.where(log_entry.c.seq > after)))
            after = rows[-1].seq
    except (DBAPIError, IndexError):
        return rows
    return rows


def _grown(peaks: Peaks, row: Row[Any]) -> Peaks:
    seq = peaks.size
    if row.seq != seq:
        raise RecordBrokenError(f"entry {seq}: missing, or out of its place")
    grown, completed = peaks.grown(leaf_hash(_leaf(row), peaks.hashing))
    if row.nodes != b"".join(completed):
        raise RecordBrokenError(f"entry {seq}: its row or its hashes were altered")
    return grown


def _leaf(row: Row[Any]) -> bytes:
    try:
        facts = load(dict[str, str | int], row.facts)
        event = Event(row.kind, row.subject, row.actor, facts)
        whole = dump(facts) == row.facts
        text = leaf(row.seq, event, row.at)
    except (JobsError, TypeError, ValueError, AttributeError):
        # An altered row may hold anything.
        raise RecordBrokenError(f"entry {row.seq}: its row is not an event") from None
    if not whole:
        raise RecordBrokenError(f"entry {row.seq}: its facts were rewritten")
    return text
