"""The register of images: lines that are added and never changed, each signed by the institution over the one before it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.outside import Finding

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CONTEXT = b"shuyu image register v1\n"
"""What no other word that the same key signs begins with."""


class Source(StrEnum):
    """How an image came into the domain."""

    OWN = "own"
    """Made by images/build.sh, or otherwise in the engine already."""
    IMPORTED = "imported"
    BUILT = "built"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One image that jobs may run, and who answers for it."""

    name: str
    digest: ImageDigest
    source: Source = Source.OWN
    by: str = ""
    """Who entered it."""
    at: str = ""
    """When, ISO 8601 in UTC."""
    was: str = ""
    """The id under which it was brought, before it was put together anew."""
    bill: str = ""
    """The SHA-256 of its bill of materials; empty where none was made."""
    findings: tuple[Finding, ...] = ()
    """What of it counts as outside data."""
    accepted_by: str = ""
    reason: str = ""
    """Why that may be in it, in the words of the person who accepted it."""
    after: str = ""
    """The SHA-256 of the line before this one; empty for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry and its signature."""

    entry: Entry
    key: str = ""
    signature: str = ""
    """Base64."""

    @property
    def digest(self) -> str:
        """What the next line names it by."""
        return hashlib.sha256(_canonical(asdict(self))).hexdigest()


class Belief(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    DISOWNED = "disowned"
    """Made by a key of the institution that was revoked: the line stands, and its image does not run."""
    FORGED = "forged"


Trust = Callable[[str, bytes, bytes], Belief]
"""Judges a signature: the id of its key, the signature, and what it is over."""
Sign = Callable[[bytes], tuple[str, bytes]]
"""Signs, and says by which key."""

_LINES = TypeAdapter(tuple[Line, ...])


def signed_over(entry: Entry) -> bytes:
    """Return the bytes that a signature of the entry is over: canonical JSON after a line of context."""
    return _CONTEXT + _canonical(asdict(entry))


def signed(entry: Entry, sign: Sign) -> Line:
    """Return the entry's line."""
    key, signature = sign(signed_over(entry))
    return Line(entry=entry, key=key, signature=base64.b64encode(signature).decode())


def parsed(text: bytes) -> tuple[Line, ...]:
    """Return the lines of a register, the oldest first; raise `ImageError` where they do not read as such."""
    try:
        return _LINES.validate_json(text)
    except ValidationError as error:
        raise ImageError(
            "the register of images is of an older version, or was altered: move images/register.json away, "
            "and register the images again"
        ) from error


def dumped(lines: tuple[Line, ...]) -> bytes:
    """Return a register's text."""
    return _LINES.dump_json(lines, indent=1)


def believed(lines: tuple[Line, ...], trust: Trust | None) -> tuple[Entry, ...]:
    """Return the entries whose images may run, the newest first.

    Raise `ImageError` where a line was changed, taken away or put in. Without `trust` nobody's signature is asked for.
    """
    entries, before = [], ""
    for line in lines:
        belief = _belief(line, trust)
        if line.entry.after != before or belief is Belief.FORGED:
            raise ImageError(
                "the register of images was altered: bring images/register.json back from a backup, or move it away "
                "and register the images again"
            )
        if belief is Belief.GOOD:
            entries.append(line.entry)
        before = line.digest
    return tuple(reversed(entries))


def _belief(line: Line, trust: Trust | None) -> Belief:
    if trust is None:
        return Belief.GOOD
    try:
        signature = base64.b64decode(line.signature, validate=True)
    except ValueError:
        return Belief.FORGED
    return trust(line.key, signature, signed_over(line.entry))


def _canonical(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
