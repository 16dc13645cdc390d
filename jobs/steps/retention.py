"""Keeps what must be kept, destroys what is past its time, and never the log itself.

A day counts in China's time. The floors are the law's; a rulebook may ask for more and never for less.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from jobs.errors import JobsError, NotFoundError
from jobs.grant import GrantId
from jobs.job import JobId
from jobs.proof.bodies import dump, load
from jobs.record import aged, documents, grants, jobs
from jobs.record.aged import Aged
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.erasure import forget_blobs, forget_findings, forget_holds, is_kept
from jobs.record.event import Event
from jobs.record.gone import gone, mark
from jobs.record.inside import CodeUse, code_uses, every_release, needed_files, scenario_of
from jobs.release import Release
from jobs.steps.carry import Hands
from jobs.steps.facts import CHINA
from sandbox.asset import Digest

LOG_MONTHS = 6
"""The least that logs are kept (Weifang art. 24; Cybersecurity Law art. 23)."""
PI_YEARS = 3
"""The least that records of processing personal information are kept (PIPL art. 56)."""
_MONTHS = 12
_TERMS, _HOLD, _HELD, _LIFTED = "retention", "legal_hold", "held", "lifted"


class RetentionFloorError(JobsError):
    """E_RETENTION_FLOOR: something would be kept for less than the law asks."""


class Kept(StrEnum):
    """What is destroyed in the end."""

    NOTES = "notes"
    """What runs said of themselves: a log."""
    PREVIEWS = "previews"
    """What reviewers were shown of held outputs."""
    FINDINGS = "findings"
    """The words of the filter's findings; verdict and rule stay."""
    CODE = "code"
    """Code bundles of jobs whose grants have ended."""
    SHELF = "shelf"
    """The domain's own copy of released bytes; the certificate stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long things are kept; raise `RetentionFloorError` where that is less than the law asks."""

    log_months: int = LOG_MONTHS
    pi_years: int = PI_YEARS
    exit_months: int = LOG_MONTHS
    """How long logs of a scenario that has ended are kept from its end (requirement M-04)."""

    def __post_init__(self) -> None:
        """Hold them against the floors."""
        if min(self.log_months, self.exit_months) < LOG_MONTHS or self.pi_years < PI_YEARS:
            raise RetentionFloorError(
                f"E_RETENTION_FLOOR: logs are kept {LOG_MONTHS} months and records of processing"
                f" personal information {PI_YEARS} years, or longer"
            )

    def months(self, kept: Kept) -> int:
        """Return for how many months this is kept."""
        if kept in (Kept.NOTES, Kept.PREVIEWS):
            return self.log_months
        return self.pi_years * _MONTHS

    def last_day(self, kept: Kept, since: datetime, ended: datetime | None) -> date:
        """Return the last day on which this must be there, which began to count at `since`.

        `ended` is when its grant did, and counts too.
        """
        own = last_day(since, self.months(kept))
        if ended is None:
            return own
        if kept in (Kept.CODE, Kept.SHELF):
            return max(own, last_day(ended, self.months(kept)))
        return max(own, last_day(ended, self.exit_months))


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is past its last day."""

    notes: tuple[Path, ...] = ()
    previews: tuple[JobId, ...] = ()
    findings: tuple[JobId, ...] = ()
    codes: tuple[Digest, ...] = ()
    releases: tuple[Release, ...] = ()

    @property
    def counts(self) -> Mapping[Kept, int]:
        """How many of each there are."""
        each = (self.notes, self.previews, self.findings, self.codes, self.releases)
        return MappingProxyType({kept: len(found) for kept, found in zip(Kept, each, strict=True)})


def last_day(since: datetime, months: int) -> date:
    """Return the same day of the month so many months on; where there is none, the first of the next."""
    day = since.astimezone(CHINA).date()
    years, month = divmod(day.month - 1 + months, _MONTHS)
    try:
        return date(day.year + years, month + 1, day.day)
    except ValueError:
        years, month = divmod(day.month + months, _MONTHS)
        return date(day.year + years, month + 1, 1)


def terms(tx: Reading) -> Terms:
    """Return how long things are kept here: as the institution's rulebooks ask, at least the floors."""
    try:
        return load(Terms, documents.get(tx, _TERMS, _TERMS).body)
    except NotFoundError:
        return Terms()


def set_terms(tx: Writing, after: Terms, *, actor: str) -> None:
    """Keep things for so long from now on; the same as before is no change."""
    told = {"log_months": after.log_months, "pi_years": after.pi_years}
    event = Event("retention.set", _TERMS, actor, {**told, "exit_months": after.exit_months})
    _keep(tx, Document(kind=_TERMS, id=_TERMS, body=dump(after), at=tx.now), event)


def hold(tx: Writing, target: str, *, reason: str, actor: str) -> None:
    """Let nothing of a scenario or an asset be destroyed until that is lifted (legal hold, J-04)."""
    paper = Document(kind=_HOLD, id=target, state=_HELD, body=dump(reason), at=tx.now)
    _keep(tx, paper, Event("retention.held", target, actor, {"reason": reason}))


