"""The audit of the log: everything that can be recomputed is, and held against what is kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.bodies import dump, load, unstamp
from jobs.proof.merkle import HASH_BYTES, Hashing, Head, Peaks, Range, cover
from jobs.proof.ring import KeyRing
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from jobs.record.schema import log_checkpoint, log_entry, log_head
from jobs.record.tiles import KEPT, kept_hashes, leaf_of

Progress = Callable[[int, int], None]
_CHUNK = 2000
_BEFORE_ALL = -(2**63)
_HASHINGS = frozenset(map(str, Hashing))
_HEAD = select(
    *(column for column in log_head.c if column.name != "peaks"),
    type_coerce(log_head.c.peaks, NullType()).label("peaks"),
)
_LATEST = select(func.coalesce(func.max(log_entry.c.at), ""))
_TAKEN = (
    select(log_entry.c.subject)
    .where(log_entry.c.kind.in_(("domain.made", "domain.adopted")))
    .order_by(log_entry.c.seq.desc())
    .limit(1)
)
"""Whose record it is, as `Writing.take` noted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What an audit that found nothing wrong has seen."""

    head: Head
    checkpoints: int
    """How many signed checkpoints it held the log against."""
    signed: int
    """The size of the largest of them: what follows it, no signature vouches for yet."""
    signed_at: datetime | None
    """When the last entry was noted that a signature vouches for."""
    since: int = 0
    """How many entries it took as the checkpoint has them that it began from."""


def silent(_done: int, _of: int) -> None:
    """Show no progress."""


class Growing:
    """A tree that grows in place, as a million leaves need: `Peaks` is a new value at each."""

    def __init__(self, peaks: Peaks) -> None:
        """Go on from `peaks`."""
        self.size = peaks.size
        self.hashing = peaks.hashing
        self._digest = peaks.hashing.digest
        self._peaks = list(peaks.hashes)

    def add(self, leaf: bytes) -> bytes:
        """Append a leaf and return the hashes that it completed, its own first (`Peaks.grown`)."""
        digest, peaks = self._digest, self._peaks
        last = digest(b"\x00" + leaf)  # RFC 6962 section 2.1
        completed = [last]
        ones = self.size
        while ones & 1:
            last = digest(b"\x01" + peaks.pop() + last)
            completed.append(last)
            ones >>= 1
        peaks.append(last)
        self.size += 1
        return b"".join(completed)

    @property
    def peaks(self) -> Peaks:
        """The tree as it stands."""
        return Peaks(self.size, tuple(self._peaks), self.hashing)

    @property
    def head(self) -> Head:
        """Its size and root."""
        return Head(size=self.size, root=self.peaks.root(), hashing=self.hashing)


def verify_log(
    record: Record,
    keys: KeyRing,
    *,
    since: str | None = None,
    known: Iterable[str] = (),
    progress: Progress = silent,
) -> LogReport:
    """Recompute the log and hold it against its rows, its head and every checkpoint.

    `since` is the note of a checkpoint up to which somebody else has verified: the log must go on
    from it, and only what follows is recomputed. `known` are notes from elsewhere (certificates,
    witnesses): a log that was cut or rewritten together with its own checkpoints is found by
    them alone. `progress` is called with entries done and in all. Raise `RecordBrokenError` naming
    the first entry that is wrong.
    """
    start = 0 if since is None else keys.open(since).head.size
    with record.reading() as tx:
        kept = _kept(tx)
        heads, signed = _heads(tx, keys, (*known, *([since] if since else [])), start=start)
        tree = Growing(_begun(tx, start, kept))
        _hold_against(heads, tree)
        for row in _rows(tx, after=tree.size - 1 if start else _BEFORE_ALL):
            _grow(tree, row)
            _hold_against(heads, tree)
            if tree.size % _CHUNK == 0 or tree.size == kept.size:
                progress(tree.size, kept.size)
        _hold_end(tx, tree, kept, largest=max(heads, default=0))
        return LogReport(
            head=tree.head,
            checkpoints=len(heads),
            signed=signed,
            signed_at=_moment(tx, signed - 1) if signed else None,
            since=start,
        )


def _kept(tx: Reading) -> Peaks:
    """Read the log's head as it is kept, whatever it may hold by now."""
    rows = _read(tx, _HEAD)
    if len(rows) != 1 or rows[0].id != 1:
        raise RecordBrokenError("the log has not one head")
    size, peaks, hashing = rows[0].size, rows[0].peaks, rows[0].hashing
    if not isinstance(size, int) or not isinstance(peaks, bytes) or hashing not in _HASHINGS:
        raise RecordBrokenError("the log's head does not read as one")
    if size < 0 or len(peaks) != HASH_BYTES * size.bit_count():
        raise RecordBrokenError("the log's head is not that of a tree")
    return Peaks.unpacked(size, peaks, Hashing(hashing))


