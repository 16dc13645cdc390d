"""Stops in an emergency: the whole domain behind a closed door, or what a stop elsewhere ended; each is measured."""

import base64
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType

from jobs.errors import NotFoundError, OutOfOrderError, StaleError
from jobs.grant import PartyId, PersonId
from jobs.job import JobId, JobState
from jobs.proof import bodies
from jobs.record import documents, jobs
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.sentences import reason

StopId = NewType("StopId", str)
"""`S-` and 26 characters: sortable by time."""
EVERYTHING = "all"
"""The scope of a stop of the whole domain; others are `scenario` and `asset`."""
RULE = "admit.stopped"
_STOPS, _DOOR, _DOMAIN = "stop", "door", "domain"
_CLOSED, _OPEN = "closed", "open"
_RUNNING, _EMPTIED = "running", "emptied"
_PAGE = 500
_GOING = (JobState.QUEUED, JobState.RUNNING)
"""What a stop of the whole domain ends; what waits for a verdict or its release is frozen and stays."""


class DomainStoppedError(StaleError):
    """The domain was stopped in an emergency: nothing is released or handed over until it is resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopper:
    """Who stops or resumes, and why; the record keeps the words, the log their digest."""

    person: PersonId
    party: PartyId
    opinion: str

    def facts(self) -> dict[str, str | int]:
        """Return what the log says of it."""
        return {"party": self.party, "opinion": bodies.digest_of(self.opinion.encode())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One emergency stop, and how long it took until no container was left of it."""

    id: StopId
    scope: str
    target: str
    """The scenario or asset; empty for the whole domain."""
    by: Stopper
    at: datetime
    stopped: int
    """How many jobs it ended."""
    watched: tuple[JobId, ...]
    """Those of them that ran."""
    milliseconds: int | None = None
    """From the stop until the engine had no container of them; nothing while it has, or is not heard."""


def stopped(tx: Reading) -> bool:
    """Say whether the whole domain is stopped."""
    door = _door(tx)
    return door is not None and door.state == _CLOSED


def demand_open(tx: Reading) -> None:
    """Raise `DomainStoppedError` where the whole domain is stopped."""
    if stopped(tx):
        raise DomainStoppedError("the domain was stopped in an emergency")


def close(record: Record, *, by: Stopper) -> Halt:
    """Stop the whole domain: what runs in the first transaction, with the door; then what waits.

    Raise `OutOfOrderError` where it is stopped already.
    """
    with record.writing() as tx:
        if stopped(tx):
            raise OutOfOrderError("the domain is stopped already")
        _turn(tx, _CLOSED, by=by, event=Event("domain.stopped", _DOMAIN, by.person, by.facts()))
        running = _end(tx, JobState.RUNNING, limit=100_000, actor=by.person)
        waiting = jobs.count_in(tx, JobState.QUEUED)
        halt = begin(tx, scope=EVERYTHING, target="", stopped=running, by=by, waiting=waiting)
    while _end_a_page(record, by.person):
        pass  # the door is closed: nothing that waits can start meanwhile
    return halt


def resume(tx: Writing, *, by: Stopper) -> None:
    """Open the door again; what a crash left in the queue of a stopped domain ends with it.

    Raise `OutOfOrderError` where the domain is not stopped.
    """
    if not stopped(tx):
        raise OutOfOrderError("the domain is not stopped")
    for state in _GOING:
        _end(tx, state, limit=100_000, actor=by.person)
    _turn(tx, _OPEN, by=by, event=Event("domain.resumed", _DOMAIN, by.person, by.facts()))


def closed_by(tx: Reading) -> Stopper | None:
    """Return who stopped the whole domain, or nothing where it is not stopped."""
    door = _door(tx)
    closed = door is not None and door.state == _CLOSED
    return bodies.load(Stopper, door.body) if door and closed else None


