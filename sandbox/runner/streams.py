"""The streams of a container that the engine hands over: what it prints, and words with one that waits."""

import socket
import threading
from contextlib import suppress
from itertools import takewhile
from typing import Any, cast

SAID_BYTES = 64 * 1024
"""How much of what a job prints is kept."""
_HEADER = 8
_PIECE = 64 * 1024
_SEND_SECONDS = 10


class Listener:
    """Keeps the first 64 KiB of what a job prints, and leaves the rest to the engine, which drops it."""

    def __init__(self, stream: Any, *, mark: bytes = b"") -> None:  # noqa: ANN401 - the library gives whatever its transport uses
        """Listen to an attached stream on a thread of its own, until it ends, enough was said, or `mark` was."""
        self._stream, self._kept, self._mark = stream, bytearray(), mark
        _socket(stream).settimeout(None)  # a job may be silent for longer than the engine may
        self._done = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def said(self, *, seconds: float = 2) -> str:
        """Return what was kept before the mark, once all was said, or this time has passed."""
        self._done.wait(seconds)
        kept = bytes(self._kept)
        if self._mark:
            kept = kept.partition(self._mark)[0]
        return kept.decode("utf-8", errors="replace")

    def forget(self) -> None:
        """Keep nothing of what was said so far."""
        self._kept.clear()

    def _listen(self) -> None:
        with suppress(OSError, ValueError):
            while len(self._kept) < SAID_BYTES and (size := self._frame()):
                if self._keep(size):
                    break
        self._done.set()
        close(self._stream)

    def _frame(self) -> int:
        header = self._exactly(_HEADER)
        return int.from_bytes(header[4:], "big") if len(header) == _HEADER else 0

    def _keep(self, size: int) -> bool:
        """Keep one frame, as far as there is room; answer whether the mark has come."""
        before = len(self._kept)
        self._kept += self._exactly(min(size, SAID_BYTES - before))
        return (
            bool(self._mark) and self._kept.find(self._mark, max(0, before - len(self._mark))) >= 0
        )

    def _exactly(self, size: int) -> bytes:
        read = bytearray()
        while len(read) < size and (more := self._stream.read(size - len(read))):
            read += more
        return bytes(read)


class Channel:
    """Words with a container that waits: lines to its standard input, lines from its standard output."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the library gives whatever its transport uses
        """Take over an attached stream."""
        self._stream, self._socket = stream, _socket(stream)
        self._socket.settimeout(_SEND_SECONDS)
        self._raw, self._text = bytearray(), bytearray()
        self.is_garbled = False

    def fileno(self) -> int:
        """Return the descriptor that is readable when there is something to hear."""
        return self._socket.fileno()

    def send(self, line: bytes) -> None:
        """Send one line; raise `OSError` where nobody takes it within 10 s."""
        self._socket.sendall(line + b"\n")

    def hear(self, cap: int) -> list[bytes] | None:
        """Return the whole lines that have arrived, without waiting for more; nothing at all where the stream has ended.

        Once a line is longer than `cap` bytes, `is_garbled` says so, and nothing that follows it is returned.
        """
        more = b""
        with suppress(OSError):
            more = self._socket.recv(_PIECE)
        if not more:
            return None
        self._raw += more
        while self._unpacked():
            pass
        *lines, self._text[:] = self._text.split(b"\n")
        fitting = list(takewhile(lambda line: len(line) <= cap, lines))
        self.is_garbled = (
            len(fitting) < len(lines) or len(self._text) + len(self._raw) > cap + _HEADER
        )
        return [bytes(line) for line in fitting]

    def _unpacked(self) -> bool:
        """Take one whole frame of the engine's out of what has arrived."""
        size = int.from_bytes(self._raw[4:_HEADER], "big")
        if len(self._raw) < _HEADER or len(self._raw) < _HEADER + size:
            return False
        self._text += self._raw[_HEADER : _HEADER + size]
        del self._raw[: _HEADER + size]
        return True

    def close(self) -> None:
        """Hang up: a container that still waits ends."""
        close(self._stream)


def close(stream: Any) -> None:  # noqa: ANN401 - the library gives whatever its transport uses
    """Close an attached stream."""
    connection = _socket(stream)
    with suppress(OSError, ValueError):
        stream._response.close()  # noqa: SLF001 - the library holds the response there, to keep it open
        stream.close()
    connection.close()


def _socket(stream: Any) -> socket.socket:  # noqa: ANN401 - the library gives whatever its transport uses
    return cast("socket.socket", getattr(stream, "_sock", stream))
