"""SM2 signatures over SM3 (GB/T 32918, GB/T 32905): the one place that meets their library.

Key files are PKCS 8 as OpenSSL writes them. Every number in one has a fixed length, so that the file
is a fixed frame around the private and the public key; `cryptography` reads no such curve.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Self

from jobs.errors import JobsError

PUBLIC_BYTES = 64
"""Both coordinates of the point, 32 bytes each."""
PRIVATE_BYTES = 32
SIGNS = "1.2.156.10197.1.501"
"""The object identifier of SM2 signatures over SM3 (GM/T 0006)."""
_MOST_SIGNATURE_BYTES = 72
# SEQUENCE { version, { id-ecPublicKey, sm2 }, OCTET STRING { SEQUENCE { 1, private, [1] public } } }
_FRAME = (
    bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"),
    bytes.fromhex("a14403420004"),
)
_PEM = re.compile(
    rb"\s*-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=\n]{1,400})-----END PRIVATE KEY-----\s*"
)


class SuiteMissingError(JobsError):
    """An SM2 key was met where the library for it is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Key:
    """A private key with its public one; its bytes are never shown."""

    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        public, private = _library().sm2_key_generate()
        return cls(private=private, public=public)

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message` under the default signer's id, in DER."""
        return bytes(_library().sm2_sign(self.private, self.public, message))

    def pem(self) -> bytes:
        """Return the key as PKCS 8."""
        before, between = _FRAME
        der = base64.b64encode(before + self.private + between + self.public).decode()
        lines = (der[at : at + 64] for at in range(0, len(der), 64))
        return "\n".join(
            ["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]
        ).encode()

    @classmethod
    def parse(cls, pem: bytes) -> Self | None:
        """Return the key that `pem` wrote, or nothing where it is no SM2 key.

        Raise `ValueError` where its halves do not belong together.
        """
        parts = _parts(pem)
        if parts is None:
            return None
        key = cls(private=parts[0], public=parts[1])
        if not verifies(key.public, _signature(key), b""):
            raise ValueError("the halves of an SM2 key do not belong together")
        return key


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` is that of the key `public` over `message`."""
    library = _library()
    if not 0 < len(signature) <= _MOST_SIGNATURE_BYTES:
        return False
    try:
        return bool(library.sm2_verify(public, message, signature))
    except library.GmsslInnerError:
        return False


def _signature(key: Sm2Key) -> bytes:
    try:
        return key.sign(b"")
    except _library().GmsslInnerError:
        return b""


def _parts(pem: bytes) -> tuple[bytes, bytes] | None:
    found = _PEM.fullmatch(pem)
    try:
        der = base64.b64decode(found[1]) if found else b""
    except binascii.Error:
        return None
    before, between = _FRAME
    middle = len(before) + PRIVATE_BYTES
    public = middle + len(between)
    whole = der.startswith(before) and der[middle:public] == between
    if not whole or len(der) != public + PUBLIC_BYTES:
        return None
    return der[len(before) : middle], der[public:]


def _library() -> Any:  # noqa: ANN401 - the library bears no types of its own
    try:
        return import_module("gmssl_pyx")
    except ImportError:
        raise SuiteMissingError(
            "an SM2 key needs the extra `sm`: pip install 'shuyu[sm]' (gmssl-pyx)"
        ) from None
