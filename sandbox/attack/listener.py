"""The canary listener: sockets of the host that no job may reach, and who knocked on them."""

import secrets
import selectors
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_LOOPBACK, _LOOPBACK6 = "127.0.0.1", "::1"
_NAME_BYTES = 128
_TICK_SECONDS = 0.1


class Listener:
    """Listens on loopback addresses and unix sockets, and keeps the names that whoever came said."""

    def __init__(self, folder: Path) -> None:
        """Mean a unix socket in `folder`, beside those of other kinds; nothing listens yet."""
        self._path, self._abstract = folder / "canary.sock", f"shuyu-canary-{secrets.token_hex(8)}"
        self._ends, self._stop = ExitStack(), threading.Event()
        self._selector = selectors.DefaultSelector()
        self._knocks: set[str] = set()
        self._lock = threading.Lock()
        self.facts: dict[str, Any] = {"abstract": self._abstract, "path": str(self._path)}
        """Where it listens, as attempts are told."""

    def __enter__(self) -> Self:
        """Begin to listen."""
        self.facts |= {
            "tcp4": self._bound(socket.AF_INET, socket.SOCK_STREAM, (_LOOPBACK, 0)),
            "udp4": self._bound(socket.AF_INET, socket.SOCK_DGRAM, (_LOOPBACK, 0)),
            "tcp6": self._bound(socket.AF_INET6, socket.SOCK_STREAM, (_LOOPBACK6, 0)),
            "udp6": self._bound(socket.AF_INET6, socket.SOCK_DGRAM, (_LOOPBACK6, 0)),
        }
        self._bound(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self._abstract}")
        self._bound(socket.AF_UNIX, socket.SOCK_STREAM, str(self._path))
        self._path.chmod(0o666)
        self._ends.callback(self._path.unlink, missing_ok=True)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._stop.set()
        self._ends.close()

    def heard(self) -> frozenset[str]:
        """Return the names that were said so far."""
        with self._lock:
            return frozenset(self._knocks)

    def forget(self) -> None:
        """Hear anew."""
        with self._lock:
            self._knocks.clear()

    def _bound(self, family: int, kind: int, place: Any) -> int:  # noqa: ANN401 - an address of any family
        """Listen there, and return the port; 0 where there is none, or where this host has no such family."""
        try:
            opened = socket.socket(family, kind | socket.SOCK_NONBLOCK)
            self._ends.enter_context(opened)
            opened.bind(place)
            if kind == socket.SOCK_STREAM:
                opened.listen()
        except OSError:
            return 0
        self._selector.register(opened, selectors.EVENT_READ)
        name = opened.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def _listen(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(_TICK_SECONDS):
                with suppress(OSError, ValueError):
                    self._hear(key.fileobj)

    def _hear(self, opened: Any) -> None:  # noqa: ANN401 - a socket, which the selector knows as any file
        if opened.type & socket.SOCK_DGRAM == socket.SOCK_DGRAM:
            said = opened.recv(_NAME_BYTES)
        else:
            said = self._said(opened.accept()[0])
        with self._lock:
            self._knocks.add(said.decode(errors="replace"))

    def _said(self, connection: socket.socket) -> bytes:
        with connection:
            connection.settimeout(1)
            return connection.recv(_NAME_BYTES)
