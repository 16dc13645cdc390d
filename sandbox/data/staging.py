"""A folder that appears whole under its name, or not at all, whatever is killed meanwhile."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import StorageFullError

_STAGING = ".staging-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_THERE = frozenset({errno.ENOTEMPTY, errno.EEXIST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two fresh private folders on the disk of the finished ones."""

    work: Path
    """For what is needed only meanwhile."""
    whole: Path
    """Becomes the finished folder."""

    def publish(self, final: Path) -> None:
        """Put `whole` on disk under its name; where another was faster, keep that one."""
        for path in [*sorted(self.whole.rglob("*"), reverse=True), self.whole]:
            _sync(path)
        try:
            self.whole.rename(final)
        except OSError as error:
            if error.errno not in _THERE:
                raise
        _sync(final.parent)


@contextmanager
def staged(parent: Path) -> Iterator[Stage]:
    """Give a stage beside the finished folders in `parent`, and clear it away afterwards.

    A process that is killed leaves its stage behind; the next one clears it, because the lock on
    it died with its owner. Raises `StorageFullError` where the disk is full.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent / f"{_STAGING}{secrets.token_hex(8)}"
    with _full_disk_told(), _locked(parent) as lock:
        _clear_the_dead(parent)
        stage = Stage(work=folder / "work", whole=folder / "whole")
        for path in (folder, stage.work, stage.whole):
            path.mkdir(mode=0o700)
        with _locked(folder):
            fcntl.flock(lock, fcntl.LOCK_UN)
            try:
                yield stage
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def clear(parent: Path) -> None:
    """Remove the stages in `parent` whose processes died; whoever makes a stage there does so too."""
    if parent.is_dir():
        with _locked(parent):
            _clear_the_dead(parent)


def discard(folder: Path) -> None:
    """Remove a finished folder, if it is there: its name is free at once."""
    if not folder.exists():
        return
    with staged(folder.parent) as stage, suppress(FileNotFoundError):
        folder.rename(stage.work / folder.name)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _clear_the_dead(parent: Path) -> None:
    for folder in parent.glob(f"{_STAGING}*"):
        if _is_dead(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFullError("The disk of the domain home is full; nothing was kept") from None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
