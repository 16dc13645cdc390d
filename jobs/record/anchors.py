"""Anchors: what vouches outside for the log as it was at one size, and what became of asking."""

from dataclasses import dataclass
from dataclasses import replace as replaced
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, select, update

from jobs.errors import JobsError, OutOfOrderError
from jobs.proof.bodies import digest_of, dump, load, stamp, unstamp
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import anchoring as table


class ReasonlessError(JobsError):
    """A refused anchor was to be resolved without a reason."""


class AnchorState(StrEnum):
    """What became of one checkpoint at one target."""

    WAITING = "waiting"
    """To be sent again: a person has looked at the refusal."""
    HELD = "held"
    """The target vouches for it."""
    FAILED = "failed"
    """The target did not answer, or not well; it is tried again."""
    REFUSED = "refused"
    """The target says that the log was forked or cut; it waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One checkpoint at one target."""

    target: str
    """Such as `witness:example.com/w1`."""
    size: int
    """How many entries of the log it is about."""
    state: AnchorState
    tries: int
    note: str
    """The checkpoint that was sent: a signed note."""
    evidence: bytes = b""
    """What the target gave for it: a cosignature line, a time-stamp response, a hub's receipt."""
    error: str = ""
    """Why it is not held, in our own words: one word for the kind, a colon, and the sentence."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    note: str
    evidence: bytes
    error: str


def newest(tx: Reading, target: str) -> Anchor | None:
    """Return the anchor over the most entries at `target`, whatever became of it, or nothing."""
    return _first(tx, select(table).where(table.c.target == target))


def last_held(tx: Reading, target: str) -> Anchor | None:
    """Return the anchor over the most entries that `target` vouches for, or nothing."""
    held = table.c.state == AnchorState.HELD
    return _first(tx, select(table).where(table.c.target == target, held))


def targets(tx: Reading) -> tuple[str, ...]:
    """Return every target that was ever asked, by name."""
    asked = select(table.c.target).distinct().order_by(table.c.target)
    return tuple(row.target for row in tx.rows(asked))


def keep(tx: Writing, anchor: Anchor, *, actor: str) -> bool:
    """Keep what became of `anchor`, with its event, and say whether there was anything to keep.

    A failure that continues one is not kept again: its series has its one event, and a target that
    is down for a week does not fill the log. What is held or refused stays so; a refusal ends by
    `resolve` alone.
    """
    row = _first(tx, select(table).where(*_same(anchor)))
    if row is not None and row.state in {AnchorState.HELD, AnchorState.REFUSED}:
        return False
    last = newest(tx, anchor.target)
    if anchor.state is AnchorState.FAILED and last and last.state is AnchorState.FAILED:
        return False
    _write(tx, anchor, known=row is not None)
    tx.note(Event(f"anchor.{anchor.state}", anchor.target, actor, _facts(anchor)))
    return True


def resolve(tx: Writing, target: str, *, by: str, reason: str) -> Anchor:
    """Let a refused anchor be sent again, since `by` has looked into it, and return it.

    Raise `OutOfOrderError` where the target's newest anchor is not refused, and `ReasonlessError`
    where nothing is said.
    """
    last = newest(tx, target)
    if last is None or last.state is not AnchorState.REFUSED:
        raise OutOfOrderError(f"nothing waits to be resolved at {target}")
    if not reason.strip():
        raise ReasonlessError("say what was found: the reason goes into the log")
    waiting = replaced(last, state=AnchorState.WAITING, tries=0, at=tx.now)
    _write(tx, waiting, known=True)
    tx.note(Event("anchor.resolved", target, by, {"size": last.size, "reason": reason}))
    return waiting


def _facts(anchor: Anchor) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "size": anchor.size,
        "tries": anchor.tries,
        "checkpoint": digest_of(anchor.note.encode()),
    }
    if anchor.state is AnchorState.HELD:
        return facts | {"evidence": digest_of(anchor.evidence)}
    return facts | {"error": anchor.error}


def _write(tx: Writing, anchor: Anchor, *, known: bool) -> None:
    body = _Body(note=anchor.note, evidence=anchor.evidence, error=anchor.error)
    row = {"state": anchor.state, "tries": anchor.tries, "body": dump(body), "at": stamp(anchor.at)}
    if known:
        tx.change(update(table).where(*_same(anchor)).values(**row))
        return
    tx.insert(table, {"target": anchor.target, "size": anchor.size, **row})


def _same(anchor: Anchor) -> tuple[Any, Any]:
    return table.c.target == anchor.target, table.c.size == anchor.size


def _first(tx: Reading, wanted: Select[Any]) -> Anchor | None:
    row = tx.one(wanted.order_by(table.c.size.desc()).limit(1))
    return None if row is None else _word(row)


def _word(row: Row[Any]) -> Anchor:
    body = load(_Body, row.body)
    return Anchor(
        target=row.target,
        size=row.size,
        state=load(AnchorState, dump(row.state)),
        tries=row.tries,
        note=body.note,
        evidence=body.evidence,
        error=body.error,
        at=unstamp(row.at),
    )
