"""The guard at the record's door: nobody works with one that is another's, altered, or older.

The watermark tells an older record from the newest; where the newest is lost, a person accepts the
older one, and every privacy budget is closed, since what was spent after it is forgotten there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update

from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.bodies import unstamp
from jobs.proof.checkpoint import Checkpoint
from jobs.proof.keys import SigningKey
from jobs.proof.merkle import Hashing, Range, cover, fold
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.budgets import UNLIMITED
from jobs.record.database import Reading, Record, Writing, steady
from jobs.record.event import Event
from jobs.record.faults import OlderSchemaError, OtherDomainError, RecordDownError, gone
from jobs.record.migrations import Form
from jobs.record.schema import budget, log_checkpoint, log_head
from jobs.record.tiles import kept_hashes
from jobs.record.watermark import RolledBackError, Watermark, fewer
from sandbox.reason import Said

Key = Callable[[], SigningKey]
"""Gives the log's key: only a process that must sign touches it."""
_UNUSED = 1
"""The entries of a log in which nothing has happened: it was made."""


class FutureCheckpointError(RecordDownError):
    """The record holds a checkpoint over more entries than its log has."""

    def __init__(self) -> None:
        """Say so, and what to do."""
        super().__init__(
            "the record holds a checkpoint from the future, over more entries than its log has:"
            " entries were removed; look with `shuyu log verify`, and restore a backup",
            zh="记录库中的检查点超前于日志：日志已被删减；请用 shuyu log verify 查看，并从备份恢复",
        )


