"""A backup's manifest: what the backup holds, under a signature, and which key opens each part."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.errors import RecordBrokenError
from jobs.proof import dsse, intoto
from jobs.proof.intoto import Subject
from jobs.proof.keys import SigningKey
from jobs.proof.merkle import Hashing, Head
from jobs.proof.ring import KeyRing
from sandbox.asset import Digest

BACKUP_TYPE = "urn:shuyu:backup:v1"
FILE = "manifest.json"


class Holds(StrEnum):
    """What a part holds."""

    ROWS = "rows"
    """Rows of the record, a JSON line each."""
    FILES = "files"
    """Files, as a tar."""
    KEYS = "keys"
    """The secret keys, as a tar, for whoever was named when it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One encrypted file of a backup."""

    name: str
    scope: str
    """`record`, `asset:…` or `scenario:…`: whose key opens it."""
    holds: Holds
    recipient: str
    """The public half of that key."""
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """How many rows of one table there were, and a digest over them without what is data in them."""

    name: str
    rows: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    id: str
    domain: str
    at: datetime
    schema: str
    """The revision of the tables."""
    size: int
    """How many entries the log had."""
    root: bytes
    hashing: Hashing
    checkpoint: str
    """The newest signed checkpoint that the record held; empty where there was none."""
    with_data: bool
    """Whether the snapshots of the assets are in it."""
    tables: tuple[TableFacts, ...]
    parts: tuple[Part, ...]
    key: str
    """The id of the key that signs it."""

    @property
    def head(self) -> Head:
        """The log's tree as the backup has it."""
        return Head(size=self.size, root=self.root, hashing=self.hashing)


def sign(manifest: Manifest, key: SigningKey) -> bytes:
    """Return the manifest's file: a DSSE envelope over an in-toto statement about the parts."""
    subjects = _subjects(manifest.parts)
    return dsse.seal(intoto.write(BACKUP_TYPE, subjects, manifest), key)


def read(text: bytes, ring: KeyRing) -> Manifest:
    """Return what a manifest says; raise `RecordBrokenError` where no believed key of `ring` signed it."""
    envelope = dsse.read(text)
    known = dsse.signer(envelope, ring)
    subjects, manifest = intoto.read(envelope.payload, BACKUP_TYPE, Manifest)
    if subjects != _subjects(manifest.parts):
        raise RecordBrokenError("the manifest's subjects are not its parts")
    if manifest.key != known.public.id or not known.believed(manifest.size):
        raise RecordBrokenError(f"key {known.public.id} is not believed about this backup")
    return manifest


def _subjects(parts: Iterable[Part]) -> tuple[Subject, ...]:
    return tuple(Subject.of(part.name, part.digest) for part in parts)
