"""Certificates of destruction: what was destroyed, by whom, what stays and until when, checked offline."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from jobs.errors import RecordBrokenError
from jobs.grant import PartyId, PersonId
from jobs.proof import dsse, intoto
from jobs.proof.bodies import digest_of, dump, load
from jobs.proof.intoto import Subject
from jobs.proof.keys import SigningKey
from jobs.proof.merkle import leaf_hash, verify_inclusion
from jobs.proof.ring import KeyRing, KnownKey
from jobs.proof.statement import LogProof
from jobs.proof.trusted import TrustedKeys
from sandbox.asset import Digest
from sandbox.reason import Said

DESTRUCTION_TYPE = "urn:shuyu:destruction:v1"
DONE = "destruction.done"
"""The kind of the log's entry that a certificate proves."""
MAX_HASHES = 64


class TargetKind(StrEnum):
    """What is destroyed."""

    ASSET = "asset"
    SCENARIO = "scenario"


class CopyKind(StrEnum):
    """What one copy was."""

    SNAPSHOT = "snapshot"
    VIEW = "view"
    QUARANTINE = "quarantine"
    """What a run left or said."""
    SHELF = "shelf"
    """The domain's own copy of what was released."""
    RECORD = "record"
    """What reviewers saw, findings' words, or code, in the record's database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy of what was destroyed."""

    kind: CopyKind
    place: str
    """Below the domain home, or in the record."""
    digest: Digest
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedKey:
    """A backup key: with it, every older backup of its scope became unreadable."""

    scope: str
    recipient: str
    """Its public half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What was not destroyed, and until when it stays."""

    what: Said
    until: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person who answers for it."""

    person: PersonId
    party: PartyId


@dataclass(frozen=True, slots=True, kw_only=True)
class DestructionFacts:
    """All that a certificate says of one destruction."""

    id: str
    domain: str
    kind: TargetKind
    target: str
    """The asset's or the scenario's id."""
    reason: str
    by: Signer
    """Who had it destroyed."""
    certified_by: Signer
    """Another person, who certifies it."""
    begun: datetime
    at: datetime
    copies: tuple[Copy, ...]
    keys: tuple[DestroyedKey, ...]
    remains: tuple[Remaining, ...]
    log: LogProof
    release_key: str
    log_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDestruction:
    """A certificate that passed every step."""

    facts: DestructionFacts
    steps: tuple[str, ...]


def noted(
    kind: TargetKind, target: str, copies: tuple[Copy, ...], keys: tuple[DestroyedKey, ...]
) -> dict[str, str | int]:
    """Return the facts that the log's entry about a finished destruction must have."""
    return {
        "kind": kind,
        "target": target,
        "copies": len(copies),
        "bytes": sum(copy.size for copy in copies),
        "list": digest_of(dump(copies).encode()),
        "keys": digest_of(dump(keys).encode()),
    }


def issue(facts: DestructionFacts, *, key: SigningKey) -> bytes:
    """Return the certificate's file: a DSSE envelope over an in-toto statement about the copies."""
    if facts.release_key != key.id:
        raise RecordBrokenError("the certificate names another key than signs it")
    return dsse.seal(intoto.write(DESTRUCTION_TYPE, _subjects(facts.copies), facts), key)


def verify(certificate: bytes, *, keys: TrustedKeys) -> VerifiedDestruction:
    """Hold a certificate of destruction against `keys`; needs no network.

    Raise `RecordBrokenError` that begins with the number and the name of the step that failed.
    """
    done: list[str] = []
    with _step(done, "envelope"):
        envelope = dsse.read(certificate)
    with _step(done, "signature"):
        signer = dsse.signer(envelope, keys.release)
    with _step(done, "statement"):
        subjects, facts = intoto.read(envelope.payload, DESTRUCTION_TYPE, DestructionFacts)
        if subjects != _subjects(facts.copies) or facts.release_key != signer.public.id:
            raise RecordBrokenError("its subjects are not its copies, or another key signed it")
    with _step(done, "people"):
        if facts.by.person == facts.certified_by.person:
            raise RecordBrokenError("one person both destroyed and certified")
    with _step(done, "log"):
        _logged(facts, signer, keys.log)
    return VerifiedDestruction(facts=facts, steps=tuple(done))


@contextmanager
def _step(done: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except RecordBrokenError as error:
        raise RecordBrokenError(f"step {len(done) + 1} ({name}): {error}") from None
    done.append(name)


def _logged(facts: DestructionFacts, signer: KnownKey, log: KeyRing) -> None:
    proof, head = facts.log, log.open(facts.log.checkpoint).head
    if not signer.believed(proof.seq):
        raise RecordBrokenError("the key that signed it was put away, or revoked")
    leaf = leaf_hash(proof.leaf.encode(), head.hashing)
    proven = head.size == proof.size and len(proof.hashes) <= MAX_HASHES
    if not proven or not verify_inclusion(leaf, seq=proof.seq, head=head, proof=proof.hashes):
        raise RecordBrokenError("its entry is not in the log that the checkpoint signed")
    entry = load(dict[str, Any], proof.leaf)
    wanted = noted(facts.kind, facts.target, facts.copies, facts.keys)
    if (entry.get("kind"), entry.get("subject")) != (DONE, facts.id):
        raise RecordBrokenError("its entry in the log is about something else")
    if entry.get("facts") != wanted:
        raise RecordBrokenError("its entry in the log destroyed other copies")


def _subjects(copies: tuple[Copy, ...]) -> tuple[Subject, ...]:
    return tuple(Subject.of(copy.place, copy.digest) for copy in copies)
