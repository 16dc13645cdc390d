"""Unwraps what is packed or encoded inside a file, layer by layer, within fixed bounds."""

import base64
import binascii
import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

MAX_DEPTH = 8
"""How many wrappings inside each other are opened; one more is a bomb."""
MAX_BYTES = 64 * 2**20
"""Bytes of all layers together; more is a bomb."""
MAX_LAYERS = 512
"""How many layers are opened in all; more is a bomb."""
MAX_STREAMS = 64
"""How many compressed streams one after the other are opened; more is a bomb."""

_BASE64_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{40,}={0,2}\r?\n)*[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{40,}\r?\n)*[0-9A-Fa-f]{24,}")
_BASE32_RUN = re.compile(rb"[A-Z2-7]{24,}={0,6}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = re.compile(rb"\s+")
_PRINTABLE = 0.9
"""The share of readable bytes from which decoded bytes count as a message."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The bytes found under some wrappings, outermost first; the file itself has none."""

    content: bytes
    wrappings: tuple[str, ...] = ()

    @property
    def archives(self) -> int:
        """How many of its wrappings are compressions or archives."""
        return sum(each in _OPENERS for each in self.wrappings)


@dataclass(slots=True)
class Unwrapped:
    """All layers of one file; `bomb` where opening had to stop at a bound."""

    layers: list[Layer] = field(default_factory=list)
    bomb: bool = False
    _bytes: int = 0

    def add(self, layer: Layer) -> bool:
        """Keep `layer`; answer whether there is room to go on."""
        self._bytes += len(layer.content)
        too_much = self._bytes > MAX_BYTES or len(self.layers) >= MAX_LAYERS
        self.bomb = self.bomb or too_much or len(layer.wrappings) > MAX_DEPTH
        if not self.bomb:
            self.layers.append(layer)
        return not self.bomb

    def room(self) -> int:
        """Return how many more bytes may be unpacked."""
        return MAX_BYTES - self._bytes


class _TooLargeError(Exception):
    """Unpacking would pass the bound."""


def unwrap(content: bytes) -> Unwrapped:
    """Return every layer of `content`, itself first; never unpacks more than `MAX_BYTES`."""
    found = Unwrapped()
    waiting = [Layer(content)]
    while waiting and found.add(layer := waiting.pop()):
        try:
            waiting.extend(_inside(layer, found.room()))
        except _TooLargeError:
            found.bomb = True
    return found


def _inside(layer: Layer, room: int) -> Iterator[Layer]:
    opened = list(_opened(layer.content, room))
    if opened:
        yield from (Layer(inner, (*layer.wrappings, how)) for how, inner in opened)
        return
    for how, inner in _decoded(layer.content):
        yield Layer(inner, (*layer.wrappings, how))


def _opened(content: bytes, room: int) -> Iterator[tuple[str, bytes]]:
    """Try every compression whose mark the content bears, and zip wherever its end lies."""
    for how, open_it in _OPENERS.items():
        try:
            for inner in open_it(content, room):
                yield how, inner
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
            continue  # not this wrapping after all
        except (NotImplementedError, RuntimeError):
            continue  # an encrypted or exotic member: the archive itself is refused by its type


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
            raise _TooLargeError
        content = stream.unused_data
        if not content:
            return unpacked
    raise _TooLargeError


def _zip(content: bytes, room: int) -> Iterator[bytes]:
    if b"PK\x05\x06" not in content[-66_000:]:
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MAX_LAYERS or sum(member.file_size for member in members) > room:
            raise _TooLargeError
        yield "\n".join(member.filename for member in members).encode()
        for member in members:
            with archive.open(member) as stream:
                yield stream.read(room)


_OPENERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gzip,
    "bz2": _bz2,
    "xz": _xz,
    "zlib": _zlib,
    "zip": _zip,
}


def _decoded(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Decode runs of base64, base32 and hex that give something readable or packed."""
    whole = _SPACE.sub(b"", content)
    for how, (pattern, decode, block) in _CODES.items():
        runs = pattern.findall(content)
        runs += [whole] if whole not in runs and pattern.fullmatch(whole) else []
        messages = [message for run in runs for message in _aligned(run, decode, block)]
        yield from ((how, message) for message in messages if _is_packed(message))
        plain = [message for message in messages if not _is_packed(message)]
        if plain:
            yield how, b"\n".join(plain)


def _aligned(run: bytes, decode: Callable[[bytes], bytes], block: int) -> Iterator[bytes]:
    """Yield the message in `run`, wherever in the first block of characters it begins."""
    found = (decode(run[start:]) for start in range(block))
    yield from islice(filter(_is_message, found), 1)


def _base64(run: bytes) -> bytes:
    run = _SPACE.sub(b"", run).translate(_URLSAFE).rstrip(b"=")
    run = run[: len(run) - (len(run) % 4 == 1)]
    return base64.b64decode(run + b"=" * (-len(run) % 4))


def _hex(run: bytes) -> bytes:
    run = _SPACE.sub(b"", run)
    return binascii.unhexlify(run[: len(run) // 2 * 2])


def _base32(run: bytes) -> bytes:
    run = run.rstrip(b"=")
    run = run[: len(run) // 8 * 8]
    return base64.b32decode(run)


_CODES: dict[str, tuple[re.Pattern[bytes], Callable[[bytes], bytes], int]] = {
    "hex": (_HEX_RUN, _hex, 2),
    "base32": (_BASE32_RUN, _base32, 8),
    "base64": (_BASE64_RUN, _base64, 4),
}
"""How each is found, decoded, and how many characters make a block."""


def _is_packed(message: bytes) -> bool:
    try:
        return any(True for _ in _opened(message, MAX_BYTES))
    except _TooLargeError:
        return True


def _is_message(message: bytes) -> bool:
    return bool(message) and (_is_readable(message) or _is_packed(message))


def _is_readable(message: bytes) -> bool:
    text = message.decode("utf-8", errors="ignore")
    good = sum(character.isprintable() or character in "\t\r\n" for character in text)
    lost = len(message) - len(text.encode("utf-8"))
    return good >= _PRINTABLE * (len(text) + lost) and len(text) > len(message) * 0.3
