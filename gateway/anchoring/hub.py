"""The national hub of public data (国家公共数据区块链枢纽): what a hub must do, and a file that does it.

A hub keeps signed checkpoints where the domain cannot alter them, and says where. Nothing but the
note leaves: the log's name, its size, its root and a signature; no entry of the log, no fact of it.
An adaptor to a real hub is a class with the two methods of `Hub`, put in the place of `FileHub` in
`targets.py`; retries, the record, the console and the export know it by `HubTarget` already.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.anchoring.offer import Offer, UnreachableError, UnsoundError
from jobs.errors import RecordBrokenError
from jobs.proof.bodies import digest_of, dump, load
from sandbox.asset import Digest

_FILE = "anchors.jsonl"
_MAX_LINE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a hub keeps a note."""

    digest: Digest
    """Of the note."""
    place: str
    """Such as a transaction's id, or a place in a file: whatever the hub finds it by."""
    at: datetime


class Hub(Protocol):
    """What the domain needs of a hub."""

    def submit(self, note: str) -> Receipt:
        """Keep `note` for good, and return once it is kept.

        A note that was submitted before may be kept again: who crashed before the receipt was
        written down will submit again. Raise `UnreachableError` where the hub does not answer
        within some `SECONDS`.
        """

    def check(self, note: str, receipt: Receipt) -> None:
        """Raise `UnsoundError` where the hub does not keep this very `note` at the receipt's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    receipt: Receipt
    note: str


class FileHub:
    """A hub that is one file: lines are added and synced, and none is ever written over."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        """Keep notes in `folder`, which must be there: such as a disk that another party holds."""
        self._path, self._clock = folder / _FILE, clock

    def submit(self, note: str) -> Receipt:
        """Add a line; its place is where it begins in the file, in bytes."""
        try:
            return self._added(note)
        except OSError as error:
            raise UnreachableError(f"the hub's folder does not answer ({error.strerror})") from None

    def check(self, note: str, receipt: Receipt) -> None:
        """Raise `UnsoundError` where the line at the receipt's place does not say the same."""
        try:
            with self._path.open("rb") as file:
                file.seek(int(receipt.place))
                kept = load(_Line, file.readline(_MAX_LINE))
        except (OSError, ValueError, RecordBrokenError):
            raise UnsoundError("the hub keeps nothing at the receipt's place") from None
        if (
            kept.receipt != receipt
            or kept.note != note
            or receipt.digest != digest_of(note.encode())
        ):
            raise UnsoundError("the hub keeps something else at the receipt's place")

    def _added(self, note: str) -> Receipt:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            # whoever crashed half-way has left a line without an end: it stays, and is none
            torn = b"" if end == 0 or _last_byte(file.fileno(), end) == b"\n" else b"\n"
            receipt = Receipt(
                digest=digest_of(note.encode()), place=str(end + len(torn)), at=self._clock()
            )
            file.write(torn + dump(_Line(receipt=receipt, note=note)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return receipt


class HubTarget:
    """A hub as a target: it vouches with its receipt."""

    def __init__(self, hub: Hub, *, name: str) -> None:
        """Submit to `hub`, which the record calls `hub:` and `name`."""
        self._hub, self.name = hub, f"hub:{name}"

    def vouch(self, offer: Offer) -> bytes:
        """Return the hub's receipt as JSON, after the hub has found the note by it."""
        note = offer.checkpoint.note
        receipt = self._hub.submit(note)
        self._hub.check(note, receipt)
        return dump(receipt).encode()

    def check(self, note: str, evidence: bytes) -> str:
        """Return when the hub took the note; raise `UnsoundError` where it does not keep it."""
        try:
            receipt = load(Receipt, evidence)
        except RecordBrokenError:
            raise UnsoundError("the hub's receipt does not read as one") from None
        self._hub.check(note, receipt)
        return receipt.at.isoformat()


def _last_byte(handle: int, end: int) -> bytes:
    return os.pread(handle, 1, end - 1)
