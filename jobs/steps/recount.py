"""Recomputes from the log alone which releases were drawn, and says where that is not what was noted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from jobs.record import log
from jobs.record.database import Reading
from jobs.record.log import Entry, Filter
from jobs.rules.lots import commitment_of, is_drawn
from jobs.steps.lots import COMMITTED, DRAWN, REVEALED, day_of

_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """One day's lots, held against the log."""

    day: str
    rate: str
    """The share that was committed to; empty where nothing was."""
    revealed: bool
    automatic: int
    """How many releases no person had judged."""
    drawn: int
    wrong: tuple[str, ...]
    """What does not hold, each in plain English; names releases only."""


@dataclass(slots=True)
class _Day:
    committed: list[Entry] = field(default_factory=list)
    revealed: list[Entry] = field(default_factory=list)
    made: list[Entry] = field(default_factory=list)


def recount(tx: Reading) -> tuple[Recount, ...]:
    """Hold every day's lots against the log, the oldest first; that the log is whole is asked apart."""
    drawn = {str(each.event.facts["release"]) for each in _every(tx, DRAWN)}
    judged = {each.event.subject for each in _every(tx, "egress.held")}
    days: Mapping[str, _Day] = defaultdict(_Day)
    for entry in _every(tx, "release.made"):
        if entry.event.subject not in judged:
            days[day_of(entry.at)].made.append(entry)
    for entry in _every(tx, COMMITTED):
        days[entry.event.subject].committed.append(entry)
    for entry in _every(tx, REVEALED):
        days[entry.event.subject].revealed.append(entry)
    today = day_of(tx.now)
    return tuple(_counted(name, days[name], drawn, today=today) for name in sorted(days))


def _counted(name: str, day: _Day, drawn: set[str], *, today: str) -> Recount:
    ids = [_release(entry) for entry in day.made]
    return Recount(
        day=name,
        rate=str(day.committed[0].event.facts["rate"]) if day.committed else "",
        revealed=bool(day.revealed),
        automatic=len(ids),
        drawn=len(drawn.intersection(ids)),
        wrong=tuple(_wrong(name, day, drawn, today=today)),
    )


def _wrong(name: str, day: _Day, drawn: set[str], *, today: str) -> Iterator[str]:
    yield from _unbound(day, drawn)
    if not day.committed:
        return
    if len(day.committed) > 1 or len(day.revealed) > 1:
        yield "there is more than one commitment or seed"
        return
    if not day.revealed:
        if name < today:
            yield "the day is over and its seed was not revealed"
        return
    yield from _unlike(name, day, drawn)


def _unbound(day: _Day, drawn: set[str]) -> Iterator[str]:
    """Find releases that no commitment bound beforehand, and that were not drawn for that."""
    begins = day.committed[0].seq if day.committed else None
    for entry in day.made:
        if (begins is None or entry.seq < begins) and _release(entry) not in drawn:
            yield f"{_release(entry)} left before its lots were committed to, and was not drawn"


def _unlike(name: str, day: _Day, drawn: set[str]) -> Iterator[str]:
    (committed,), (revealed,) = day.committed, day.revealed
    seed = _hex(str(revealed.event.facts["seed"]))
    if commitment_of(seed) != committed.event.facts["commitment"]:
        yield "the seed is not the one that was committed to"
        return
    if day_of(revealed.at) <= name:
        yield "the seed was revealed before the day was over"
    rate = Fraction(str(committed.event.facts["rate"]))
    for entry in day.made:
        release = _release(entry)
        if entry.seq > committed.seq and is_drawn(seed, release, rate) != (release in drawn):
            yield f"{release} was {'' if release in drawn else 'not '}drawn, against its lot"


def _release(entry: Entry) -> str:
    return str(entry.event.facts["release"])


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _every(tx: Reading, kind: str) -> Iterable[Entry]:
    after, only = -1, Filter(kind=kind)
    while found := log.entries(tx, after=after, limit=_PAGE, only=only):
        yield from found
        after = found[-1].seq
