"""A checkpoint: the log's size and root under a signature, as a C2SP signed note.

An SM2 key's line has the signature in DER; its type is 0xff and `1.2.156.10197.1.501`, the object
identifier of SM2 over SM3, and the tree below it is hashed with SM3.
"""

import base64
from dataclasses import dataclass

from jobs.errors import RecordBrokenError
from jobs.proof.keys import PublicKey, SigningKey
from jobs.proof.merkle import HASH_BYTES, Head

_DASH = "\u2014 "
_MAX_CHARACTERS = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the log's key said of the log at one size (C2SP tlog-checkpoint)."""

    origin: str
    """The log's name, which is its key's."""
    head: Head
    note: str
    """The signed note: origin, size, root, an empty line, and the signature's line."""


def sign_checkpoint(head: Head, key: SigningKey) -> Checkpoint:
    """Return the checkpoint that `key` signs over `head`.

    Raise `RecordBrokenError` where the tree is hashed otherwise than the key's readers would take it.
    """
    if head.hashing is not key.public.hashing:
        raise RecordBrokenError(f"a log hashed with {head.hashing} is not signed by key {key.id}")
    origin = key.public.name
    text = f"{origin}\n{head.size}\n{base64.b64encode(head.root).decode()}\n"
    signature = base64.b64encode(key.public.id_bytes + key.sign(text.encode())).decode()
    return Checkpoint(origin=origin, head=head, note=f"{text}\n{_DASH}{origin} {signature}\n")


def open_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """Return the checkpoint in `note`.

    Raise `RecordBrokenError` where it is not one, or bears no good signature of `key`. Lines of
    other signers (witnesses) are passed over.
    """
    text, gap, signatures = note.rpartition("\n\n")
    text += "\n"
    if not gap or len(note) > _MAX_CHARACTERS or not note.endswith("\n"):
        raise RecordBrokenError("a checkpoint is not a signed note")
    if not any(_is_signed(text, line, key) for line in signatures.splitlines()):
        raise RecordBrokenError(f"a checkpoint bears no good signature of key {key.id}")
    return Checkpoint(origin=key.name, head=_head(text, key), note=note)


def _is_signed(text: str, line: str, key: PublicKey) -> bool:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or name != key.name:
        return False
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return signature[:4] == key.id_bytes and key.verifies(signature[4:], text.encode())


def _head(text: str, key: PublicKey) -> Head:
    lines = text.split("\n")
    try:
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError):
        raise RecordBrokenError("a checkpoint does not state a size and a root") from None
    if lines[0] != key.name or lines[1] != str(size) or size < 0 or len(root) != HASH_BYTES:
        raise RecordBrokenError("a checkpoint is of another log, or states no size and root")
    return Head(size=size, root=root, hashing=key.hashing)
