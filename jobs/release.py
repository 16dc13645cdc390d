"""What was let out, and what the seats said before."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from jobs.grant import GrantId, PartyId, PersonId
from jobs.job import JobId
from sandbox.asset import Digest
from sandbox.order import OutputName, ReleaseClass

ReleaseId = NewType("ReleaseId", str)
"""`R-` and 26 characters."""


class Seat(StrEnum):
    """Who must judge a held output, as actions of the duties table."""

    OPERATOR = "verdict_operator"
    """Compliance, safety, consistency (Shanghai art. 23)."""
    SECURITY = "verdict_security"
    """Egress; of another organisation than the operator."""
    SECOND_SECURITY = "second_security"
    """Important data only: another person than the first officer."""


class Vote(StrEnum):
    """What a seat says."""

    PASS = "pass"  # noqa: S105 - a vote, not a password
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatVerdict:
    """One seat's signed word on one held job: all of its held outputs, by digest."""

    job: JobId
    epoch: int
    seat: Seat
    person: PersonId
    party: PartyId
    vote: Vote
    compliance: str = ""
    """The operator's three findings, in words; each is required of the operator's seat."""
    safety: str = ""
    consistency: str = ""
    reason: str
    signed: tuple[Digest, ...]
    """The digests of the canonical bytes that the person saw and signs."""
    at: datetime
    salt: str = ""
    """Random: the log has the verdict's digest before others may know what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedFile:
    """One file of a release."""

    name: OutputName
    file: str
    """The name that a download bears, such as `O1.csv`."""
    media_type: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What left the domain for one job."""

    id: ReleaseId
    job: JobId
    grant: GrantId
    developer: PartyId
    release_class: ReleaseClass
    files: tuple[ReleasedFile, ...]
    certificate: Digest
    at: datetime
