"""Asks a time stamp authority about a checkpoint (RFC 3161), and believes only the roots it was given."""

import hashlib
from datetime import datetime

from cryptography.x509 import Certificate, ObjectIdentifier
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gateway.anchoring.offer import SECONDS, Offer, UnreachableError, UnsoundError
from gateway.anchoring.post import post

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_OK = 200


class Stamper:
    """One time stamp authority."""

    def __init__(
        self, url: str, *, host: str, roots: tuple[Certificate, ...], seconds: float = SECONDS
    ) -> None:
        """Ask at `url`; `host` names the authority in the record."""
        self._url, self._roots, self._seconds = url, roots, seconds
        self.name = f"timestamp:{host}"

    def vouch(self, offer: Offer) -> bytes:
        """Return the authority's time stamp over the checkpoint's note: a whole response, in DER."""
        note = offer.checkpoint.note.encode()
        builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        answer = post(self._url, request.as_bytes(), media_type=_QUERY, seconds=self._seconds)
        if answer.status != _OK:
            raise UnreachableError(f"the authority has a mishap (status {answer.status})")
        if answer.media_type != _REPLY:
            raise UnsoundError("the answer is no time stamp")
        self._verified(note, answer.body, nonce=request.nonce)
        return answer.body

    def check(self, note: str, evidence: bytes) -> str:
        """Return the stamped time; raise `UnsoundError` where `evidence` is no stamp over `note`."""
        return self._verified(note.encode(), evidence, nonce=None).isoformat()

    def _verified(self, note: bytes, response: bytes, *, nonce: int | None) -> datetime:
        try:
            found = decode_timestamp_response(response)
            _granted(found)
            digest = _imprint(found, note)
            builder = VerifierBuilder(roots=list(self._roots), nonce=nonce)
            builder.build().verify(found, digest)
        except VerificationError:
            raise UnsoundError("the time stamp does not verify against timestamp_roots") from None
        except ValueError:
            raise UnsoundError("the answer is no time stamp") from None
        return found.tst_info.gen_time


def _granted(found: TimeStampResponse) -> None:
    if found.status != PKIStatus.GRANTED:
        raise UnsoundError(f"the authority grants no time stamp (status {found.status})")


def _imprint(found: TimeStampResponse, note: bytes) -> bytes:
    digest, imprint = hashlib.sha256(note).digest(), found.tst_info.message_imprint
    if imprint.hash_algorithm != _SHA256 or imprint.message != digest:
        raise UnsoundError("the time stamp is over something else than the checkpoint")
    return digest
