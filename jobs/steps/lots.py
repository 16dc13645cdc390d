"""Draws automatic releases for a second look: committed to before the day, decided with the release, revealed after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from jobs.errors import NotFoundError
from jobs.proof.bodies import dump, load
from jobs.record import documents, holds
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.release import Release
from jobs.rules.lots import commitment_of, is_drawn, seed_of
from jobs.steps import rereview
from jobs.steps.facts import CHINA
from sandbox.asset import Digest

KIND = "lots"
"""The kind of document that a day's lots are kept as; its id is the day."""
COMMITTED, REVEALED, DRAWN = "lots.committed", "lots.revealed", "release.drawn"
_SEALED, _OPEN = "sealed", "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lottery:
    """What releases are drawn with."""

    secret: bytes
    """Never told; each day's seed is made from it."""
    rate: Fraction
    """The share of the automatic releases that is drawn; it holds for the days that are not committed to yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day's releases are drawn by, as the log has it before the day."""

    commitment: Digest
    rate: Fraction


def day_of(at: datetime) -> str:
    """Return the day in China, as `2026-11-23`."""
    return at.astimezone(CHINA).date().isoformat()


def keep_lots(record: Record, lottery: Lottery) -> None:
    """Commit to today's and tomorrow's lots, and reveal those of the days that are over; done again it does nothing."""
    with record.reading() as tx:
        if not any(_uncommitted(tx)) and not any(_over(tx)):
            return
    with record.writing() as tx:
        for day in tuple(_uncommitted(tx)):
            _commit(tx, day, lottery)
        for paper in tuple(_over(tx)):
            _reveal(tx, paper, lottery)


def draw(tx: Writing, release: Release, lottery: Lottery | None) -> None:
    """Draw a release that no person judged, or leave it, in the transaction that makes it.

    Without a commitment that binds them the lots prove nothing: then every such release is drawn.
    """
    if lottery is None or holds.holds(tx, release.job):
        return
    day = day_of(tx.now)
    if _spared(tx, day, release, lottery):
        return
    told = {"release": release.id, "day": day}
    rereview.begin(tx, release, Event(DRAWN, release.job, "system", told))


def _spared(tx: Reading, day: str, release: Release, lottery: Lottery) -> bool:
    kept = _committed(tx, day)
    if kept is None:
        return False
    seed = seed_of(lottery.secret, day)
    return commitment_of(seed) == kept.commitment and not is_drawn(seed, release.id, kept.rate)


def _committed(tx: Reading, day: str) -> Day | None:
    try:
        return load(Day, documents.get(tx, KIND, day).body)
    except NotFoundError:
        return None


def _uncommitted(tx: Reading) -> Iterator[str]:
    for day in (day_of(tx.now), day_of(tx.now + timedelta(days=1))):
        if _committed(tx, day) is None:
            yield day


def _over(tx: Reading) -> Iterator[Document]:
    today = day_of(tx.now)
    for paper in documents.listed(tx, KIND, state=_SEALED):
        if paper.id < today:
            yield paper


def _commit(tx: Writing, day: str, lottery: Lottery) -> None:
    kept = Day(commitment=commitment_of(seed_of(lottery.secret, day)), rate=lottery.rate)
    told = {"commitment": kept.commitment, "rate": str(kept.rate)}
    paper = Document(kind=KIND, id=day, state=_SEALED, body=dump(kept), at=tx.now)
    documents.add(tx, paper, Event(COMMITTED, day, "system", told))


def _reveal(tx: Writing, paper: Document, lottery: Lottery) -> None:
    """Open a day; where the secret is another by now, what is revealed does not fit, and an audit says so."""
    told = {"seed": seed_of(lottery.secret, paper.id).hex()}
    after = Document(kind=KIND, id=paper.id, state=_OPEN, body=paper.body, at=tx.now)
    event = Event(REVEALED, paper.id, "system", told)
    documents.replace(tx, after, was_version=paper.version, event=event)
