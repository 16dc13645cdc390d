"""The shelf: released bytes in a folder, each under its digest."""

import errno
import hashlib
import os
from pathlib import Path
from secrets import token_hex

from jobs.errors import JobsError, NotFoundError, RecordBrokenError
from sandbox.asset import Digest
from sandbox.errors import StorageFullError

_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64


class DigestError(JobsError):
    """That is not a digest: `sha256:` and 64 hexadecimal digits."""


class Shelf:
    """Bytes wait under `.staged` until the record says that they leave; then they lie open."""

    def __init__(self, folder: Path) -> None:
        """Keep the bytes in `folder`, which is made (0700) where there is none."""
        self._folder = folder
        self._staged = folder / ".staged"
        for place in (folder, self._staged):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stage(self, content: bytes) -> Digest:
        """Keep `content` out of sight, safe against a power cut, and return its digest.

        Raise `StorageFullError` where the disk is full; nothing half written is ever seen.
        """
        digits = hashlib.sha256(content).hexdigest()
        partial = self._staged / f"{digits}.{token_hex(8)}.partial"
        try:
            _write(partial, content)
            partial.replace(self._staged / digits)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFullError("the disk that the shelf lies on is full") from None
            raise
        _sync(self._staged)
        return Digest(_PREFIX + digits)

    def lay_out(self, digest: Digest) -> None:
        """Put staged bytes on the shelf, once the record says so; doing it again does nothing.

        Raise `NotFoundError` where they are neither staged nor on the shelf.
        """
        place = self._place(digest)
        try:
            (self._staged / place.name).replace(place)
        except FileNotFoundError:
            if not place.is_file():
                raise NotFoundError(f"no bytes {digest} are staged") from None
        _sync(self._folder)
        _sync(self._staged)

    def fetch(self, digest: Digest) -> bytes:
        """Return bytes that were laid out.

        Raise `NotFoundError` where there are none, `RecordBrokenError` where they were altered.
        """
        try:
            content = self._place(digest).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"no bytes {digest} on the shelf") from None
        if _PREFIX + hashlib.sha256(content).hexdigest() != digest:
            raise RecordBrokenError(f"the bytes on the shelf as {digest} have another digest")
        return content

    def held(self, digest: Digest) -> bytes:
        """Return bytes that are on the shelf or wait out of sight; raise as `fetch` does."""
        waiting = self._staged / self._place(digest).name
        try:
            content = waiting.read_bytes()
        except FileNotFoundError:
            return self.fetch(digest)
        if _PREFIX + hashlib.sha256(content).hexdigest() != digest:
            raise RecordBrokenError(f"the bytes staged as {digest} have another digest")
        return content

    def size(self, digest: Digest) -> int | None:
        """Return how many bytes lie here under this digest, laid out or not; nothing without any."""
        place = self._place(digest)
        there = [path for path in (place, self._staged / place.name) if path.is_file()]
        return there[0].stat().st_size if there else None

    def destroy(self, digest: Digest) -> None:
        """Remove bytes from the shelf for good, and what waits of them; doing it again does nothing."""
        place = self._place(digest)
        for path in (place, self._staged / place.name):
            path.unlink(missing_ok=True)
        _sync(self._folder)
        _sync(self._staged)

    def staged(self) -> list[Digest]:
        """Return what waits out of sight: after a crash, to be laid out or discarded."""
        names = sorted(path.name for path in self._staged.iterdir())
        return [Digest(_PREFIX + name) for name in names if _is_digits(name)]

    def forget_halves(self) -> int:
        """Remove what a crash left half staged, for the one process that stages; return how many."""
        halves = list(self._staged.glob("*.partial"))
        for half in halves:
            half.unlink(missing_ok=True)
        return len(halves)

    def discard(self, digest: Digest) -> None:
        """Remove staged bytes that never left; what was laid out stays."""
        (self._staged / self._place(digest).name).unlink(missing_ok=True)

    def _place(self, digest: Digest) -> Path:
        digits = digest.removeprefix(_PREFIX)
        if not digest.startswith(_PREFIX) or not _is_digits(digits):
            raise DigestError("not a digest: sha256: and 64 hexadecimal digits")
        return self._folder / digits


def _is_digits(name: str) -> bool:
    return len(name) == _DIGITS and _HEX.issuperset(name)


def _write(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
