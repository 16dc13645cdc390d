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
from sandbox.runner.collect import SPARE_INODES
from sandbox.runner.container import Bind

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_BIND, _PRIVATE, _SHARED = 1 << 12, 1 << 18, 1 << 20
_DETACH, _NOFOLLOW = 2, 8
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Luggage:
    """What one job is given: files for /job, and folders for /data."""

    files: Sequence[tuple[str, bytes]]
    """Names are relative, checked before."""
    views: Sequence[tuple[str, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Who may leave something, and how much."""

    uid: int
    output_bytes: int
    output_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one job's things lie on the host while it runs."""

    out: Path
    binds: tuple[Bind, ...]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the kernel says into our errors."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFullError("the disk that the domain home lies on is full") from error
        raise EngineError(
            f"the room cannot be laid out: {os.strerror(error.errno or 0)}"
        ) from error


def place(root: Path, allowed: Allowed, luggage: Luggage) -> Place:
    """Lay out what the job is given under `root`; whatever comes of it, `clear` it.

    Raise `StorageFullError` where the disk is full, and `EngineError` where the kernel refuses a mount.
    """
    with _told():
        return _lay_out(root, allowed, luggage)


def reserve(root: Path, allowed: Allowed, shim: bytes) -> Place:
    """Lay out a room for a job that is not known yet, in a folder that is shared; raise as `place` does."""
    with _told():
        bare = _bare(root, allowed)
        _write(root / "shim" / "shim.py", shim)
    late = Bind(source=root / "data", target="/data", late=True)
    return Place(
        out=bare.out, binds=(*bare.binds, late, Bind(source=root / "shim", target="/shuyu"))
    )


def furnish(root: Path, luggage: Luggage, *, holder: str) -> None:
    """Bring what a job is given into a room that was reserved, and note whose it is; raise as `place` does."""
    with _told():
        (root / "holder").write_text(holder, encoding="utf-8")
        _bring(root, luggage)


def holder(root: Path) -> str:
    """Return whose room this is; empty where it was never furnished."""
    try:
        return (root / "holder").read_text(encoding="utf-8")
    except FileNotFoundError:  # it waits, or is being cleared away at this moment
        return ""


def share(folder: Path) -> None:
    """Make a folder whose later mounts appear in the containers that have it; raise as `place` does."""
    unshare(folder)
    with _told():
        folder.mkdir(mode=0o700, exist_ok=True)
        _call(os.fsencode(folder), folder, None, _BIND)
        for manner in (_PRIVATE, _SHARED):  # a group of its own, not its parent's
            _call(b"none", folder, None, manner)


def unshare(folder: Path) -> None:
    """Undo `share`, by whichever process it was done; a folder that is not shared is left as it is."""
    while _LIBC.umount2(os.fsencode(folder), _DETACH | _NOFOLLOW) == 0:
        pass


def clear(root: Path) -> None:
    """Unmount and remove a job's folder; one that is gone is left as it is."""
    for mounted in (root / "out", *_inside(root / "data")):
        _LIBC.umount2(os.fsencode(mounted), _DETACH | _NOFOLLOW)  # not mounted is as good
    if not any(os.path.ismount(folder) for folder in (root / "out", *_inside(root / "data"))):
        shutil.rmtree(root, ignore_errors=True)


def _inside(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else ()


def _lay_out(root: Path, allowed: Allowed, luggage: Luggage) -> Place:
    bare = _bare(root, allowed)
    views = [Bind(source=view, target=f"/data/{view.name}") for view in _bring(root, luggage)]
    return Place(out=bare.out, binds=(*bare.binds, *views))


def _bare(root: Path, allowed: Allowed) -> Place:
    root.mkdir(mode=0o700)
    job, out = root / "job", root / "out"
    for folder in (job, out, root / "data", root / "empty"):
        folder.mkdir(mode=0o755)
    _mount_output(out, allowed)
    binds = (Bind(source=job, target="/job"), Bind(source=out, target="/out", writable=True))
    return Place(out=out, binds=binds)


def _bring(root: Path, luggage: Luggage) -> list[Path]:
    """Write the files and mount the views; return where the views lie."""
    for name, content in luggage.files:
        _write(root / "job" / name, content)
    return [_locked(root / "data" / asset, view, root / "empty") for asset, view in luggage.views]


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o644)


def _mount_output(out: Path, allowed: Allowed) -> None:
    """Mount a file system of its own, so that neither bytes nor names can go past the bound."""
    size = math.ceil(allowed.output_bytes / mmap.PAGESIZE) * mmap.PAGESIZE
    options = (
        f"size={size},nr_inodes={allowed.output_files + SPARE_INODES}"
        f",mode=0700,uid={allowed.uid},gid={allowed.uid}"
    )
    _mount("tmpfs", out, flags=_NOSUID | _NODEV | _NOEXEC, options=options)


def _locked(target: Path, view: Path, empty: Path) -> Path:
    """Mount the view through an overlay of the job's own.

    Two jobs that read one view would else share its inodes, and with them their file locks: a channel between jobs.
    """
    target.mkdir()
    try:
        lower = os.open(view, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError as error:
        raise EngineError("a view is gone from the domain home: it is made anew") from error
    none = os.open(empty, os.O_PATH)
    try:
        options = f"lowerdir=/proc/self/fd/{lower}:/proc/self/fd/{none}"
        _mount("overlay", target, flags=_RDONLY | _NOSUID | _NODEV | _NOEXEC, options=options)
    finally:
        os.close(lower)
        os.close(none)
    return target


def _mount(kind: str, target: Path, *, flags: int, options: str) -> None:
    _call(b"shuyu", target, kind, flags, options.encode())


def _call(
    source: bytes, target: Path, kind: str | None, flags: int, options: bytes | None = None
) -> None:
    """Ask the kernel for a mount; raise `OSError` where it refuses."""
    type_ = kind.encode() if kind else None
    if _LIBC.mount(source, os.fsencode(target), type_, ctypes.c_ulong(flags), options) != 0:
        raise OSError(ctypes.get_errno(), f"mount of {kind}")
