"""Collects what a job left in its output folder, once its program has ended.

The folder was written by the job: every entry is judged by its own inode, never by following a name.
"""

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sandbox.order import Artifact, Limits, OutputName

_TABLES = ("arrow", "csv", "feather", "json", "jsonl", "parquet", "tsv")
_TEXTS = ("html", "md", "pdf", "svg", "txt", "xml", "yaml")
_BLOBS = ("bin", "gz", "jpg", "npz", "onnx", "png", "safetensors", "zip")
SUFFIXES = frozenset({*_TABLES, *_TEXTS, *_BLOBS})
"""What a declared output's file may end in."""
_BLOCK = 512
SPARE_INODES = 16
"""How many more files than it may leave a job can make in its folder, so that a listing shows that it made too many."""
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
    special mode and no extended attributes. Anything else in the folder is wrong. Each file is opened once, judged by what
    was opened, and read from it within the bounds: a process of the job that is still there could change the content,
    which is the job's own in any case, and nothing else.
    """
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        names = _names(directory, limits.output_files)
        taken = list(_taken(directory, names, outputs, limits.output_bytes))
    finally:
        os.close(directory)
    odd = Counter(one for one in taken if isinstance(one, str))
    odd["too many files"] = max(0, len(names) - limits.output_files)
    stems = Counter(name.rpartition(".")[0] for name in names)
    odd["second file for one output"] = sum(stems[stem] > 1 for stem in outputs)
    if +odd:
        return Odd(kinds=tuple(sorted((+odd).items())))
    return tuple(one for one in taken if isinstance(one, Artifact))


def _names(directory: int, most: int) -> list[str]:
    """Return the names in the folder, as many as its file system can hold and no more: names may still be made."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in islice(entries, most + SPARE_INODES))


def _taken(
    directory: int, names: list[str], outputs: Collection[OutputName], most: int
) -> Iterator[Artifact | str]:
    """Give each file, or what is odd about it; of all together at most `most` bytes, and once that there were more."""
    for name in names:
        stem, _, suffix = name.rpartition(".")
        content = _content(directory, name, max(0, most))
        if isinstance(content, str):
            yield content
            continue
        if stem not in outputs or suffix not in SUFFIXES:
            yield "undeclared file"
        elif len(content) > most >= 0:
            yield "too many bytes"
        else:
            yield Artifact(name=OutputName(stem), suffix=suffix, content=content)
        most -= len(content)


def _content(directory: int, name: str, most: int) -> bytes | str:
    """Read one plain file, one byte more than `most` at the most; or name what is odd about it."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        kind = _type(os.stat(name, dir_fd=directory, follow_symlinks=False))
        if kind:
            return kind
        with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as file:
            return _kind(file) or file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    except OSError:  # it went away, or its own process holds it
        return "file that cannot be read"


def _type(status: os.stat_result) -> str:
    """Name a file that is not plain."""
    plain = stat.S_ISREG(status.st_mode)
    return "" if plain else _TYPES.get(stat.S_IFMT(status.st_mode), "special file")


def _kind(file: BinaryIO) -> str:
    """Name what is odd about an opened file; empty where it is a plain one."""
    status = os.fstat(file.fileno())
    if kind := _type(status):
        return kind
    if status.st_nlink != 1:
        return "hard link"
    if status.st_blocks * _BLOCK < status.st_size:
        return "file with holes"
    if status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        return "special mode"
    return "extended attributes" if set(os.listxattr(file.fileno())) - _LABELS else ""


_TYPES = {
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}
