"""The envelope of a certificate: a payload and signatures over its type and bytes (DSSE v1.0)."""

from dataclasses import dataclass

from jobs.errors import RecordBrokenError
from jobs.proof.bodies import dump, load
from jobs.proof.keys import PublicKey, SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BYTES = 4 * 2**20
"""The largest certificate that is opened, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature; `keyid` only helps to find the key, and is not itself signed."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with its signatures; the names are those of the specification."""

    payload: bytes
    payloadType: str  # noqa: N815 - the specification's word
    signatures: tuple[Signature, ...]


def seal(payload: bytes, key: SigningKey) -> bytes:
    """Return the envelope's JSON with `key`'s signature over `payload`."""
    signature = Signature(keyid=key.id, sig=key.sign(_signed_bytes(PAYLOAD_TYPE, payload)))
    envelope = Envelope(payload=payload, payloadType=PAYLOAD_TYPE, signatures=(signature,))
    return dump(envelope).encode()


def read(text: bytes) -> Envelope:
    """Return the envelope that `text` holds; raise `RecordBrokenError` where it is none."""
    if len(text) > MAX_BYTES:
        raise RecordBrokenError(f"larger than {MAX_BYTES} bytes")
    envelope = load(Envelope, text)
    if envelope.payloadType != PAYLOAD_TYPE:
        raise RecordBrokenError("the payload is not an in-toto statement")
    return envelope


def open_sealed(envelope: Envelope, keys: tuple[PublicKey, ...]) -> bytes:
    """Return the payload; raise `RecordBrokenError` where none of `keys` has signed it."""
    signed = _signed_bytes(envelope.payloadType, envelope.payload)
    for signature in envelope.signatures:
        if any(key.verifies(signature.sig, signed) for key in keys if key.id == signature.keyid):
            return envelope.payload
    raise RecordBrokenError("no trusted key has signed it")


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding (DSSE protocol, section "Signature definition")."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