class NothingToAcceptError(JobsError):
    """The record is the newest and the clock is right: there is nothing that a person must accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose record it must be, and what shows that it is the newest one."""

    domain: str
    hashing: Hashing
    ring: KeyRing
    """The keys that have signed the log."""
    watermark: Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What a person is asked to accept."""

    signed: Checkpoint | None
    """The last checkpoint that was signed; nothing where it was lost."""
    size: int
    """The entries that the log has now."""
    rolled_back: Said | None = None
    """Why the record is not the one that was signed last; nothing where it is."""
    behind: timedelta = timedelta(0)
    """How far the clock stands before the log's last entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A person's word that the record and the time are to be taken as they are."""

    by: str
    reason: str
    close: tuple[str, ...] = ()
    """Budgets to close even where the record that came back has never heard of them."""


def is_unused(owner: Owner) -> bool:
    """Say whether nothing has ever happened in this domain, so that no record of it can be missing."""
    if owner.watermark.note() is None:
        return True
    signed = _signed_last(owner)
    return signed is not None and signed.head.size <= _UNUSED


def found(record: Record, owner: Owner, *, key: Key) -> None:
    """Make the tables and the domain's record, and sign the log that says so.

    The record must be open without its watermark, which begins here.
    """
    record.migrate()
    record.found(domain=owner.domain, hashing=owner.hashing)
    owner.watermark.replace(_signed(record, key()))


def bring_up(record: Record, owner: Owner, *, key: Key) -> None:
    """Bring an older version's record to this one's form, take it for the domain, then `enter`.

    Raise as `enter` does, with nothing changed but the form.
    """
    if record.form() is Form.NONE:
        raise gone()
    record.migrate()
    with record.reading() as tx:
        unclaimed = _domain(tx, owner) == ""
        if unclaimed and owner.watermark.note() is not None:
            _demand_newest(_doubt(tx, owner))
    if unclaimed:
        record.found(domain=owner.domain, hashing=owner.hashing)
        owner.watermark.replace(_signed(record, key()))
    enter(record, owner)


def enter(record: Record, owner: Owner) -> None:
    """Let a process work with the record.

    Raise `RecordGoneError` where there is none, `OlderSchemaError` or `NewerSchemaError` for tables of
    another version, `OtherDomainError`, `RolledBackError` for an older record, `FutureCheckpointError`,
    and `ClockError` where the clock stands before the log's last entry.
    """
    _demand_tables(record)
    with record.reading() as tx:
        if not _domain(tx, owner):
            raise OlderSchemaError
        _demand_newest(_doubt(tx, owner))
        steady(tx.now, _last(tx))


def examine(record: Record, owner: Owner) -> Doubt:
    """Return what a person would have to accept; raise what nobody can accept, as `enter` does."""
    _demand_tables(record)
    with record.reading() as tx:
        _domain(tx, owner)
        return _doubt(tx, owner)


def accept(record: Record, owner: Owner, word: Acceptance, *, key: Key) -> Doubt:
    """Take the record as it is and the time as it is now; return what was in doubt.

    Where it was rolled back, budgets are closed: the limit becomes what is used. Raise
    `NothingToAcceptError` where nothing is in doubt. The record must be open without its watermark.
    """
    doubt = examine(record, owner)
    if not doubt.rolled_back and not doubt.behind:
        raise NothingToAcceptError("the record is the newest and the clock is right")
    with record.writing_as_of_now() as tx:
        tx.take(owner.domain, owner.hashing)
        if doubt.rolled_back:
            tx.note(_rollback_accepted(doubt, owner, word, closed=_close_budgets(tx, word.close)))
        if doubt.behind:
            facts: dict[str, str | int] = {
                "seconds": int(doubt.behind.total_seconds()),
                "reason": word.reason,
            }
            tx.note(Event("record.clock_accepted", owner.domain, word.by, facts))
    owner.watermark.replace(_signed(record, key()))
    return doubt


def _close_budgets(tx: Writing, more: Iterable[str]) -> int:
    # What was charged after the record that came back was written is not known to it. Whoever sets
    # a limit anew answers for that; what is only metered has no limit to lower.
    used = budget.c.reserved + budget.c.spent
    limited = update(budget).where(budget.c.ceiling < UNLIMITED)
    named = set(more)
    closed = tx.change(update(budget).where(budget.c.scope.in_(named)).values(ceiling=used))
    closed += tx.change(limited.where(budget.c.scope.not_in(named)).values(ceiling=used))
    known = {row.scope for row in tx.rows(select(budget.c.scope))}
    for scope in sorted(named - known):
        tx.insert(budget, {"scope": scope, "ceiling": 0, "reserved": 0, "spent": 0})
    return closed + len(named - known)


def _rollback_accepted(doubt: Doubt, owner: Owner, word: Acceptance, *, closed: int) -> Event:
    signed = doubt.signed
    facts: dict[str, str | int] = {
        "new_size": doubt.size,
        "old_size": signed.head.size if signed else "unknown",
        "old_root": signed.head.root.hex() if signed else "unknown",
        "closed_budgets": closed,
        "reason": word.reason,
    }
    return Event("record.rollback_accepted", owner.domain, word.by, facts)


def _demand_tables(record: Record) -> None:
    form = record.form()
    if form is Form.NONE:
        raise gone()
    if form is Form.OLDER:
        raise OlderSchemaError


def _domain(tx: Reading, owner: Owner) -> str:
    """Return whose record it is: the owner's, or nobody's yet."""
    head = tx.one(select(log_head))
    if head is None or head.domain not in {"", owner.domain} or head.hashing != owner.hashing:
        raise OtherDomainError
    return str(head.domain)


def _demand_newest(doubt: Doubt) -> None:
    if doubt.rolled_back:
        raise RolledBackError(doubt.rolled_back)


def _doubt(tx: Reading, owner: Owner) -> Doubt:
    signed, size = _signed_last(owner), tx.peaks().size
    if (_largest_checkpoint(tx) or 0) > size:
        raise FutureCheckpointError
    last = _last(tx)
    behind = unstamp(last) - tx.now if last else timedelta(0)
    return Doubt(
        signed=signed,
        size=size,
        rolled_back=_rolled_back(tx, signed, size),
        behind=max(behind, timedelta(0)),
    )


def _largest_checkpoint(tx: Reading) -> int | None:
    row = tx.one(select(func.max(log_checkpoint.c.size).label("size")))
    return row.size if row else None


def _signed_last(owner: Owner) -> Checkpoint | None:
    note = owner.watermark.note()
    if note is None:
        return None
    try:
        return owner.ring.heard(note)
    except RecordBrokenError:
        # It is worth no more than none: somebody wrote it who does not have the key.
        return None


def _rolled_back(tx: Reading, signed: Checkpoint | None, size: int) -> Said | None:
    if signed is None:
        return Said(
            zh="keys/last-checkpoint 中没有本域密钥签名的检查点",
            en="keys/last-checkpoint holds no checkpoint of this domain's key",
        )
    then = signed.head.size
    if then > size:
        return fewer(size, then)
    nodes = cover(Range(0, then))
    hashes = kept_hashes(tx, nodes)
    if fold(tuple(hashes[node] for node in nodes), tx.peaks().hashing) == signed.head.root:
        return None
    return Said(
        zh=f"日志前 {then} 条与已签名的不同",
        en=f"the first {then} entries of the log are not those that were signed",
    )


def _last(tx: Reading) -> str:
    row = tx.one(select(log_head.c.at))
    return str(row.at) if row else ""


def _signed(record: Record, key: SigningKey) -> str:
    with record.writing() as tx:
        return log.checkpoint(tx, key).note
