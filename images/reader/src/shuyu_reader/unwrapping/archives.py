"""Opens compressions, archives and containers by their marks, within a bound of bytes."""

import bz2
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

MAX_MEMBERS = 512
"""Members of an archive that are opened; more is a bomb."""
MAX_STREAMS = 64
"""How many compressed streams one after the other are opened; more is a bomb."""

_NOT_THIS = (
    OSError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    # an encrypted or exotic member: the archive itself is refused by its type
    NotImplementedError,
    RuntimeError,
)
_PNG_TEXT = re.compile(rb"(tEXt|zTXt|iTXt)")


class TooLargeError(Exception):
    """Unpacking would pass the bound."""


def opened(content: bytes, room: int) -> Iterator[tuple[str, bytes]]:
    """Yield what each opener finds, with its name; raise `TooLargeError` where all of it passes `room` bytes."""
    for how, open_it in OPENERS.items():
        try:
            for inner in open_it(content, room):
                room -= len(inner)  # parts may overlap, or be holes that take no place in the file
                if room < 0:
                    raise TooLargeError
                yield how, inner
        except _NOT_THIS:
            continue  # not this wrapping after all


def is_packed(content: bytes, room: int) -> bool:
    """Whether any opener finds something in `content`."""
    try:
        return any(True for _ in opened(content, room))
    except TooLargeError:
        return True


def _gzip(content: bytes, room: int) -> Iterator[bytes]:
    if content.startswith(b"\x1f\x8b"):
        yield _streamed(lambda: zlib.decompressobj(31), content, room)


def _zlib(content: bytes, room: int) -> Iterator[bytes]:
    if content[:1] == b"\x78" and int.from_bytes(content[:2], "big") % 31 == 0:
        yield _streamed(zlib.decompressobj, content, room)


def _bz2(content: bytes, room: int) -> Iterator[bytes]:
    if content.startswith(b"BZh"):
        yield _streamed(bz2.BZ2Decompressor, content, room)


def _xz(content: bytes, room: int) -> Iterator[bytes]:
    if content.startswith((b"\xfd7zXZ\x00", b"]\x00\x00")):
        yield _streamed(lzma.LZMADecompressor, content, room)


def _zstd(content: bytes, room: int) -> Iterator[bytes]:
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        yield _arrow_stream(content, "zstd", room)


def _lz4(content: bytes, room: int) -> Iterator[bytes]:
    if content.startswith(b"\x04\x22\x4d\x18"):
        yield _arrow_stream(content, "lz4", room)


def _arrow_stream(content: bytes, codec: str, room: int) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - it takes long to load, and hardly a file needs it

    unpacked = b""
    with pa.input_stream(pa.BufferReader(content), compression=codec) as stream:
        try:
            while len(unpacked) <= room and (part := stream.read(min(1 << 20, room + 1))):
                unpacked += part
        except OSError:
            if not unpacked:
                raise  # else it was cut off: what came out counts
    if len(unpacked) > room:
        raise TooLargeError
    return unpacked


class _Stream(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _streamed(begin: Callable[[], _Stream], content: bytes, room: int) -> bytes:
    """Unpack every stream in `content`, also one that was cut off; raise past `room` bytes."""
    unpacked = b""
    for _ in range(MAX_STREAMS):
        stream = begin()
        unpacked += stream.decompress(content, room + 1 - len(unpacked))
        if len(unpacked) > room:
            raise TooLargeError
        content = stream.unused_data
        if not content:
            return unpacked
    raise TooLargeError


def _zip(content: bytes, room: int) -> Iterator[bytes]:
    if b"PK\x05\x06" not in content[-66_000:]:
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > room:
            raise TooLargeError
        yield "\n".join(member.filename for member in members).encode()
        for member in members:
            with archive.open(member) as stream:
                yield stream.read(room)


def _tar(content: bytes, room: int) -> Iterator[bytes]:
    if content[257:262] != b"ustar":
        return
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        names = []
        for number, member in enumerate(archive):
            if number >= MAX_MEMBERS or member.size > room:
                raise TooLargeError
            names.append(member.name)
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield stream.read(room)
    yield "\n".join(names).encode("utf-8", errors="replace")


def _png(content: bytes, room: int) -> Iterator[bytes]:
    """Yield the text of a picture; its pixels are not read, for no picture leaves."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return
    for found in _PNG_TEXT.finditer(content):
        length = int.from_bytes(content[found.start() - 4 : found.start()], "big")
        body = content[found.end() : found.end() + min(length, room)]
        word, _, text = body.partition(b"\0")
        packed = text.lstrip(b"\0\x01")
        yield word + b"\n" + (_unpacked(packed, room) or text)


def _unpacked(content: bytes, room: int) -> bytes:
    try:
        return b"".join(_zlib(content, room))
    except zlib.error:
        return b""


OPENERS: Mapping[str, Callable[[bytes, int], Iterator[bytes]]] = MappingProxyType(
    {
        "gzip": _gzip,
        "bz2": _bz2,
        "xz": _xz,
        "zstd": _zstd,
        "lz4": _lz4,
        "zlib": _zlib,
        "zip": _zip,
        "tar": _tar,
        "png": _png,
    }
)
