"""Frames on the keeper's socket: a capped head of JSON, and capped blobs beside it."""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.errors import EngineError

MAX_HEAD = 4 * 1024 * 1024
MAX_BLOBS = 4096
MAX_BYTES = 512 * 1024 * 1024
"""All blobs of one frame together."""
_START = struct.Struct(">II")
_LENGTH = struct.Struct(">Q")


class FrameError(EngineError):
    """The other side closed in the middle of a frame, or sent one beyond the caps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message: what it says, and the bytes that are too many for JSON."""

    head: bytes
    blobs: tuple[bytes, ...] = ()


def send(connection: socket.socket, frame: Frame) -> None:
    """Write one frame; raise `FrameError` before anything is sent where it is beyond the caps."""
    lengths = [len(blob) for blob in frame.blobs]
    _hold(len(frame.head), lengths)
    start = _START.pack(len(frame.head), len(lengths))
    connection.sendall(b"".join([start, *map(_LENGTH.pack, lengths), frame.head]))
    for blob in filter(None, frame.blobs):  # who reads nothing may have closed by now
        connection.sendall(blob)


def receive(connection: socket.socket) -> Frame | None:
    """Read one frame; nothing where the other side closed between two."""
    begun = connection.recv(_START.size)
    if not begun:
        return None
    head, count = _START.unpack(begun + _exactly(connection, _START.size - len(begun)))
    _hold(head, [0] * min(count, MAX_BLOBS + 1))
    raw = _exactly(connection, count * _LENGTH.size)
    lengths = [length for (length,) in _LENGTH.iter_unpack(raw)]
    _hold(head, lengths)
    said = _exactly(connection, head)
    return Frame(head=said, blobs=tuple(_exactly(connection, length) for length in lengths))


def _hold(head: int, lengths: Sequence[int]) -> None:
    if head > MAX_HEAD or len(lengths) > MAX_BLOBS or sum(lengths) > MAX_BYTES:
        raise FrameError("the frame is beyond the caps")


def _exactly(connection: socket.socket, size: int) -> bytes:
    read = bytearray(size)
    view, filled = memoryview(read), 0
    while filled < size:
        more = connection.recv_into(view[filled:])
        if not more:
            raise FrameError("the other side closed in the middle of a frame")
        filled += more
    return bytes(read)
