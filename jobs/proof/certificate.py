"""Certificates: one file that shows, offline, that a release was allowed and is what was released."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jobs.errors import RecordBrokenError
from jobs.proof import dsse, statement
from jobs.proof.bodies import digest_of, dump, load
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Hashing, Head, leaf_hash, verify_inclusion
from jobs.proof.promises import PROMISES
from jobs.proof.ring import KeyRing, KnownKey
from jobs.proof.statement import CertificateFacts, LogProof, Statement
from jobs.proof.trusted import TrustedKeys
from jobs.release import ReleasedFile

__all__ = ["TrustedKeys", "Verified", "issue", "verify"]

MADE = "release.made"
"""The kind of the log's entry that names a certificate by its digest."""
MAX_PROOF_BYTES = 2**18
MAX_HASHES = 64
"""The most hashes of a proof: a tree that needs more has 2^64 leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A certificate that passed every step."""

    facts: CertificateFacts
    steps: tuple[str, ...]
    """The names of the steps, in the order in which they were taken."""
    files_seen: bool
    """Whether the released files themselves were at hand and compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What a verifier has in hand besides the keys."""

    certificate: bytes
    proof: bytes | None


def issue(facts: CertificateFacts, *, key: SigningKey, sm3: tuple[str, ...] = ()) -> bytes:
    """Return the certificate file; raise `RecordBrokenError` for one that would not verify."""
    if facts.keys.release != key.id:
        raise RecordBrokenError("the certificate names another release key than signs it")
    payload = statement.write(facts, sm3=sm3)
    read = statement.read(payload)
    _digests_of_suite(read, key.public.suite)
    for _, promise in PROMISES:
        promise(read.facts)
    return dsse.seal(payload, key)


def verify(
    certificate: bytes,
    *,
    keys: TrustedKeys,
    files: Mapping[str, bytes] | None = None,
    proof: bytes | None = None,
) -> Verified:
    """Hold a certificate against `keys` and, where given, the files by name; needs no network.

    `proof` is what the domain hands out for a certificate one of whose keys was revoked since: that
    the log had noted this very certificate before. Raise `RecordBrokenError` that begins with the
    number and the name of the step that failed.
    """
    done: list[str] = []
    with _step(done, "keys"):
        _some(keys)
    with _step(done, "envelope"):
        envelope = dsse.read(certificate)
    with _step(done, "signature"):
        release = dsse.signer(envelope, keys.release)
    with _step(done, "statement"):
        said = statement.read(envelope.payload)
        _digests_of_suite(said, release.public.suite)
    with _step(done, "files"):
        _same_files(said, files)
    with _step(done, "grant"):
        grant = _grant(said.facts, keys.grant)
    for name, promise in PROMISES:
        with _step(done, name):
            promise(said.facts)
    with _step(done, "log"):
        given = _Given(certificate=certificate, proof=proof)
        _logged(said.facts, keys.log, given=given, signed=(release, grant))
    return Verified(facts=said.facts, steps=tuple(done), files_seen=files is not None)


