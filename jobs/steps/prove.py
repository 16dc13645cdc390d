"""Proves afresh that the log noted a certificate: for verifiers, once one of its keys was revoked."""

from jobs.errors import NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.proof.certificate import MADE
from jobs.proof.ring import KeyRing
from jobs.proof.statement import LogProof
from jobs.record import log, releases
from jobs.record.database import Reading
from jobs.record.log import Filter
from jobs.release import Release, ReleaseId


def prove(tx: Reading, release: ReleaseId, *, keys: KeyRing) -> LogProof:
    """Return the proof that the newest checkpoint has the entry which names the certificate.

    It needs no private key: whoever serves releases can give it.

    Raises:
        NotFoundError: there is no such release.
        OutOfOrderError: no key that is believed has signed the log since then; it will in seconds.

    """
    found = releases.get(tx, release)
    seq = _noted(tx, found)
    last = log.last_checkpoint(tx, keys)
    if last is None or last.head.size <= seq or not _believed(last.note, keys):
        raise OutOfOrderError("the log has not been signed since: ask again in a few seconds")
    return LogProof(
        leaf=log.leaf_bytes(tx, seq).decode(),
        seq=seq,
        size=last.head.size,
        hashes=log.inclusion(tx, seq, last.head.size),
        checkpoint=last.note,
    )


def _noted(tx: Reading, release: Release) -> int:
    for entry in log.entries(tx, only=Filter(kind=MADE, subject=release.job)):
        if entry.event.facts.get("certificate") == release.certificate:
            return entry.seq
    raise NotFoundError(f"the log has no entry about release {release.id}")


def _believed(note: str, keys: KeyRing) -> bool:
    try:
        keys.open(note)
    except RecordBrokenError:
        return False
    return True
