"""Streams of a backup: bytes into an age file and out again, files into a tar and out again."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyrage  # type: ignore[import-untyped]
from pyrage import x25519
from typing_extensions import override

from jobs.backup.agekeys import read_recipient
from jobs.errors import JobsError, RecordBrokenError
from sandbox.asset import Digest

_BLOCK = 512
_CHUNK = 1 << 20
_ENDING = b"\0" * (2 * _BLOCK)
Member = tuple[str, Path | bytes]
"""A file of an archive: its name, and where it lies or what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An encrypted file as it lies there."""

    size: int
    digest: Digest


class LockedError(RecordBrokenError):
    """No key at hand opens this part of the backup: it was destroyed, or it is another's."""


class ChangedMeanwhileError(JobsError):
    """A file grew or shrank while it was copied."""


class _Source(io.RawIOBase):
    """Lets a reader pull what an iterator gives, and keeps what went wrong meanwhile."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest = iter(chunks), b""
        self.error: Exception | None = None

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, room: memoryview) -> int:  # type: ignore[override] # all that readers give
        try:
            while not self._rest:
                self._rest = next(self._chunks)
        except StopIteration:
            return 0
        except Exception as error:  # kept: the encryption would tell it as its own
            self.error = error
            raise
        taken = min(len(room), len(self._rest))
        room[:taken], self._rest = self._rest[:taken], self._rest[taken:]
        return taken


class _Sink(io.RawIOBase):
    """Writes to a file, and hashes what it writes."""

    def __init__(self, file: io.BufferedWriter) -> None:
        super().__init__()
        self._file, self._hash, self.size = file, hashlib.sha256(), 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, content: bytes) -> int:  # type: ignore[override] # all that writers give
        self._hash.update(content)
        self.size += len(content)
        return self._file.write(content)

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._hash.hexdigest()}")


def seal(path: Path, chunks: Iterable[bytes], *, recipient: str) -> Sealed:
    """Encrypt `chunks` into a new file (0600), synced to disk; what raises in them raises here."""
    source = _Source(chunks)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        sink = _Sink(file)
        try:
            pyrage.encrypt_io(source, sink, [read_recipient(recipient)])
        except (pyrage.EncryptError, OSError):
            if source.error is not None:
                raise source.error from None
            raise
        file.flush()
        os.fsync(file.fileno())
    return Sealed(size=sink.size, digest=sink.digest)


def unseal(path: Path, to: Path, *, identities: list[x25519.Identity]) -> None:
    """Decrypt a file into a new one (0600).

    Raise `LockedError` where no key opens it, `RecordBrokenError` where it was altered or cut.
    """
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with path.open("rb") as sealed, os.fdopen(handle, "wb") as plain:
        try:
            pyrage.decrypt_io(sealed, plain, identities)
        except pyrage.DecryptError:
            raise LockedError(f"no key at hand opens {path.name}") from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise RecordBrokenError(f"{path.name} was altered or cut short") from None


def digest_file(path: Path) -> Digest:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return Digest(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")


def tarred(members: Iterable[Member]) -> Iterator[bytes]:
    """Write files as a tar (POSIX.1-2001), each under its name; `FileNotFoundError` where one is gone."""
    for name, what in members:
        content: Iterable[bytes] = [what] if isinstance(what, bytes) else _read(what)
        size = len(what) if isinstance(what, bytes) else what.stat().st_size
        head = tarfile.TarInfo(name)
        head.size, head.mode = size, 0o600
        yield head.tobuf(tarfile.PAX_FORMAT)
        written = 0
        for chunk in content:
            written += len(chunk)
            yield chunk
        if written != size:
            raise ChangedMeanwhileError(f"{name} changed while it was copied")
        yield b"\0" * (-size % _BLOCK)
    yield _ENDING


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Read a tar's plain files one after the other; raise `RecordBrokenError` for any other thing in it."""
    try:
        with tarfile.open(path, "r:") as archive:
            for head in archive:
                file = archive.extractfile(head) if head.isreg() else None
                if file is None:
                    raise RecordBrokenError(f"{path.name} holds something that is no plain file")
                yield head.name, file
    except tarfile.TarError:
        raise RecordBrokenError(f"{path.name} is no whole archive") from None


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
