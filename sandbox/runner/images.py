"""The images that jobs may run: those of the register, under their ids, never by a tag."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.reason import Said
from sandbox.runner.contract import Missing
from sandbox.runner.engine import Engine, Inspection
from sandbox.runner.register import (
    DIGEST,
    NAME,
    Entry,
    Line,
    Trust,
    believed,
    dumped,
    parsed,
)

REGISTER = "register.json"
_PIECE = 1024**2
_MACHINE = ("linux", "amd64")
_ODD = ("Volumes", "Healthcheck", "OnBuild", "Entrypoint")


class Images:
    """The domain's images: a register that the keeper alone writes, and only lines that the institution signed."""

    def __init__(self, folder: Path, engine: Engine, trust: Trust | None = None) -> None:
        """Keep the register in `folder`, which is made with its first image.

        Without `trust`, lines need no signature: for a node without an institution, as in tests and benchmarks.
        """
        self._folder, self._engine, self._trust = folder, engine, trust
        self._lock = threading.Lock()
        self._known: tuple[bytes, tuple[Entry, ...]] = (b"", ())

    def listed(self) -> tuple[Entry, ...]:
        """Return the register, the newest first, with every signature judged anew; nothing of one that was altered."""
        try:
            return self._judged()
        except ImageError:
            return ()

    def wrong(self) -> Iterator[Missing]:
        """Say what is wrong with the register, if anything is."""
        try:
            self._judged()
        except ImageError as error:
            yield Missing(
                what=Said(zh="镜像登记册被改动，或为旧版格式，作业不能运行", en=str(error)),
                mend="shuyu image list",
            )

    def is_registered(self, digest: ImageDigest) -> bool:
        """Say whether jobs may run this image; none of a register that was altered."""
        try:
            self.demand(digest)
        except ImageError:
            return False
        return True

    def demand(self, digest: ImageDigest) -> None:
        """Raise `ImageError` where jobs may not run this image."""
        if not any(entry.digest == digest for entry in self._entries()):
            raise ImageError("the image is not registered in this domain")

    def named(self, name: str) -> ImageDigest | None:
        """Return the image that was last given this name, or nothing; raise `ImageError` for an altered register."""
        return next((entry.digest for entry in self._entries() if entry.name == name), None)

    def take_in(self, archive: Path, *, line: Line) -> ImageDigest:
        """Load an archive that `examine` wrote, and register it; raise `ImageError` where it is not the line's image."""
        self._hold(line)
        loaded = self._engine.load(chunks(archive))
        if loaded != (line.entry.digest,):
            raise ImageError("the archive does not hold the image that was signed for")
        return self._registered(line)

    def register(self, digest: ImageDigest, *, name: str, line: Line | None = None) -> ImageDigest:
        """Register an image that the engine has; its former holder of that name stays registered under its id."""
        with self._lock:
            after = self._head()
        line = line or Line(entry=Entry(name=name, digest=digest, after=after))
        if (line.entry.name, line.entry.digest) != (name, digest):
            raise ImageError("the line is another image's")
        self._hold(line)
        return self._registered(line)

    def save(self, digest: ImageDigest, archive: Path) -> None:
        """Write a registered image to a new file, as `docker save` does."""
        self.demand(digest)
        with archive.open("xb") as file:
            for piece in self._engine.save(digest):
                file.write(piece)

    def _hold(self, line: Line) -> None:
        """Raise `ImageError` where a line may not be added, whatever the engine has."""
        if not DIGEST.fullmatch(line.entry.digest):
            raise ImageError(
                "an image is named by its id, sha256: and 64 hexadecimal digits, never by a tag"
            )
        if not NAME.fullmatch(line.entry.name):
            raise ImageError("an image's name is up to 64 of a-z, 0-9, dot, hyphen and underscore")
        if line.entry.findings and not (line.entry.accepted_by and line.entry.reason):
            raise ImageError(
                "the image holds outside data that nobody accepted: shuyu image accept"
            )
        if self._trust is not None and not line.signature:
            raise ImageError("the institution did not sign for the image: shuyu image register")

    def _registered(self, line: Line) -> ImageDigest:
        digest = line.entry.digest
        seen = self._engine.image(digest)
        if seen is None or seen["Id"] != digest:
            raise ImageError("the engine has no image of that id: import it, or images/build.sh")
        _hold_plain(seen)
        with self._lock:
            if not self._stands(line.entry):
                self._write(line)
        return digest

    def _stands(self, entry: Entry) -> bool:
        """Say whether the register says as much already."""
        newest = next((one for one in self._judged() if one.name == entry.name), None)
        return newest is not None and (newest.digest, newest.bill) == (entry.digest, entry.bill)

    def _write(self, line: Line) -> None:
        lines = (*self._lines(), line)
        if line.entry.after != self._head():
            raise ImageError("the register changed in the meantime: try again")
        believed(lines, self._trust)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = self._folder / f"{REGISTER}.new"
        with file.open("wb") as opened:
            opened.write(dumped(lines))
            opened.flush()
            os.fsync(opened.fileno())
        file.replace(self._folder / REGISTER)

    def _head(self) -> str:
        lines = self._lines()
        return lines[-1].digest if lines else ""

    def _lines(self) -> tuple[Line, ...]:
        return parsed(text) if (text := self._text()) else ()

    def _text(self) -> bytes:
        file = self._folder / REGISTER
        return file.read_bytes() if file.exists() else b""

    def _entries(self) -> tuple[Entry, ...]:
        """Return what was judged last, if the register is still the same."""
        text, entries = self._known
        return entries if self._text() == text else self._judged()

    def _judged(self) -> tuple[Entry, ...]:
        text = self._text()
        entries = believed(parsed(text) if text else (), self._trust)
        self._known = (text, entries)
        return entries


def head_of(folder: Path) -> str:
    """Return what a new line of the register in a folder is to come after; raise `ImageError` where it does not read."""
    lines = lines_of(folder)
    return lines[-1].digest if lines else ""


def lines_of(folder: Path) -> tuple[Line, ...]:
    """Return the register in a folder, unjudged, the oldest line first; raise `ImageError` where it does not read."""
    file = folder / REGISTER
    return parsed(file.read_bytes()) if file.exists() else ()


def chunks(file: Path) -> Iterator[bytes]:
    """Read a file in pieces."""
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _hold_plain(seen: Inspection) -> None:
    """Raise `ImageError` where an image would bring something into a job that its order does not state."""
    odd = [name for name in _ODD if seen["Config"].get(name)]
    if (seen.get("Os"), seen.get("Architecture")) != _MACHINE:
        raise ImageError(f"the image is for another machine: {'/'.join(_MACHINE)} is wanted")
    if odd:
        raise ImageError(
            f"the image declares {', '.join(odd)}: import it as an archive, which strips them"
        )