@contextmanager
def _step(done: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except RecordBrokenError as error:
        raise RecordBrokenError(f"step {len(done) + 1} ({name}): {error}") from None
    done.append(name)


def _some(keys: TrustedKeys) -> None:
    if not (keys.release.keys and keys.grant.keys and keys.log.keys):
        raise RecordBrokenError("there is nobody to trust: release, grant and log keys are needed")


def _digests_of_suite(said: Statement, suite: Suite) -> None:
    if bool(said.sm3) != (suite is Suite.SM2):
        raise RecordBrokenError(f"its subjects do not bear the digests of {suite}")


def _same_files(said: Statement, files: Mapping[str, bytes] | None) -> None:
    if files is None:
        return
    named = said.facts.files
    names = {file.file for file in named}
    if names != set(files) or len(names) != len(named):
        raise RecordBrokenError("the files at hand are not those that it names")
    for number, file in enumerate(named):
        sm3 = said.sm3[number] if said.sm3 else None
        if not _is_file(files[file.file], file, sm3):
            raise RecordBrokenError(f"{file.file} is not the file that was released")


def _is_file(content: bytes, file: ReleasedFile, sm3: str | None) -> bool:
    if len(content) != file.size or digest_of(content) != file.digest:
        return False
    return sm3 is None or Hashing.SM3.digest(content).hex() == sm3


def _grant(facts: CertificateFacts, keys: KeyRing) -> KnownKey:
    signed = facts.grant
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError:
        raise RecordBrokenError("the grant's signature is not base64") from None
    known = keys.signer(signed.key, signature, dump(signed.grant).encode())
    if known is None:
        raise RecordBrokenError("no trusted key has signed the grant")
    return known


def _logged(
    facts: CertificateFacts, keys: KeyRing, *, given: _Given, signed: tuple[KnownKey, KnownKey]
) -> None:
    checkpoint, log = keys.read(facts.log.checkpoint)
    entry = _entry(facts.log, checkpoint.head)
    wanted = statement.decision(facts.files, epoch=facts.epoch)
    noted = entry.get("facts")
    if entry.get("subject") != facts.job or not isinstance(noted, dict):
        raise RecordBrokenError("its entry in the log is about something else")
    if any(noted.get(name) != value for name, value in wanted.items()):
        raise RecordBrokenError("its entry in the log let out other files")
    release, grant = signed
    _in_time(release, log, facts.log)
    revoked = [each.revoked for each in (release, grant, log) if each.revoked is not None]
    if revoked or given.proof is not None:
        _noted_before(min(revoked, default=None), facts, keys, given)


def _in_time(release: KnownKey, log: KnownKey, proof: LogProof) -> None:
    """Demand that the keys signed before they were put away (a grant's key says nothing of the log)."""
    if release.until is not None and proof.seq >= release.until:
        raise RecordBrokenError(f"the release key was put away at entry {release.until}")
    if log.until is not None and proof.size > log.until:
        raise RecordBrokenError(f"the log's key was put away at entry {log.until}")


def _noted_before(
    revoked: int | None, facts: CertificateFacts, keys: KeyRing, given: _Given
) -> None:
    """Demand a proof by a key that is believed that this very certificate was noted in time."""
    if given.proof is None:
        raise RecordBrokenError(
            "a key that signed it was revoked: ask the domain for a fresh proof"
        )
    if len(given.proof) > MAX_PROOF_BYTES:
        raise RecordBrokenError(f"the fresh proof is larger than {MAX_PROOF_BYTES} bytes")
    proof = load(LogProof, given.proof)
    entry = _entry(proof, keys.open(proof.checkpoint).head)
    noted = entry.get("facts")
    if (entry.get("kind"), entry.get("subject")) != (MADE, facts.job) or not isinstance(
        noted, dict
    ):
        raise RecordBrokenError("the fresh proof is not about this release")
    if noted.get("certificate") != digest_of(given.certificate):
        raise RecordBrokenError("the fresh proof is about another certificate")
    if revoked is not None and proof.seq >= revoked:
        raise RecordBrokenError(f"it was noted only after a key was revoked at entry {revoked}")


def _entry(proof: LogProof, head: Head) -> dict[str, Any]:
    """Return the log's entry, which `proof` must show under `head`."""
    if head.size != proof.size:
        raise RecordBrokenError("no trusted key has signed a log of that size")
    if len(proof.hashes) > MAX_HASHES:
        raise RecordBrokenError(f"a proof has at most {MAX_HASHES} hashes")
    leaf = proof.leaf.encode()
    included = verify_inclusion(
        leaf_hash(leaf, head.hashing), seq=proof.seq, head=head, proof=proof.hashes
    )
    if not included:
        raise RecordBrokenError("its entry is not in the log that the checkpoint signed")
    return load(dict[str, Any], leaf)
