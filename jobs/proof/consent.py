"""A consent: what a data subject allowed, as its channel signed it, and what was done under it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

from jobs.grant import PartyId, ScenarioId
from jobs.proof import bodies
from jobs.release import ReleaseId
from sandbox.asset import AssetId

ConsentId = NewType("ConsentId", str)
"""`C-` and 32 hexadecimal digits of the statement's SHA-256: one statement is one consent, and is never given twice."""

SALT_BYTES = 32
"""Of the random bytes that hide a subject in its statement."""


class ConsentState(StrEnum):
    """Whether a consent stands; one past its term, or used up, is live no more either."""

    LIVE = "live"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the subject confirmed, one purpose at a time; the channel signs its canonical JSON."""

    form: Literal["shuyu-consent-1"] = "shuyu-consent-1"
    channel: PartyId
    subject: str
    """`sealed_subject` of the unit's key: it names nobody to who lacks the salt, and keeps the signature checkable."""
    asset: AssetId
    columns: tuple[str, ...]
    scenario: ScenarioId
    """The purpose: no other scenario reads under it."""
    recipient: PartyId
    valid_from: datetime
    valid_to: datetime
    """Not including this moment."""
    times: int
    """How many releases may be made under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A statement as the domain took it in; the unit's key itself is nowhere in it."""

    id: ConsentId
    mark: str
    """How the domain knows the unit: see `sandbox.data.consent_marks`."""
    statement: Statement
    key: str
    """The id of the channel's key."""
    signature: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A receipt, and how it stands."""

    receipt: Receipt
    state: ConsentState
    left: int
    """How many releases may still be made under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """That something left under a consent."""

    consent: ConsentId
    release: ReleaseId
    at: datetime


def sealed_subject(unit: str, salt: bytes) -> str:
    """Return the SHA-256 of `SALT_BYTES` random bytes and the unit's key, in hexadecimal digits."""
    return hashlib.sha256(salt + unit.encode()).hexdigest()


def id_of(statement: Statement) -> ConsentId:
    """Return what a statement's consent is called."""
    return ConsentId("C-" + hashlib.sha256(bodies.dump(statement).encode()).hexdigest()[:32])
