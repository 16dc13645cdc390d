"""Keeps what a run left, on disk and in one piece, until it is released or thrown away."""

import os
import shutil
from pathlib import Path

from sandbox.order import Artifact, OutputName

_SWEPT = ".swept"
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

    def said(self, job: str, epoch: int) -> str:
        """Return what a run said of itself; empty where it said nothing, or what it said was destroyed."""
        place = self._folder / f"{job}.{epoch}.note"
        return place.read_text("utf-8", "replace") if place.is_file() else ""

    @property
    def folder(self) -> Path:
        """Return the folder that everything lies in."""
        return self._folder

    def swept(self) -> str:
        """Return the day that was last called swept, or an empty text."""
        mark = self._folder / _SWEPT
        return mark.read_text("ascii") if mark.is_file() else ""

    def call_swept(self, day: str) -> None:
        """Remember that everything past its time on `day` is destroyed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / _SWEPT).write_text(day, "ascii")

    def notes(self) -> list[Path]:
        """Return the notes of every run that has one."""
        return sorted(self._folder.glob("*.note"))

    def job_of(self, path: Path) -> str:
        """Return the job whose note or attempt `path` is: it is called `<job>.<epoch>` and its ending."""
        return path.name.removesuffix(".note").rpartition(".")[0]

    def of_job(self, job: str) -> list[Path]:
        """Return every note and every file that the job's attempts left."""
        mine = [path for path in self._folder.glob(f"{job}.*") if self.job_of(path) == job]
        return sorted(file for path in mine for file in (path, *path.rglob("*")) if file.is_file())

    def destroy(self, path: Path) -> None:
        """Remove one file of an attempt, or one note, and the attempt's folder with its last file."""
        path.unlink(missing_ok=True)
        if path.parent != self._folder and not any(path.parent.iterdir()):
            shutil.rmtree(path.parent, ignore_errors=True)

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

    def files(self, job: str, epoch: int) -> list[Path] | None:
        """Return the files of one attempt, its mark of wholeness last, or nothing as `kept` does."""
        place = self._place(job, epoch)
        if not (place / _WHOLE).is_file():
            return None
        return [*sorted(path for path in place.iterdir() if path.name != _WHOLE), place / _WHOLE]

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
