"""Writes tar files plainly, and gives the content of a member as a file of its own."""

import hashlib
import io
import tarfile
from typing import IO, Any

from typing_extensions import override

from sandbox.errors import ImageError
from sandbox.runner.tar import BLOCK, Member

_PIECE = 1024**2


class Part(io.RawIOBase):
    """A part of a file as a file of its own: the content of a member, read where it lies."""

    def __init__(self, file: IO[bytes], *, offset: int, size: int) -> None:
        """Read `size` bytes of `file` from `offset` on; whoever else reads the file does not disturb this."""
        super().__init__()
        self._file, self._offset, self._size, self._at = file, offset, size, 0

    @override
    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    @override
    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    @override
    def readinto(self, buffer: Any) -> int:
        """Read on; raise `ImageError` where the file ends before the part does."""
        wanted = min(len(buffer), max(0, self._size - self._at))
        self._file.seek(self._offset + self._at)
        content = self._file.read(wanted)
        if len(content) != wanted:
            raise ImageError("a tar file is cut short: make the archive anew")
        buffer[:wanted] = content
        self._at += wanted
        return wanted


class Writer:
    """Writes a tar file member by member, and tells its digest and size."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to `file` from where it stands; nothing is read back."""
        self._file, self._sha256 = file, hashlib.sha256()
        self.size = 0
        """How many bytes were written."""

    @property
    def digest(self) -> str:
        """The SHA-256 of all that was written, in hexadecimal."""
        return self._sha256.hexdigest()

    def add(self, member: Member, content: IO[bytes] | None = None) -> None:
        """Write a member, with `member.size` bytes of `content`."""
        self.put(header(member))
        left = member.size
        while left and content is not None:
            piece = content.read(min(left, _PIECE))
            if not piece:
                raise ImageError("a tar file is cut short: make the archive anew")
            self.put(piece)
            left -= len(piece)
        self.put(bytes(-member.size % BLOCK))

    def end(self) -> None:
        """Write the end."""
        self.put(bytes(2 * BLOCK))

    def put(self, piece: bytes) -> None:
        """Write bytes of a member that is written whole elsewhere."""
        self._file.write(piece)
        self._sha256.update(piece)
        self.size += len(piece)


def header(member: Member) -> bytes:
    """Return what stands before a member's content."""
    info = tarfile.TarInfo(member.name or ".")
    info.type, info.linkname, info.size = member.kind.value, member.target, member.size
    info.mode, info.uid, info.gid, info.mtime = member.mode, member.uid, member.gid, member.mtime
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