def _heads(
    tx: Reading, keys: KeyRing, known: Sequence[str], *, start: int
) -> tuple[dict[int, Head], int]:
    """Return what was signed of the log from size `start` on, and the largest that is believed."""
    wanted = select(log_checkpoint.c.size, log_checkpoint.c.note)
    heads, largest = {}, 0
    for row in _read(tx, wanted.where(log_checkpoint.c.size >= start)):
        head, believed = _heard(keys, row.note)
        if head.size != row.size:
            raise RecordBrokenError("a checkpoint is kept under another size than it signs")
        heads[head.size] = head
        largest = max(largest, head.size) if believed else largest
    for head in (keys.open(note).head for note in known):
        if heads.setdefault(head.size, head) != head:
            raise RecordBrokenError(f"entry {head.size}: two checkpoints sign two different logs")
        largest = max(largest, head.size)
    return heads, largest


def _heard(keys: KeyRing, note: object) -> tuple[Head, bool]:
    """Return what a kept checkpoint says, and whether its key is still believed."""
    if not isinstance(note, str):
        raise RecordBrokenError("a checkpoint is not a signed note")
    try:
        return keys.open(note).head, True
    except RecordBrokenError:
        return keys.heard(note).head, False


def _begun(tx: Reading, size: int, kept: Peaks) -> Peaks:
    if size > kept.size:
        raise _missing(kept.size, size)
    nodes = cover(Range(0, size))
    hashes = kept_hashes(tx, nodes)
    return Peaks(size, tuple(hashes[node] for node in nodes), kept.hashing)


def _hold_against(heads: dict[int, Head], tree: Growing) -> None:
    head = heads.get(tree.size)
    if head is not None and head != tree.head:
        raise RecordBrokenError(
            f"entry {tree.size - 1} or an earlier one: the checkpoint signed another root"
        )


def _grow(tree: Growing, row: Row[Any]) -> None:
    if row[0] != tree.size:
        raise RecordBrokenError(f"entry {tree.size}: missing, or out of its place")
    if tree.add(leaf_of(row)) != row[-1]:
        raise _blamed(row)


def _blamed(row: Row[Any]) -> RecordBrokenError:
    """Say of an altered row, which may hold anything, what is wrong with it."""
    try:
        facts = load(dict[str, str | int], row.facts)
        Event(row.kind, row.subject, row.actor, facts)
        whole = dump(facts) == row.facts
    except (JobsError, TypeError, ValueError, AttributeError):
        return RecordBrokenError(f"entry {row.seq}: its row is not an event")
    what = "its row or its hashes were altered" if whole else "its facts were rewritten"
    return RecordBrokenError(f"entry {row.seq}: {what}")


def _hold_end(tx: Reading, tree: Growing, kept: Peaks, *, largest: int) -> None:
    if tree.peaks != kept:
        raise RecordBrokenError(f"entry {tree.size}: the log's head does not follow from its rows")
    if largest > tree.size:
        raise _missing(tree.size, largest)
    head = _read(tx, _HEAD)[0]
    # Its time is that of the last entry; one that came from an older schema has the latest.
    if head.at != _time_of(tx, tree.size - 1) and head.at != _read(tx, _LATEST)[0][0]:
        raise RecordBrokenError("the log's head tells another time than its last entry")
    if head.domain != next((row.subject for row in _read(tx, _TAKEN)), ""):
        raise RecordBrokenError("the log's head names another domain than its entries")


def _time_of(tx: Reading, seq: int) -> str:
    row = tx.one(select(log_entry.c.at).where(log_entry.c.seq == seq))
    return "" if row is None else str(row.at)


def _moment(tx: Reading, seq: int) -> datetime:
    try:
        return unstamp(_time_of(tx, seq))
    except ValueError:
        raise RecordBrokenError(f"entry {seq}: its row is not an event") from None


def _missing(size: int, signed: int) -> RecordBrokenError:
    return RecordBrokenError(f"entry {size}: missing, a checkpoint is over {signed}")


def _rows(tx: Reading, *, after: int) -> Iterator[Row[Any]]:
    while rows := _chunk(tx, after):
        yield from rows
        after = rows[-1].seq


def _chunk(tx: Reading, after: int) -> Sequence[Row[Any]]:
    wanted = KEPT.where(log_entry.c.seq > after).order_by(log_entry.c.seq).limit(_CHUNK)
    try:
        return _read(tx, wanted)
    except RecordBrokenError:
        # Some row is no longer text at all: give what comes before it, then say which it is.
        if rows := _readable(tx, after):
            return rows
        raise RecordBrokenError(f"entry {max(after + 1, 0)}: its row cannot be read") from None


def _readable(tx: Reading, after: int) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    wanted = KEPT.order_by(log_entry.c.seq).limit(1)
    try:
        while more := _read(tx, wanted.where(log_entry.c.seq > after)):
            rows.extend(more)
            after = rows[-1].seq
    except RecordBrokenError:
        return rows
    return rows


def _read(tx: Reading, question: Select[Any]) -> Sequence[Row[Any]]:
    """Ask for what somebody may have altered: a text that is none is no failure of the database."""
    try:
        return tx.rows(question)
    except DBAPIError as error:
        told = (getattr(error.orig, name, None) for name in ("sqlite_errorcode", "sqlstate"))
        if error.connection_invalidated or any(told):
            raise
        raise RecordBrokenError("a part of the log is no text") from None
