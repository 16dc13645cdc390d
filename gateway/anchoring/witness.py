"""The witness: it cosigns what continues the log that it has seen, and never anything else.

An independent party runs it, with its own key and its own memory; it trusts the logs' keys alone.
"""

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.anchoring.request import AddCheckpoint, MalformedError
from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import Checkpoint
from jobs.proof.cosignature import cosign
from jobs.proof.keys import PublicKey, SigningKey
from jobs.proof.merkle import Head, verify_consistency
from jobs.proof.ring import KeyRing

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """The witness vouches; `line` is its cosignature."""

    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """The witness does not vouch, with the status that C2SP tlog-witness gives the reason."""

    status: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The witness last cosigned `size` entries, and not what the request goes by."""

    size: int


def rings(keys: tuple[PublicKey, ...]) -> dict[str, KeyRing]:
    """Return the keys of each log by its name, which is its origin."""
    names = {key.name for key in keys}
    return {name: KeyRing.of(*(key for key in keys if key.name == name)) for name in names}


class Witness:
    """One witness over its folder; threads and processes that share the folder take turns."""

    def __init__(
        self,
        folder: Path,
        *,
        key: SigningKey,
        logs: Mapping[str, KeyRing],
        clock: Callable[[], datetime],
    ) -> None:
        """Cosign with `key` for these logs, each known by its origin."""
        self._folder, self._key, self._logs, self._clock = folder, key, logs, clock

    def add(self, body: bytes) -> Cosigned | Turned | Elsewhere:
        """Answer one request; what is cosigned lies on the disk before it is.

        Raise `RecordBrokenError` where its own memory does not verify: then it cosigns nothing.
        """
        try:
            asked = AddCheckpoint.read(body)
        except MalformedError as error:
            return Turned(status=400, why=str(error))
        ring = self._logs.get(asked.origin)
        if ring is None:
            return Turned(status=404, why="no log of that origin is known here")
        try:
            offered = ring.open(asked.note)
        except RecordBrokenError:
            return Turned(status=403, why="no known key of the log has signed the checkpoint")
        with self._turn():
            return self._judge(asked, offered, ring)

    def _judge(
        self, asked: AddCheckpoint, offered: Checkpoint, ring: KeyRing
    ) -> Cosigned | Turned | Elsewhere:
        if asked.old > offered.head.size:
            return Turned(status=400, why="the old size is larger than the checkpoint's")
        last = self._last(offered.origin, ring, beside=offered.head)
        if asked.old != last.size:
            return Elsewhere(size=last.size)
        if last.size == offered.head.size and last.root != offered.head.root:
            _LOG.warning(
                "a fork: two logs of one size were signed, here is the second\n%s", asked.note
            )
            return Elsewhere(size=last.size)
        if not verify_consistency(last, offered.head, asked.proof):
            _LOG.warning("no proof that this continues what was cosigned\n%s", asked.note)
            return Turned(status=422, why="the proof does not show that the log was only added to")
        if last.size != offered.head.size or not self._path(offered.origin).exists():
            self._keep(offered)
        return Cosigned(line=cosign(asked.note, self._key, at=self._clock()))

    def _last(self, origin: str, ring: KeyRing, *, beside: Head) -> Head:
        path = self._path(origin)
        if path.exists():
            return ring.open(path.read_text("utf-8")).head
        empty = beside.hashing.digest(b"")
        return Head(size=0, root=empty, hashing=beside.hashing)

    def _keep(self, offered: Checkpoint) -> None:
        path = self._path(offered.origin)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8", newline="\n") as file:
            file.write(offered.note)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.note"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # Each turn opens the file anew: its lock parts threads as well as processes.
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