def begin(  # noqa: PLR0913 - what a stop is, each by name
    tx: Writing,
    *,
    scope: str,
    target: str,
    stopped: Collection[JobId],
    by: Stopper,
    waiting: int = 0,
) -> Halt:
    """Write down a stop that this transaction makes, so that the worker measures it.

    `waiting` is how many jobs more it is about to end, none of which has a container.
    """
    halt = Halt(
        id=_new_id(tx.now),
        scope=scope,
        target=target,
        by=by,
        at=tx.now,
        stopped=len(stopped) + waiting,
        watched=tuple(stopped),
    )
    told: dict[str, str | int] = {"scope": scope, "target": target, "stopped": halt.stopped}
    event = Event("stop.raised", halt.id, by.person, told | by.facts())
    documents.add(tx, _paper(halt, _RUNNING), event)
    return halt


def unconfirmed(tx: Reading) -> tuple[Halt, ...]:
    """Return the stops of which nobody has seen yet that no container is left."""
    return tuple(
        bodies.load(Halt, paper.body) for paper in documents.listed(tx, _STOPS, state=_RUNNING)
    )


def confirm(record: Record, halt: Halt, *, housed: Collection[str]) -> Halt:
    """Write down that no container is left of `halt`, where none of its jobs is `housed` any more.

    `housed` are the jobs that the engine has containers of. The first to say so counts.
    """
    if not set(housed).isdisjoint(halt.watched):
        return halt
    with record.writing() as tx:
        was = documents.get(tx, _STOPS, halt.id)
        if was.state == _EMPTIED:
            return bodies.load(Halt, was.body)
        took = round((tx.now - halt.at).total_seconds() * 1000)
        emptied = replace(halt, milliseconds=took)
        told: dict[str, str | int] = {"milliseconds": took, "watched": len(halt.watched)}
        event = Event("stop.emptied", halt.id, "system", told)
        documents.replace(tx, _paper(emptied, _EMPTIED), was_version=was.version, event=event)
        return emptied


def get(tx: Reading, halt: StopId) -> Halt:
    """Return one stop; raise `NotFoundError` without it."""
    return bodies.load(Halt, documents.get(tx, _STOPS, halt).body)


def newest(tx: Reading, limit: int = 50) -> tuple[Halt, ...]:
    """Return the newest stops first."""
    papers = documents.listed(tx, _STOPS)[-limit:]
    return tuple(bodies.load(Halt, paper.body) for paper in reversed(papers))


def _end_a_page(record: Record, actor: PersonId) -> int:
    """End a part of what waits, so that other writers come in between; return how much."""
    with record.reading() as tx:
        if not jobs.count_in(tx, JobState.QUEUED):
            return 0
    with record.writing() as tx:
        return len(_end(tx, JobState.QUEUED, limit=_PAGE, actor=actor))


def _end(tx: Writing, state: JobState, *, limit: int, actor: str) -> tuple[JobId, ...]:
    found = jobs.oldest(tx, state, limit)
    for job in found:
        event = Event("job.stopped", job.id, actor, {"rule": RULE})
        jobs.move(tx, job.to(JobState.STOPPED, reasons=(reason(RULE),)), was=job, event=event)
    return tuple(job.id for job in found)


def _door(tx: Reading) -> Document | None:
    try:
        return documents.get(tx, _DOOR, _DOMAIN)
    except NotFoundError:
        return None


def _turn(tx: Writing, state: str, *, by: Stopper, event: Event) -> None:
    was = _door(tx)
    door = Document(kind=_DOOR, id=_DOMAIN, state=state, body=bodies.dump(by), at=tx.now)
    if was is None:
        documents.add(tx, door, event)
    else:
        documents.replace(tx, door, was_version=was.version, event=event)


def _paper(halt: Halt, state: str) -> Document:
    return Document(kind=_STOPS, id=halt.id, state=state, body=bodies.dump(halt), at=halt.at)


def _new_id(now: datetime) -> StopId:
    raw = int(now.timestamp() * 1000).to_bytes(6, "big") + os.urandom(10)
    return StopId("S-" + base64.b32hexencode(raw).decode().rstrip("="))
