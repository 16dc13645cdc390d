"""The log in a folder: a checkpoint and all its tiles, as any web server can serve them, and their check."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from jobs.errors import ConflictError, JobsError, NotFoundError, RecordBrokenError
from jobs.proof.bodies import load, unstamp
from jobs.proof.merkle import HASH_BYTES, Head, Peaks
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.audit import Growing, LogReport, Progress, silent
from jobs.record.database import Reading, Record
from jobs.record.event import MAX_BYTES
from jobs.record.tiles import (
    HEIGHT,
    PREFIX_BYTES,
    WIDTH,
    Bundle,
    Tile,
    content,
    entries_in,
    runs,
    tiles_of,
)
from sandbox.errors import StorageFullError

CHECKPOINT = "checkpoint"
NOTE_BYTES = 1 << 15
"""The longest checkpoint that is read from a file."""
_TILE_BYTES = WIDTH * HASH_BYTES
_BUNDLE_BYTES = WIDTH * (PREFIX_BYTES + MAX_BYTES)


class ExportError(JobsError):
    """The export cannot be written where it was asked for."""


def export_log(
    record: Record, folder: Path, keys: KeyRing, *, progress: Progress = silent
) -> LogReport:
    """Write the log under its newest checkpoint into the new `folder`, and verify what was written.

    The folder is there whole or not at all; only its owner may read it until he opens it. What was
    noted after the checkpoint is left out. `progress` is called as by `verify_export`.

    Raises:
        ConflictError: there is something at `folder` already.
        NotFoundError: no checkpoint has been signed yet.
        RecordBrokenError: the record is not what the checkpoint signed; nothing is exported.
        ExportError: the folder cannot be made. StorageFullError: its disk is full.

    """
    with _made_whole(folder) as partial, record.reading() as tx:
        signed = log.last_checkpoint(tx, keys)
        if signed is None:
            raise NotFoundError("the log has no checkpoint yet: there is nothing to export")
        (partial / CHECKPOINT).write_text(signed.note, encoding="utf-8")
        _write_tiles(tx, partial, signed.head.size)
        return verify_export(partial, keys, progress=progress)


def verify_export(folder: Path, keys: KeyRing, *, progress: Progress = silent) -> LogReport:
    """Recompute every tile of an export from its entries, and hold its root against its checkpoint.

    It needs no database. `progress` is called with entries done and in all. Raise
    `RecordBrokenError` where a file is missing, altered or one too many, or no key of `keys` that
    is believed signed the checkpoint.
    """
    head = keys.open(read_note(folder / CHECKPOINT)).head
    tree, last, files = _Tiles(folder, Growing(Peaks(hashing=head.hashing))), b"", 1
    for index, width in runs(head.size):
        bundle = Bundle(index=index, width=width)
        files += 1
        for last in entries_in(_read(folder / bundle.path, _BUNDLE_BYTES), width):
            tree.add(last)
        progress(tree.tree.size, head.size)
    files += tree.finish()
    if tree.tree.head != head:
        raise RecordBrokenError("the export's entries do not give the root of its checkpoint")
    if sum(path.is_symlink() or not path.is_dir() for path in folder.rglob("*")) != files:
        raise RecordBrokenError("the export holds files that are no part of it")
    return _report(head, last)


def read_note(path: Path) -> str:
    """Return the text of the checkpoint in `path`; raise `RecordBrokenError` where it cannot be one."""
    try:
        return _read(path, NOTE_BYTES).decode()
    except UnicodeDecodeError:
        raise RecordBrokenError(f"{path.name} is not the text of a checkpoint") from None


class _Tiles:
    """The tiles of a folder, each held against the entries as soon as these complete it."""

    def __init__(self, folder: Path, tree: Growing) -> None:
        self._folder, self.tree = folder, tree
        self._hashes: list[bytearray] = []
        self._seen = 0

    def add(self, leaf: bytes) -> None:
        """Append a leaf, and compare the tiles that are complete with it."""
        completed = self.tree.add(leaf)
        for level in range((len(completed) // HASH_BYTES - 1) // HEIGHT + 1):
            if level == len(self._hashes):
                self._hashes.append(bytearray())
            start = level * HEIGHT * HASH_BYTES
            self._hashes[level] += completed[start : start + HASH_BYTES]
            if len(self._hashes[level]) == _TILE_BYTES:
                self._compare(level, (self.tree.size >> HEIGHT * (level + 1)) - 1)

    def finish(self) -> int:
        """Compare the partial tiles, and return how many tiles there are in all."""
        for level, hashes in enumerate(self._hashes):
            if hashes:
                self._compare(level, self.tree.size >> HEIGHT * (level + 1))
        return self._seen

    def _compare(self, level: int, index: int) -> None:
        hashes = self._hashes[level]
        tile = Tile(level=level, index=index, width=len(hashes) // HASH_BYTES)
        if _read(self._folder / tile.path, _TILE_BYTES) != hashes:
            raise RecordBrokenError(f"{tile.path}: not the hashes of the export's entries")
        hashes.clear()
        self._seen += 1


def _write_tiles(tx: Reading, folder: Path, size: int) -> None:
    for each in tiles_of(size):
        path = folder / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(tx, each))


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` that takes its place where nothing goes wrong."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConflictError(f"{folder.name} is not empty: an export is made in a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield partial
            os.sync()  # thousands of small files: one call is quicker than one for each
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError("the disk that the export would lie on is full") from None
        raise ExportError(f"{folder.name} cannot be written: {error.strerror}") from None


def _read(path: Path, most: int) -> bytes:
    """Return what a file holds, of which nobody knows yet whether it is what it should be."""
    try:
        if not path.is_file():
            raise RecordBrokenError(f"{path.name} is missing")
        with path.open("rb") as file:
            found = file.read(most + 1)
    except OSError as error:
        raise RecordBrokenError(f"{path.name} cannot be read: {error.strerror}") from None
    if len(found) > most:
        raise RecordBrokenError(f"{path.name} is longer than it may be")
    return found


def _report(head: Head, last: bytes) -> LogReport:
    return LogReport(
        head=head, checkpoints=1, signed=head.size, signed_at=_time(last) if last else None
    )


def _time(leaf: bytes) -> datetime:
    entry = load(dict[str, object], leaf)
    try:
        return unstamp(str(entry["at"]))
    except (KeyError, ValueError):
        raise RecordBrokenError("the export's last entry tells no time") from None
