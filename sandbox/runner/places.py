"""The folders and mounts of one job on the host: its code, its locked views, its bounded output."""

import ctypes
import errno
import math
import mmap
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import EngineError, StorageFullError
from sandbox.runner.container import Bind

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_DETACH, _NOFOLLOW = 2, 8
_SPARE_INODES = 16
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Luggage:
    """What one job is given: files for /job, and folders for /data."""

    files: Sequence[tuple[str, bytes]]
    """Names are relative, checked before."""
    views: Sequence[tuple[str, Path]]
    uid: int
    output_bytes: int
    output_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one job's things lie on the host while it runs."""

    out: Path
    binds: tuple[Bind, ...]


@contextmanager
def place(root: Path, luggage: Luggage) -> Iterator[Place]:
    """Lay out what the job is given under `root`, and leave nothing of it behind.

    Raise `StorageFullError` where the disk is full, and `EngineError` where the kernel refuses a mount.
    """
    root.mkdir(mode=0o700)
    try:
        yield _lay_out(root, luggage)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFullError("the disk that the domain home lies on is full") from error
        raise EngineError(
            f"the room cannot be laid out: {os.strerror(error.errno or 0)}"
        ) from error
    finally:
        clear(root)


def clear(root: Path) -> None:
    """Unmount and remove a job's folder; one that is gone is left as it is."""
    for mounted in (root / "out", *_inside(root / "data")):
        _LIBC.umount2(os.fsencode(mounted), _DETACH | _NOFOLLOW)  # not mounted is as good
    if not any(os.path.ismount(folder) for folder in (root / "out", *_inside(root / "data"))):
        shutil.rmtree(root, ignore_errors=True)


def _inside(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()


def _lay_out(root: Path, luggage: Luggage) -> Place:
    job, out, data = root / "job", root / "out", root / "data"
    for folder in (job, out, data, root / "empty"):
        folder.mkdir(mode=0o755)
    for name, content in luggage.files:
        _write(job / name, content)
    _mount_output(out, luggage)
    views = [_locked(data / asset, folder, root / "empty") for asset, folder in luggage.views]
    binds = [Bind(source=job, target="/job"), Bind(source=out, target="/out", writable=True)]
    return Place(out=out, binds=(*binds, *views))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o644)


def _mount_output(out: Path, luggage: Luggage) -> None:
    """Mount a file system of its own, so that neither bytes nor names can go past the bound."""
    size = math.ceil(luggage.output_bytes / mmap.PAGESIZE) * mmap.PAGESIZE
    options = (
        f"size={size},nr_inodes={luggage.output_files + _SPARE_INODES}"
        f",mode=0700,uid={luggage.uid},gid={luggage.uid}"
    )
    _mount("tmpfs", out, flags=_NOSUID | _NODEV | _NOEXEC, options=options)


def _locked(target: Path, view: Path, empty: Path) -> Bind:
    """Mount the view through an overlay of the job's own.

    Two jobs that read one view would else share its inodes, and with them their file locks: a channel between jobs.
    """
    target.mkdir()
    lower, none = os.open(view, os.O_PATH | os.O_DIRECTORY), os.open(empty, os.O_PATH)
    try:
        options = f"lowerdir=/proc/self/fd/{lower}:/proc/self/fd/{none}"
        _mount("overlay", target, flags=_RDONLY | _NOSUID | _NODEV | _NOEXEC, options=options)
    finally:
        os.close(lower)
        os.close(none)
    return Bind(source=target, target=f"/data/{target.name}")


def _mount(kind: str, target: Path, *, flags: int, options: str) -> None:
    where, what = os.fsencode(target), kind.encode()
    if _LIBC.mount(b"shuyu", where, what, ctypes.c_ulong(flags), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount of {kind}")
