"""Opens what an image was brought in: an archive of `docker save`, an OCI layout as a folder or a tar file; packed or not."""

import hashlib
import io
import os
import posixpath
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from sandbox.errors import ImageError
from sandbox.runner.layers import MAX_UNPACKED_BYTES
from sandbox.runner.oci import Blobs
from sandbox.runner.tape import Part
from sandbox.runner.tar import Kind, Member, members, plain_name

MAX_ARCHIVE_BYTES = 16 * 1024**3
_MOST_MEMBERS = 10_000
_PIECE = 1024**2
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WBITS = 31
"""zlib's word for a gzip stream."""
_RATIO, _FREE_BYTES = 200, 64 * 1024**2
"""How many times larger than its packed form a file may be, beyond the first so many bytes; deflate's own most is 1032."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")


@contextmanager
def opened_archive(source: Path, *, scratch: Path) -> Iterator[Blobs]:
    """Open a file or a folder; `scratch` is where it is unpacked, if it is packed.

    Raise `ImageError` where it is not there, too large, or none of what can be read.
    """
    if source.is_dir():
        yield _Folder(source)
        return
    try:
        file = source.open("rb")
    except OSError as error:
        raise ImageError(f"the archive cannot be read: {error.strerror}") from error
    with file:
        if os.fstat(file.fileno()).st_size > MAX_ARCHIVE_BYTES:
            raise ImageError("the archive is too large")
        with unpacked(file, scratch=scratch) as plain:
            yield _Tar(plain)


@contextmanager
def unpacked(packed: IO[bytes], *, scratch: Path, diff_id: str = "") -> Iterator[IO[bytes]]:
    """Give a file as it is without gzip, seekable, and gone afterwards.

    Raise `ImageError` where it is damaged, a bomb, packed otherwise, or not what `diff_id` says.
    """
    magic = packed.read(4)
    packed.seek(0)
    if magic == _ZSTD:
        raise ImageError(
            "a part is packed with zstd, which this Python cannot unpack: save the image with gzip"
        )
    with tempfile.TemporaryFile(dir=scratch) as file:
        sha256 = hashlib.sha256()
        pieces = _inflated(packed) if magic.startswith(_GZIP) else _pieces(packed)
        for piece in pieces:
            sha256.update(piece)
            file.write(piece)
        if diff_id and f"sha256:{sha256.hexdigest()}" != diff_id:
            raise ImageError(
                "a layer is not what the image's description says: the archive was altered"
            )
        file.seek(0)
        yield file


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    total = 0
    while piece := file.read(_PIECE):
        total += len(piece)
        if total > MAX_UNPACKED_BYTES:
            raise ImageError("the image is too large when it is unpacked")
        yield piece


def _inflated(file: IO[bytes]) -> Iterator[bytes]:
    """Unpack gzip (RFC 1952), which may be several streams one after another."""
    inflate, read, made = zlib.decompressobj(_WBITS), 0, 0
    piece = b""
    try:
        while piece := piece or file.read(_PIECE):
            if inflate.eof:
                inflate = zlib.decompressobj(_WBITS)
            out = inflate.decompress(piece, _PIECE)
            left = inflate.unconsumed_tail or inflate.unused_data
            read, made, piece = read + len(piece) - len(left), made + len(out), left
            if made > min(MAX_UNPACKED_BYTES, _FREE_BYTES + _RATIO * read):
                raise ImageError("a part unpacks to far more than it should: it is a bomb")
            yield out
        yield inflate.flush()
    except zlib.error as error:
        raise ImageError("a part is damaged gzip: make the archive anew") from error
    if not inflate.eof:
        raise ImageError("a part is cut short: make the archive anew")


class _Folder:
    """An OCI layout in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, name: str) -> bool:
        return (self._path / name).is_file()

    def opened(self, name: str) -> IO[bytes]:
        """Open a plain file, by a plain name, and no link to another."""
        if not _PLAIN.fullmatch(name):
            raise ImageError("the image names a part by a name that leads out of it")
        try:
            file = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ImageError("the image lacks a part that it names: it is not whole") from error
        opened = os.fdopen(file, "rb")
        if not Path(f"/proc/self/fd/{file}").is_file():
            opened.close()
            raise ImageError("a part of the image is no plain file")
        return opened


class _Tar:
    """An archive of `docker save`, or an OCI layout in a tar file."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read the names; raise `ImageError` where it is no plain tar file."""
        self._file = file
        self._members: dict[str, Member] = {}
        for count, member in enumerate(members(file)):
            if member.name in self._members or count > _MOST_MEMBERS:
                raise ImageError("the archive says one name twice, or has too many members")
            if member.kind is Kind.HARD:
                raise ImageError("the archive has a hard link, which docker save does not write")
            self._members[member.name] = member

    def holds(self, name: str) -> bool:
        return name in self._members

    def opened(self, name: str) -> IO[bytes]:
        member = self._members.get(plain_name(name))
        if (
            member is not None and member.kind is Kind.LINK
        ):  # old engines link layers that are alike
            beside = posixpath.join(posixpath.dirname(member.name), member.target)
            member = self._members.get(plain_name(posixpath.normpath(beside)))
        if member is None or member.kind is not Kind.FILE:
            raise ImageError("the archive lacks a part that it names: it is not whole")
        raw = Part(self._file, offset=member.offset, size=member.size)
        return cast("IO[bytes]", io.BufferedReader(raw, _PIECE))
