"""Certificates: one file that shows, offline, that a release was allowed and is what was released."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jobs.errors import RecordBrokenError
from jobs.proof import dsse, statement
from jobs.proof.bodies import digest_of, dump, load
from jobs.proof.checkpoint import open_checkpoint
from jobs.proof.keys import PublicKey, SigningKey
from jobs.proof.merkle import Head, leaf_hash, verify_inclusion
from jobs.proof.promises import PROMISES
from jobs.proof.statement import CertificateFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """Whose signatures a verifier believes; a part without keys believes nobody."""

    release: tuple[PublicKey, ...]
    grant: tuple[PublicKey, ...]
    log: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A certificate that passed every step."""

    facts: CertificateFacts
    steps: tuple[str, ...]
    """The names of the steps, in the order in which they were taken."""
    files_seen: bool
    """Whether the released files themselves were at hand and compared."""


def issue(facts: CertificateFacts, *, key: SigningKey) -> bytes:
    """Return the certificate file; raise `RecordBrokenError` for one that would not verify."""
    if facts.keys.release != key.id:
        raise RecordBrokenError("the certificate names another release key than signs it")
    payload = statement.write(facts)
    for _, promise in PROMISES:
        promise(statement.read(payload))
    return dsse.seal(payload, key)


def verify(
    certificate: bytes, *, keys: TrustedKeys, files: Mapping[str, bytes] | None = None
) -> Verified:
    """Hold a certificate against `keys` and, where given, the files by name; needs no network.

    Raise `RecordBrokenError` that begins with the number and the name of the step that failed.
    """
    done: list[str] = []
    with _step(done, "keys"):
        _some(keys)
    with _step(done, "envelope"):
        envelope = dsse.read(certificate)
    with _step(done, "signature"):
        payload = dsse.open_sealed(envelope, keys.release)
    with _step(done, "statement"):
        facts = statement.read(payload)
    with _step(done, "files"):
        _same_files(facts, files)
    with _step(done, "grant"):
        _grant(facts, keys.grant)
    for name, promise in PROMISES:
        with _step(done, name):
            promise(facts)
    with _step(done, "log"):
        _logged(facts, keys.log)
    return Verified(facts=facts, steps=tuple(done), files_seen=files is not None)


@contextmanager
def _step(done: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except RecordBrokenError as error:
        raise RecordBrokenError(f"step {len(done) + 1} ({name}): {error}") from None
    done.append(name)


def _some(keys: TrustedKeys) -> None:
    if not (keys.release and keys.grant and keys.log):
        raise RecordBrokenError("there is nobody to trust: release, grant and log keys are needed")


def _same_files(facts: CertificateFacts, files: Mapping[str, bytes] | None) -> None:
    if files is None:
        return
    names = {file.file for file in facts.files}
    if names != set(files) or len(names) != len(facts.files):
        raise RecordBrokenError("the files at hand are not those that it names")
    for file in facts.files:
        content = files[file.file]
        if len(content) != file.size or digest_of(content) != file.digest:
            raise RecordBrokenError(f"{file.file} is not the file that was released")


def _grant(facts: CertificateFacts, keys: tuple[PublicKey, ...]) -> None:
    signed = facts.grant
    text = dump(signed.grant).encode()
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError:
        raise RecordBrokenError("the grant's signature is not base64") from None
    mine = (key for key in keys if key.id == signed.key)
    if not any(key.verifies(signature, text) for key in mine):
        raise RecordBrokenError("no trusted key has signed the grant")


def _logged(facts: CertificateFacts, keys: tuple[PublicKey, ...]) -> None:
    proof = facts.log
    head = _signed_head(proof.checkpoint, proof.size, keys)
    leaf = proof.leaf.encode()
    included = verify_inclusion(
        leaf_hash(leaf, head.hashing), seq=proof.seq, head=head, proof=proof.hashes
    )
    if not included:
        raise RecordBrokenError("its entry is not in the log that the checkpoint signed")
    entry = load(dict[str, Any], leaf)
    wanted = statement.decision(facts.files, epoch=facts.epoch)
    noted = entry.get("facts")
    if entry.get("subject") != facts.job or not isinstance(noted, dict):
        raise RecordBrokenError("its entry in the log is about something else")
    if wanted.items() - noted.items():
        raise RecordBrokenError("its entry in the log let out other files")


def _signed_head(note: str, size: int, keys: tuple[PublicKey, ...]) -> Head:
    for key in keys:
        try:
            head = open_checkpoint(note, key).head
        except RecordBrokenError:
            continue
        if head.size == size:
            return head
    raise RecordBrokenError("no trusted key has signed a log of that size")
