"""The body of `add-checkpoint` (C2SP tlog-witness): an old size, a proof, and a checkpoint."""

import base64
import re
from dataclasses import dataclass
from typing import Self

from jobs.errors import JobsError
from jobs.proof.cosignature import MAX_NOTE
from jobs.proof.merkle import HASH_BYTES

MAX_HASHES = 63
MAX_BODY = 4 * MAX_NOTE + 64 * (MAX_HASHES + 1)
"""The longest body, in bytes: a note's characters have up to 4, a line of the proof has 45."""
_OLD = re.compile(r"old (0|[1-9][0-9]{0,17})", re.ASCII)
_NO_TEXT = re.compile("[\x00-\x09\x0b-\x1f]")


class MalformedError(JobsError):
    """The bytes are not a request to cosign a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """What a log asks of a witness."""

    old: int
    """The size that the witness cosigned last; 0 for none."""
    proof: tuple[bytes, ...]
    note: str

    @property
    def origin(self) -> str:
        """The log that the checkpoint says it is of; not verified."""
        return self.note.partition("\n")[0]

    def written(self) -> bytes:
        """Return the body."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}".encode()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Return what `body` asks; raise `MalformedError` where it asks nothing."""
        head, gap, note = _text(body).partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        if not gap or old is None or len(lines) > MAX_HASHES:
            raise MalformedError("a body is an old size, up to 63 hashes, and a checkpoint")
        if "\n\n" not in note or not note.endswith("\n") or len(note) > MAX_NOTE:
            raise MalformedError("the checkpoint is not a signed note")
        return cls(old=int(old[1]), proof=tuple(map(_hash, lines)), note=note)


def _text(body: bytes) -> str:
    if len(body) > MAX_BODY:
        raise MalformedError(f"a body has at most {MAX_BODY} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedError("a body is UTF-8") from None
    if _NO_TEXT.search(text):
        raise MalformedError("a body has no control characters but line ends")
    return text


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except ValueError:
        found = b""
    if len(found) != HASH_BYTES or base64.b64encode(found).decode() != line:
        raise MalformedError("a line of the proof is no hash in base64")
    return found
