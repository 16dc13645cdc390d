"""Keys that sign: files that only their owner reads, ids and texts as in C2SP signed notes."""

import base64
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from jobs.errors import JobsError
from jobs.proof import sm2
from jobs.proof.merkle import Hashing
from jobs.proof.sm2 import Sm2Key

ED25519 = b"\x01"
"""The signature type of Ed25519 in a signed note (C2SP signed-note)."""
SM2 = b"\xff" + sm2.SIGNS.encode()
"""That of SM2, which has no byte of its own: 0xff and its object identifier (C2SP signed-note)."""
KEY_BYTES = 32


class KeyFileError(JobsError):
    """A key file cannot be used: missing, unreadable, another's, of another kind, open to others."""


class Suite(StrEnum):
    """What a domain signs and hashes with; it is chosen once."""

    ED25519 = "ed25519-sha256"
    SM2 = "sm2-sm3"
    """Commercial cryptography (商用密码): GB/T 32918 and GB/T 32905."""

    @property
    def hashing(self) -> Hashing:
        """What the log's tree is hashed with."""
        return Hashing.SM3 if self is Suite.SM2 else Hashing.SHA256


_TYPES: Mapping[Suite, bytes] = MappingProxyType({Suite.ED25519: ED25519, Suite.SM2: SM2})
_LENGTHS: Mapping[Suite, int] = MappingProxyType(
    {Suite.ED25519: KEY_BYTES, Suite.SM2: sm2.PUBLIC_BYTES}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A name and the bytes that verify what its owner signed."""

    name: str
    """Whose key it is, such as `shuyu.example/log`; no space and no plus sign."""
    raw: bytes
    """32 bytes of Ed25519, or the 64 of an SM2 point."""
    suite: Suite = Suite.ED25519

    def __post_init__(self) -> None:
        """Refuse a name or a length that no signed note can bear."""
        if not self.name or "+" in self.name or any(mark.isspace() for mark in self.name):
            raise KeyFileError("a key's name has no space and no plus sign")
        if len(self.raw) != _LENGTHS[self.suite]:
            raise KeyFileError(f"a public key of {self.suite} has {_LENGTHS[self.suite]} bytes")

    @property
    def id_bytes(self) -> bytes:
        """The first 4 bytes of the SHA-256 over name, type and key (C2SP signed-note)."""
        typed = _TYPES[self.suite] + self.raw
        return hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:4]

    @property
    def id(self) -> str:
        """The same as 8 hexadecimal digits."""
        return self.id_bytes.hex()

    @property
    def hashing(self) -> Hashing:
        """What the trees are hashed with whose heads this key signs."""
        return self.suite.hashing

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether `signature` is this key's over `message`."""
        if self.suite is Suite.SM2:
            return sm2.verifies(self.raw, signature, message)
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def text(self) -> str:
        """Return the key as note verifiers take it: name, id and base64, joined by plus signs."""
        typed = base64.b64encode(_TYPES[self.suite] + self.raw).decode()
        return f"{self.name}+{self.id}+{typed}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `text` wrote; raise `KeyFileError` where it is none."""
        name, _, rest = text.strip().partition("+")
        claimed, _, body = rest.partition("+")
        try:
            typed = base64.b64decode(body, validate=True)
        except ValueError:
            raise KeyFileError("not the text of a public key") from None
        suite = next((each for each, kind in _TYPES.items() if typed.startswith(kind)), None)
        if suite is None:
            raise KeyFileError("not the text of an Ed25519 or SM2 public key")
        key = cls(name=name, raw=typed[len(_TYPES[suite]) :], suite=suite)
        if key.id != claimed:
            raise KeyFileError("not the text of a public key: its id is another's")
        return key


class SigningKey:
    """A private key under its name; its bytes are never shown."""

    def __init__(self, name: str, private: Ed25519PrivateKey | Sm2Key) -> None:
        """Sign as `name` with `private`."""
        self._private = private
        if isinstance(private, Sm2Key):
            self.public = PublicKey(name=name, raw=private.public, suite=Suite.SM2)
        else:
            raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.public = PublicKey(name=name, raw=raw)

    @property
    def id(self) -> str:
        """The key's id, 8 hexadecimal digits."""
        return self.public.id

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`: 64 bytes of Ed25519, or SM2's in DER."""
        return self._private.sign(message)

    @classmethod
    def unsaved(cls, name: str, suite: Suite = Suite.ED25519) -> Self:
        """Return a new key that lies in no file: for one process, or for a test."""
        return cls(name, _fresh(suite))


def make(path: Path, *, name: str | None = None, suite: Suite = Suite.ED25519) -> SigningKey:
    """Make a new key in a new file (PKCS 8, 0600); raise `KeyFileError` where there is a file."""
    private = _fresh(suite)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileError(f"no key can be made at {path.name}: {error.strerror}") from None
    with os.fdopen(file, "wb") as out:
        out.write(_pem(private))
        out.flush()
        os.fsync(out.fileno())
    return SigningKey(name or path.stem, private)


def load(path: Path, *, name: str | None = None) -> SigningKey:
    """Return the key in `path`, called `name` or as the file is.

    Raise `KeyFileError` where the file is missing, holds no key of a suite, or may be read by others.
    """
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"the key {path.name} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise KeyFileError(f"the key {path.name} may be read by others: chmod 600 mends it")
    try:
        private = Sm2Key.parse(text) or load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"the file {path.name} holds no key") from None
    if not isinstance(private, Ed25519PrivateKey | Sm2Key):
        raise KeyFileError(f"the key {path.name} is neither an Ed25519 nor an SM2 key")
    return SigningKey(name or path.stem, private)


def _fresh(suite: Suite) -> Ed25519PrivateKey | Sm2Key:
    return Sm2Key.generate() if suite is Suite.SM2 else Ed25519PrivateKey.generate()


def _pem(private: Ed25519PrivateKey | Sm2Key) -> bytes:
    if isinstance(private, Sm2Key):
        return private.pem()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
