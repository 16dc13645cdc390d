"""The second look at a release that was drawn: somebody says that it is in order, or objects, and then it is withheld."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from jobs.errors import NotFoundError, OutOfOrderError, SeatError, StaleError
from jobs.grant import PartyId, PersonId
from jobs.job import JobId
from jobs.proof.bodies import digest_of, dump, load
from jobs.record import documents, releases
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.release import Release, ReleaseId
from sandbox.asset import Digest

KIND = "rereview"
"""The kind of document that a second look is kept as; its id is the release's."""
MAX_WORDS = 2000
"""The longest opinion, in characters."""
WAITING = "waiting"


class Says(StrEnum):
    """What comes of a second look."""

    IN_ORDER = "in_order"
    OBJECTION = "objection"


class WithheldError(OutOfOrderError):
    """Somebody objected to the release when it was looked at again: it is handed over no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one person says of a drawn release, and of which bytes."""

    release: ReleaseId
    person: PersonId
    party: PartyId
    says: Says
    words: str
    signed: tuple[Digest, ...]
    """The digests of the files that the person saw."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """One drawn release, and what was said of it."""

    release: ReleaseId
    job: JobId
    drawn_at: datetime
    opinion: Opinion | None = None

    @property
    def state(self) -> str:
        """Return what was said, or that it waits."""
        return str(self.opinion.says) if self.opinion else WAITING


def begin(tx: Writing, release: Release, event: Event) -> None:
    """Put a release on the list of those that wait for a second look."""
    look = SecondLook(release=release.id, job=release.job, drawn_at=tx.now)
    documents.add(tx, _paper(tx, look, release.developer), event)


def drawn(tx: Reading) -> list[SecondLook]:
    """Return every release that was drawn, by id."""
    return [load(SecondLook, paper.body) for paper in documents.listed(tx, KIND)]


def get(tx: Reading, release: ReleaseId) -> SecondLook:
    """Return the second look at a release; raise `NotFoundError` where it was not drawn."""
    return load(SecondLook, documents.get(tx, KIND, release).body)


def judge(tx: Writing, opinion: Opinion) -> SecondLook:
    """Write down what somebody says of a drawn release; an objection withholds it from now on.

    Raises:
        NotFoundError: the release was not drawn.
        OutOfOrderError: somebody has spoken already.
        StaleError: the person saw other files than were released.
        SeatError: the person is of the release's own party, or gives no words.

    """
    was = get(tx, opinion.release)
    release = releases.get(tx, opinion.release)
    if was.opinion is not None:
        raise OutOfOrderError(f"release {release.id} was looked at already")
    if set(opinion.signed) != {file.digest for file in release.files}:
        raise StaleError("what was signed is not what was released")
    if opinion.party == release.developer:
        raise SeatError("a developer entity may not look again at its own release")
    if not opinion.words.strip() or len(opinion.words) > MAX_WORDS:
        raise SeatError(f"an opinion gives its reason, in at most {MAX_WORDS} characters")
    now = replace(was, opinion=opinion)
    paper = _paper(tx, now, release.developer)
    documents.replace(tx, paper, was_version=1, event=_event(release, opinion))
    return now


def demand_not_withheld(tx: Reading, release: ReleaseId) -> None:
    """Raise `WithheldError` where somebody objected to the release."""
    try:
        look = get(tx, release)
    except NotFoundError:
        return
    if look.state == Says.OBJECTION:
        raise WithheldError(f"release {release} is withheld after an objection")


def _paper(tx: Writing, look: SecondLook, developer: PartyId) -> Document:
    return Document(
        kind=KIND, id=look.release, state=look.state, org=developer, body=dump(look), at=tx.now
    )


def _event(release: Release, opinion: Opinion) -> Event:
    told = {
        "release": release.id,
        "party": opinion.party,
        "signed": ",".join(opinion.signed),
        "opinion": digest_of(opinion.words.encode()),
    }
    return Event(f"rereview.{opinion.says}", release.job, opinion.person, told)
