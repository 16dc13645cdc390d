"""Keeps what a run left, on disk and in one piece, until it is released or thrown away."""

import os
import shutil
from pathlib import Path

from sandbox.order import Artifact, OutputName

_WHOLE = ".whole"
"""Written last: a folder without it was cut short and counts for nothing."""


class Quarantine:
    """One folder for each attempt of each job; worker only, 0700."""

    def __init__(self, folder: Path) -> None:
        """Keep everything below `folder`."""
        self._folder = folder

    def keep(self, job: str, epoch: int, artifacts: tuple[Artifact, ...]) -> None:
        """Lay down the artifacts of one attempt, each synced to disk, then the mark of wholeness."""
        place = self._place(job, epoch)
        shutil.rmtree(place, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700)
        for artifact in artifacts:
            _write(place / f"{artifact.name}.{artifact.suffix}", artifact.content)
        _sync(place)
        _write(place / _WHOLE, b"")
        _sync(place)
        _sync(self._folder)

    def note(self, job: str, epoch: int, text: str) -> None:
        """Keep what a run said of itself; only security staff with access to this folder read it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._folder / f"{job}.{epoch}.note"
        place.unlink(missing_ok=True)
        _write(place, text.encode("utf-8", "replace"))

    def forget_notes(self, *, before: float) -> int:
        """Destroy the notes written before this time (seconds since 1970); return how many."""
        old = [path for path in self._folder.glob("*.note") if path.stat().st_mtime < before]
        for path in old:
            path.unlink()
        return len(old)

    def kept(self, job: str, epoch: int) -> tuple[Artifact, ...] | None:
        """Return the artifacts of one attempt, or nothing where they are not all there."""
        place = self._place(job, epoch)
        if not (place / _WHOLE).is_file():
            return None
        files = sorted(path for path in place.iterdir() if path.name != _WHOLE)
        return tuple(
            Artifact(OutputName(path.stem), path.suffix.removeprefix("."), path.read_bytes())
            for path in files
        )

    def discard(self, job: str, epoch: int) -> None:
        """Destroy what one attempt left."""
        shutil.rmtree(self._place(job, epoch), ignore_errors=True)

    def attempts(self) -> tuple[tuple[str, int], ...]:
        """Name every attempt of which something is kept."""
        if not self._folder.is_dir():
            return ()
        names = (path.name.rpartition(".") for path in self._folder.iterdir())
        return tuple((job, int(epoch)) for job, _, epoch in names if epoch.isdigit())

    def _place(self, job: str, epoch: int) -> Path:
        return self._folder / f"{job}.{epoch}"


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
