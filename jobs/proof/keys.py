"""Ed25519 keys: files that only their owner reads, ids and texts as in C2SP signed notes."""

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
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
from jobs.proof.merkle import Hashing

ED25519 = b"\x01"
"""The signature type of Ed25519 in a signed note (C2SP signed-note)."""
KEY_BYTES = 32


class KeyFileError(JobsError):
    """A key file cannot be used: missing, unreadable, of another kind, or open to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A name and the 32 bytes that verify what its owner signed."""

    name: str
    """Whose key it is, such as `shuyu.example/log`; no space and no plus sign."""
    raw: bytes

    def __post_init__(self) -> None:
        """Refuse a name or a length that no signed note can bear."""
        if not self.name or "+" in self.name or any(mark.isspace() for mark in self.name):
            raise KeyFileError("a key's name has no space and no plus sign")
        if len(self.raw) != KEY_BYTES:
            raise KeyFileError(f"an Ed25519 public key has {KEY_BYTES} bytes")

    @property
    def id_bytes(self) -> bytes:
        """The first 4 bytes of the SHA-256 over name, type and key (C2SP signed-note)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    @property
    def id(self) -> str:
        """The same as 8 hexadecimal digits."""
        return self.id_bytes.hex()

    @property
    def hashing(self) -> Hashing:
        """What the trees are hashed with whose heads this key signs."""
        return Hashing.SHA256

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether `signature` is this key's over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def text(self) -> str:
        """Return the key as note verifiers take it: name, id and base64, joined by plus signs."""
        return f"{self.name}+{self.id}+{base64.b64encode(ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `text` wrote; raise `KeyFileError` where it is none."""
        name, _, rest = text.strip().partition("+")
        claimed, _, body = rest.partition("+")
        try:
            raw = base64.b64decode(body, validate=True)
        except ValueError:
            raise KeyFileError("not the text of a public key") from None
        key = cls(name=name, raw=raw[1:])
        if raw[:1] != ED25519 or key.id != claimed:
            raise KeyFileError("not the text of an Ed25519 public key, or its id is another's")
        return key


class SigningKey:
    """A private key under its name; its bytes are never shown."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        """Sign as `name` with `private`."""
        self._private = private
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey(name=name, raw=raw)

    @property
    def id(self) -> str:
        """The key's id, 8 hexadecimal digits."""
        return self.public.id

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature over `message`."""
        return self._private.sign(message)

    @classmethod
    def unsaved(cls, name: str) -> Self:
        """Return a new key that lies in no file: for one process, or for a test."""
        return cls(name, Ed25519PrivateKey.generate())


def make(path: Path, *, name: str | None = None) -> SigningKey:
    """Make a new key in a new file (PKCS 8, 0600); raise `KeyFileError` where there is a file."""
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileError(f"no key can be made at {path.name}: {error.strerror}") from None
    with os.fdopen(file, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return SigningKey(name or path.stem, private)


def load(path: Path, *, name: str | None = None) -> SigningKey:
    """Return the key in `path`, called `name` or as the file is.

    Raise `KeyFileError` where the file is missing, is no Ed25519 key, or may be read by others.
    """
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"the key {path.name} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise KeyFileError(f"the key {path.name} may be read by others: chmod 600 mends it")
    try:
        private = load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        raise KeyFileError(f"the file {path.name} holds no key") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"the key {path.name} is not an Ed25519 key")
    return SigningKey(name or path.stem, private)
