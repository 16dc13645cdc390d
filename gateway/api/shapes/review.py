"""Reviews on the wire: held outputs with their evidence, for the seats only, and the seats' words."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from gateway.api.shapes import Asked, Shape
from gateway.governance.parties import Caller
from jobs.grant import Grant
from jobs.job import Job, JobId
from jobs.record.holds import Hold
from jobs.release import Seat, SeatVerdict, Vote
from jobs.rules.quorum import seats_of
from jobs.rules.sheets import Pages, Sheet
from jobs.steps.earlier import Kin, Version, seen
from sandbox.asset import Digest

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Given = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Signed = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class WaitingOut(Shape):
    """One job in the queue."""

    job: str
    scenario: str
    grant: str
    developer: str
    submitted_at: datetime
    waiting: tuple[Seat, ...]
    """The seats that have not spoken: silence is never a yes."""

    @classmethod
    def of(cls, job: Job, grant: Grant, verdicts: Sequence[SeatVerdict]) -> Self:
        """Show a job that waits under `grant`, after these verdicts."""
        return cls(
            job=job.id,
            scenario=grant.scenario,
            grant=grant.id,
            developer=job.developer,
            submitted_at=job.submitted_at,
            waiting=waiting(grant, verdicts),
        )


class HeldOut(Shape):
    """One held output: the digest is what a verdict signs, all else is for reviewers only."""

    output: str
    file: str
    media_type: str
    digest: str
    preview: str
    findings: list[dict[str, Any]]
    view: Sheet | Pages
    """The preview laid out, bounded and plain to see, with the rules of the findings at their places."""
    last: Version | None
    """The last version that the caller may see, and how this one differs."""

    @classmethod
    def of(cls, hold: Hold, last: Version | None) -> Self:
        """Show `hold` beside what was made before."""
        return cls(
            output=hold.output,
            file=hold.file,
            media_type=hold.media_type,
            digest=hold.digest,
            preview=hold.preview,
            findings=json.loads(hold.findings_json),
            view=seen(hold),
            last=last,
        )


class VerdictOut(Shape):
    """What one seat has said."""

    seat: Seat
    party: str
    vote: Vote
    compliance: str
    safety: str
    consistency: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, verdict: SeatVerdict) -> Self:
        """Show `verdict`."""
        return cls(
            seat=verdict.seat,
            party=verdict.party,
            vote=verdict.vote,
            compliance=verdict.compliance,
            safety=verdict.safety,
            consistency=verdict.consistency,
            reason=verdict.reason,
            at=verdict.at,
        )


class CaseOut(Shape):
    """A held job as its reviewers see it."""

    job: str
    epoch: int
    scenario: str
    grant: str
    developer: str
    outputs: tuple[HeldOut, ...]
    related: Kin
    """The releases that tell of the same data or are of the same scenario."""
    verdicts: tuple[VerdictOut, ...]
    """What the seats have said: nothing to a caller who has not spoken yet."""
    waiting: tuple[Seat, ...]


class VerdictIn(Asked):
    """One seat's verdict on a held job: all of its held outputs, by digest."""

    epoch: Annotated[int, Field(ge=1, le=1000)]
    seat: Seat
    vote: Vote
    compliance: Words = ""
    safety: Words = ""
    consistency: Words = ""
    reason: Given
    signed: Annotated[tuple[Signed, ...], Field(min_length=1, max_length=64)]

    def verdict(self, job: str, *, by: Caller, at: datetime) -> SeatVerdict:
        """Say the same in the record's own words."""
        return SeatVerdict(
            job=JobId(job),
            epoch=self.epoch,
            seat=self.seat,
            person=by.person,
            party=by.party,
            vote=self.vote,
            compliance=self.compliance,
            safety=self.safety,
            consistency=self.consistency,
            reason=self.reason,
            signed=tuple(Digest(digest) for digest in self.signed),
            at=at,
        )


def waiting(grant: Grant, verdicts: Sequence[SeatVerdict]) -> tuple[Seat, ...]:
    """Return the seats of `grant` that have not spoken."""
    spoken = {verdict.seat for verdict in verdicts}
    return tuple(seat for seat in seats_of(grant) if seat not in spoken)
