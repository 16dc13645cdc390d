"""The envelope of a certificate: a payload and signatures over its type and bytes (DSSE v1.0)."""

import base64
from dataclasses import dataclass

from jobs.errors import RecordBrokenError
from jobs.proof.bodies import dump, load
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing, KnownKey

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    keyid: str
    sig: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wire:
    payload: str
    payloadType: str  # noqa: N815 - the specification's word
    signatures: tuple[_Line, ...]


def seal(payload: bytes, key: SigningKey) -> bytes:
    """Return the envelope's JSON with `key`'s signature over `payload`."""
    signature = Signature(keyid=key.id, sig=key.sign(_signed_bytes(PAYLOAD_TYPE, payload)))
    envelope = Envelope(payload=payload, payloadType=PAYLOAD_TYPE, signatures=(signature,))
    return dump(envelope).encode()


def read(text: bytes) -> Envelope:
    """Return the envelope that `text` holds; raise `RecordBrokenError` where it is none."""
    if len(text) > MAX_BYTES:
        raise RecordBrokenError(f"larger than {MAX_BYTES} bytes")
    wire = load(_Wire, text)
    if wire.payloadType != PAYLOAD_TYPE:
        raise RecordBrokenError("the payload is not an in-toto statement")
    lines = (Signature(keyid=each.keyid, sig=_decoded(each.sig)) for each in wire.signatures)
    return Envelope(
        payload=_decoded(wire.payload), payloadType=wire.payloadType, signatures=tuple(lines)
    )


def signer(envelope: Envelope, ring: KeyRing) -> KnownKey:
    """Return the key of `ring` that signed the payload; raise `RecordBrokenError` where none did.

    Whether it is believed, and about what, is for the caller to ask.
    """
    signed = _signed_bytes(envelope.payloadType, envelope.payload)
    for each in envelope.signatures:
        known = ring.signer(each.keyid, each.sig, signed)
        if known is not None:
            return known
    raise RecordBrokenError("no trusted key has signed it")


def _decoded(text: str) -> bytes:
    """Return what `text` is in base64, if it is so in the one way that writes it back as it was."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if base64.b64encode(content).decode() != text:
        raise RecordBrokenError("a part of the envelope is not base64")
    return content


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding (DSSE protocol, section "Signature definition")."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
