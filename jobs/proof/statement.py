"""What a certificate states: an in-toto statement about released files, in the record's own words."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import Field

from jobs.errors import RecordBrokenError
from jobs.grant import PartyId, PersonId, SignedGrant
from jobs.job import JobId
from jobs.proof.bodies import digest_of, dump, load
from jobs.release import ReleasedFile, ReleaseId, Seat, SeatVerdict, Vote
from sandbox.asset import AssetId, Digest, ImageDigest
from sandbox.order import LATER, OutputName, ReleaseClass

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:shuyu:release:v1"
_PREFIX = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What the job read of one asset."""

    asset: AssetId
    snapshot: Digest
    view: Digest
    evidence: Digest | None = field(default=None, metadata=LATER)
    """Of the sealed evidence of how anonymous the view was, whose figures stay in the domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the egress filter said of one released file."""

    output: OutputName
    verdict: str
    """`cleared`, or `held` where people decided."""
    rules: tuple[str, ...] = ()
    """The rules that it had findings under."""
    parameters: str = "{}"
    """The thresholds that it was held against, as a JSON object."""
    card: str | None = field(default=None, metadata=LATER)
    """Of a job's model: its card with what was measured, as a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyCost:
    """What the release cost, so that another accountant can recompute it."""

    events: str
    """The DP events, as JSON."""
    rho: int
    """Pico-rho charged to each scope."""
    scopes: tuple[str, ...]
    epsilon: str
    """An exact number, such as `1/2`."""
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatSigned:
    """One seat's yes, without its words: those stay in the domain, under their digest."""

    seat: Seat
    person: PersonId
    party: PartyId
    vote: Vote
    signed: tuple[Digest, ...]
    at: datetime
    words: Digest
    """Of the whole verdict's canonical JSON."""

    @classmethod
    def of(cls, verdict: SeatVerdict) -> "SeatSigned":
        """Return what may leave of `verdict`."""
        return cls(
            seat=verdict.seat,
            person=verdict.person,
            party=verdict.party,
            vote=verdict.vote,
            signed=verdict.signed,
            at=verdict.at,
            words=digest_of(dump(verdict).encode()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """That the decision to release stands in the log (RFC 6962 section 2.1.1)."""

    leaf: str
    """The log's entry, as the tree hashes it."""
    seq: int
    size: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    """A signed note over the log of `size` entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIds:
    """The ids of the keys that a verifier needs: first 4 bytes of SHA-256, as in signed notes."""

    release: str
    grant: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """All that a certificate says of one release."""

    release: ReleaseId
    job: JobId
    epoch: int
    developer: PartyId
    release_class: ReleaseClass
    files: tuple[ReleasedFile, ...]
    at: datetime
    grant: SignedGrant
    inputs: tuple[Input, ...]
    image: ImageDigest | None = None
    """Of a container job."""
    code: Digest | None = None
    """Of the developer's bundle, or of the query's text."""
    checks: tuple[Check, ...]
    privacy: PrivacyCost | None = None
    """For `dp` only."""
    seats: tuple[SeatSigned, ...] = ()
    """For held outputs only."""
    log: LogProof
    keys: KeyIds


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was read: the facts, and what only the subjects say."""

    facts: CertificateFacts
    sm3: tuple[str, ...] = ()
    """The SM3 of each file in hexadecimal digits, in their order; none under `ed25519-sha256`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    name: str
    digest: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    kind: Annotated[str, Field(alias="_type")]
    subject: tuple[_Subject, ...]
    predicateType: str  # noqa: N815 - in-toto's word
    predicate: CertificateFacts


def write(facts: CertificateFacts, *, sm3: tuple[str, ...] = ()) -> bytes:
    """Return the in-toto statement (v1) about the release's files."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": _subjects(facts, sm3),
        "predicateType": PREDICATE_TYPE,
        "predicate": facts,
    }
    return dump(statement).encode()


def read(payload: bytes) -> Statement:
    """Return what the statement says.

    Raise `RecordBrokenError` where it is no statement about a release, its subjects are not exactly
    the files that it speaks of, or it is not written as `write` writes it: one statement has one form,
    so that no two readers can read it differently. A new field needs a new predicate type.
    """
    found = load(_Statement, payload)
    if (found.kind, found.predicateType) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise RecordBrokenError("not an in-toto statement about a release")
    facts = found.predicate
    sm3 = tuple(each.digest["sm3"] for each in found.subject if "sm3" in each.digest)
    if not facts.files or found.subject != _subjects(facts, sm3):
        raise RecordBrokenError("its subjects are not the released files")
    if _written(facts, sm3) != payload:
        raise RecordBrokenError("the statement is not in its canonical form")
    return Statement(facts=facts, sm3=sm3)


def _written(facts: CertificateFacts, sm3: tuple[str, ...]) -> bytes:
    try:
        return write(facts, sm3=sm3)
    except ValueError:  # a number or a text that was read, and that JSON has no form for
        return b""


def decision(files: tuple[ReleasedFile, ...], *, epoch: int) -> dict[str, str | int]:
    """Return the facts that the log's entry about the decision to release must have.

    The entry's subject is the job. They tie the entry, and with it the inclusion proof, to these
    very files and this start of the job; the entry may have other facts beside them.
    """
    listed = [(file.name, file.file, file.digest, file.size) for file in files]
    return {"epoch": epoch, "files": digest_of(dump(listed).encode())}


def _subjects(facts: CertificateFacts, sm3: tuple[str, ...]) -> tuple[_Subject, ...]:
    """Name each file with its digests; SM3 is given for all of them, or for none."""
    seconds = [{"sm3": digest} for digest in sm3] or [{} for _ in facts.files]
    if len(seconds) != len(facts.files):
        raise RecordBrokenError("not every file has its SM3")
    return tuple(
        _Subject(name=file.file, digest={"sha256": file.digest.removeprefix(_PREFIX), **second})
        for file, second in zip(facts.files, seconds, strict=True)
    )