def lift(tx: Writing, target: str, *, reason: str, actor: str) -> None:
    """Lift a legal hold; raise `NotFoundError` where there is none."""
    if target not in held(tx):
        raise NotFoundError(f"nothing holds {target}")
    paper = Document(kind=_HOLD, id=target, state=_LIFTED, body=dump(reason), at=tx.now)
    _keep(tx, paper, Event("retention.lifted", target, actor, {"reason": reason}))


def held(tx: Reading) -> frozenset[str]:
    """Return every scenario and asset that is held."""
    return frozenset(paper.id for paper in documents.listed(tx, _HOLD, state=_HELD))


def due(tx: Reading, hands: Hands) -> Due:
    """Return what is past its last day and under no hold."""
    asked = _Asked(
        today=tx.now.astimezone(CHINA).date(), terms=terms(tx), ended=aged.ends(tx), held=_held(tx)
    )
    lost = gone(tx)
    return Due(
        notes=tuple(path for path in hands.quarantine.notes() if _note_due(tx, asked, hands, path)),
        previews=_rows_due(asked, Kept.PREVIEWS, aged.previews(tx)),
        findings=_rows_due(asked, Kept.FINDINGS, aged.findings(tx)),
        codes=tuple(
            use.digest for use in code_uses(tx) if is_kept(tx, use.digest) and _code_due(asked, use)
        ),
        releases=tuple(
            out for out in every_release(tx) if out.id not in lost and _release_due(asked, out)
        ),
    )


def sweep(hands: Hands) -> Due:
    """Destroy what is due, and note in one event how much; return what it was.

    Raise `RecordDownError` and `StorageFullError` as any transaction does; the next sweep goes on.
    """
    with hands.record.reading() as tx:
        found = due(tx, hands)
    if any(found.counts.values()):
        with hands.record.writing() as tx:
            forget_holds(tx, found.previews)
            forget_findings(tx, found.findings)
            forget_blobs(tx, found.codes)
            mark(tx, found.releases, why=_TERMS)
            told = {str(kept): count for kept, count in found.counts.items()}
            tx.note(Event("retention.swept", _TERMS, "system", told))
    for path in found.notes:
        hands.quarantine.destroy(path)
    _clear_shelf(hands)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What decides whether something is due."""

    today: date
    terms: Terms
    ended: Mapping[GrantId, datetime]
    held: frozenset[str] = field(default_factory=frozenset)
    """Scenarios under a hold, their own or that of an asset."""

    def past(self, kept: Kept, grant: GrantId | None, since: datetime) -> bool:
        """Say whether its last day is over, and nothing holds it."""
        if grant is not None and scenario_of(grant) in self.held:
            return False
        return self.today > self.terms.last_day(kept, since, self.ended.get(grant or GrantId("")))


def _held(tx: Reading) -> frozenset[str]:
    """Return every scenario that is held, itself or through one of its assets."""
    names = held(tx)
    through = (
        each.signed.grant.scenario
        for each in (grants.listed(tx) if names else ())
        if any(terms.asset in names for terms in each.signed.grant.assets)
    )
    return frozenset((*names, *through))


def _note_due(tx: Reading, asked: _Asked, hands: Hands, path: Path) -> bool:
    written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    try:
        grant = jobs.get(tx, JobId(hands.quarantine.job_of(path))).grant
    except NotFoundError:
        grant = None
    return asked.past(Kept.NOTES, grant, written)


def _rows_due(asked: _Asked, kept: Kept, rows: Iterable[Aged]) -> tuple[JobId, ...]:
    return tuple(row.job for row in rows if asked.past(kept, row.grant, row.since))


def _code_due(asked: _Asked, use: CodeUse) -> bool:
    """Say whether every grant that its jobs ran under has ended long enough ago."""
    return all(
        grant in asked.ended and asked.past(Kept.CODE, grant, use.last) for grant in use.grants
    )


def _release_due(asked: _Asked, out: Release) -> bool:
    return out.grant in asked.ended and asked.past(Kept.SHELF, out.grant, out.at)


def _clear_shelf(hands: Hands) -> None:
    """Remove the bytes of every release that is gone, but for those that another one needs."""
    with hands.record.reading() as tx:
        lost = gone(tx)
        out = [release for release in every_release(tx) if release.id in lost] if lost else []
        needed: Collection[Digest] = needed_files(tx, besides=frozenset()) if out else ()
    for digest in {file.digest for release in out for file in release.files} - set(needed):
        if hands.shelf.size(digest) is not None:
            hands.shelf.destroy(digest)


def _keep(tx: Writing, paper: Document, event: Event) -> None:
    try:
        was = documents.get(tx, paper.kind, paper.id)
    except NotFoundError:
        documents.add(tx, paper, event)
        return
    if (was.body, was.state) == (paper.body, paper.state):
        return
    documents.replace(tx, paper, was_version=was.version, event=event)
