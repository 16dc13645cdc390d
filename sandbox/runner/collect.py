"""Collects what a job left in its output folder, once nothing of the job runs any more.

The folder was written by the job: every entry is judged by its own inode, never by following a name.
"""

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.order import Artifact, Limits, OutputName

_TABLES = ("arrow", "csv", "feather", "json", "jsonl", "parquet", "tsv")
_TEXTS = ("html", "md", "pdf", "svg", "txt", "xml", "yaml")
_BLOBS = ("bin", "gz", "jpg", "npz", "onnx", "png", "zip")
SUFFIXES = frozenset({*_TABLES, *_TEXTS, *_BLOBS})
"""What a declared output's file may end in."""
_BLOCK = 512
_LABELS = frozenset({"security.selinux"})
"""Extended attributes that a host sets by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """What is wrong with the folder: kinds and counts, never names or contents."""

    kinds: tuple[tuple[str, int], ...]

    @property
    def note(self) -> str:
        """Say it in one line."""
        return ", ".join(f"{kind}: {count}" for kind, count in self.kinds)


def collect(
    folder: Path, outputs: Collection[OutputName], limits: Limits
) -> tuple[Artifact, ...] | Odd:
    """Return the declared files, sorted by name, or what is wrong with the folder.

    A declared file is called `<output>.<suffix>`, one for each output; it is a plain file with one name, no holes, no
    special mode and no extended attributes. Anything else in the folder is wrong.
    """
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries)
        odd = Counter(_oddities(directory, names, outputs))
        odd["too many files"] = max(0, len(names) - limits.output_files)
        odd["too many bytes"] = int(_bytes(directory, names) > limits.output_bytes)
        if +odd:
            return Odd(kinds=tuple(sorted((+odd).items())))
        return tuple(_artifact(directory, name) for name in names)
    finally:
        os.close(directory)


def _oddities(directory: int, names: list[str], outputs: Collection[OutputName]) -> Iterator[str]:
    for name in names:
        kind = _kind(directory, name)
        stem, _, suffix = name.rpartition(".")
        if kind is not None:
            yield kind
        elif stem not in outputs or suffix not in SUFFIXES:
            yield "undeclared file"
    stems = Counter(name.rpartition(".")[0] for name in names)
    yield from ("second file for one output" for stem in outputs if stems[stem] > 1)


def _kind(directory: int, name: str) -> str | None:
    """Name what is odd about one entry; nothing where it is a plain file."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return _TYPES.get(stat.S_IFMT(status.st_mode), "special file")
    if status.st_nlink != 1:
        return "hard link"
    if status.st_blocks * _BLOCK < status.st_size:
        return "file with holes"
    if status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        return "special mode"
    return "extended attributes" if _attributes(directory, name) else None


_TYPES = {
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


def _attributes(directory: int, name: str) -> set[str]:
    opened = _open(directory, name)
    try:
        return set(os.listxattr(opened)) - _LABELS
    finally:
        os.close(opened)


def _bytes(directory: int, names: list[str]) -> int:
    return sum(os.stat(name, dir_fd=directory, follow_symlinks=False).st_size for name in names)


def _artifact(directory: int, name: str) -> Artifact:
    stem, _, suffix = name.rpartition(".")
    with open(_open(directory, name), "rb") as file:
        return Artifact(name=OutputName(stem), suffix=suffix, content=file.read())


def _open(directory: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=directory)
