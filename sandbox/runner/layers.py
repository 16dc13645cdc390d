"""What an image's layers come to: each is checked, written anew without what could start or raise by itself, and laid on."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from sandbox.errors import ImageError
from sandbox.runner.tape import Part, Writer
from sandbox.runner.tar import Kind, Member, members

MAX_FILES = 1_000_000
MAX_UNPACKED_BYTES = 32 * 1024**3
_MARK = ".wh."
_OPAQUE = ".wh..wh..opq"
_PERMITTED = 0o1777
"""What remains of a mode: no set-uid, no set-gid."""
_MOUNTED = frozenset({"data", "dev", "etc", "job", "out", "proc", "shuyu", "sys", "tmp"})
"""What must be folders, for a job's container to mount things there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file of an image, as one of its layers holds it."""

    layer: int
    offset: int
    """Where its content begins in the unpacked layer."""
    size: int


class Link:
    """A symbolic link; where it points is the container's own affair, within its root."""


class Folder(dict[str, "Folder | File | Link"]):
    """A folder of an image: what lies in it, by name."""

    stated = False
    """It stands in its layer itself, and is not there only for what lies in it."""
    opaque = False
    """It hides what lower layers have in it."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.gone: set[str] = set()
        """What of lower layers it takes away."""


class Tree:
    """The files that a container of the image sees, as far as its layers have been laid."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.root = Folder()
        self._layers, self._files, self._bytes = 0, 0, 0

    def lay(self, layer: IO[bytes], clean: Writer | None = None) -> None:
        """Lay an unpacked layer on, and write it to `clean`, plainly.

        Raise `ImageError` where a member leads out of the image, is no file, folder or link, stands there twice, goes through
        a link, or where there is too much of it.
        """
        fresh = Folder()
        for member in members(layer):
            self._count(member)
            plain = replace(member, mode=member.mode & _PERMITTED)
            _place(fresh, plain, layer=self._layers)
            if clean is not None:
                content = Part(layer, offset=member.offset, size=member.size)
                clean.add(plain, content)  # type: ignore[arg-type] # a raw file reads as any other
        if clean is not None:
            clean.end()
        _merge(self.root, fresh)
        self._layers += 1

    def hold_mountable(self) -> None:
        """Raise `ImageError` where a job's container could not mount its folders."""
        if any(not isinstance(self.root.get(name, self.root), Folder) for name in _MOUNTED):
            raise ImageError(f"one of the image's {', '.join(sorted(_MOUNTED))} is no folder")

    def files(self) -> Iterator[tuple[str, File]]:
        """Give every file that a container sees, by its path, in the order of paths."""
        yield from _walked("", self.root)

    def folder(self, path: str) -> Folder | None:
        """Return the folder at a path, if there is one; links are not followed."""
        node = _at(self.root, path)
        return node if isinstance(node, Folder) else None

    def _count(self, member: Member) -> None:
        self._files, self._bytes = self._files + 1, self._bytes + member.size
        if self._files > MAX_FILES or self._bytes > MAX_UNPACKED_BYTES:
            raise ImageError("the image has too many files, or is too large when it is unpacked")


def _walked(path: str, folder: Folder) -> Iterator[tuple[str, File]]:
    for name, node in sorted(folder.items()):
        if isinstance(node, Folder):
            yield from _walked(f"{path}{name}/", node)
        elif isinstance(node, File):
            yield f"{path}{name}", node


def _place(fresh: Folder, member: Member, *, layer: int) -> None:
    """Lay one member into the tree of its own layer."""
    if not member.name:
        if member.kind is not Kind.FOLDER:
            raise ImageError("a layer's root is no folder")
        return
    parent, name = _parent(fresh, member.name)
    if name.startswith(_MARK):
        _take_away(parent, name, member)
        return
    there = parent.get(name)
    if isinstance(there, Folder) and member.kind is Kind.FOLDER and not there.stated:
        there.stated = True
        return
    if there is not None or name in parent.gone:
        raise ImageError("a layer says one name twice")
    parent[name] = _node(fresh, member, layer=layer)


def _parent(fresh: Folder, path: str) -> tuple[Folder, str]:
    *above, name = path.split("/")
    folder = fresh
    for part in above:
        if part.startswith(_MARK) or part in folder.gone:
            raise ImageError("a layer has files in what it takes away")
        below = folder.get(part)
        if below is None:
            below = folder[part] = Folder()
        if not isinstance(below, Folder):
            raise ImageError("a layer has a name that goes through a link or a file")
        folder = below
    return folder, name


def _take_away(parent: Folder, name: str, member: Member) -> None:
    """Note a whiteout (OCI image-spec, layer.md, "Whiteouts")."""
    hidden = name.removeprefix(_MARK)
    if member.kind is not Kind.FILE or member.size:
        raise ImageError("a layer takes something away by a mark that is no empty file")
    if name == _OPAQUE and not parent.opaque:
        parent.opaque = True
        return
    if hidden in {"", ".", ".."} or hidden.startswith(_MARK):
        raise ImageError("a layer has a mark of deletion for no name")
    if hidden in parent or hidden in parent.gone:
        raise ImageError("a layer says one name twice")
    parent.gone.add(hidden)


def _node(fresh: Folder, member: Member, *, layer: int) -> "Folder | File | Link":
    match member.kind:
        case Kind.FOLDER:
            folder = Folder()
            folder.stated = True
            return folder
        case Kind.LINK:
            _hold_inside(member)
            return Link()
        case Kind.FILE:
            return File(layer=layer, offset=member.offset, size=member.size)
        case Kind.HARD:
            return _linked(fresh, member.target)


def _hold_inside(member: Member) -> None:
    """Raise `ImageError` where a symbolic link climbs above the root, though a container would stop it there."""
    absolute = member.target.startswith("/")
    depth = 0 if absolute else posixpath.dirname(member.name).count("/") + ("/" in member.name)
    for part in member.target.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise ImageError("a layer has a link that leads out of it")


def _linked(fresh: Folder, target: str) -> File:
    node = _at(fresh, target)
    if not isinstance(node, File):
        raise ImageError("a layer has a hard link to what is no earlier file of it: it leads out")
    return node


def _at(folder: Folder, path: str) -> "Folder | File | Link | None":
    node: Folder | File | Link | None = folder
    for part in path.split("/"):
        node = node.get(part) if isinstance(node, Folder) else None
    return node


def _merge(lower: Folder, fresh: Folder) -> None:
    """Lay one layer's tree over what lies below it."""
    if fresh.opaque:
        lower.clear()
    for name in fresh.gone:
        lower.pop(name, None)
    for name, node in fresh.items():
        below = lower.get(name)
        if isinstance(node, Folder) and isinstance(below, Folder):
            _merge(below, node)
            continue
        if isinstance(node, Folder) and below is not None and not node.stated:
            raise ImageError("a layer has a name that goes through a link or a file of a lower one")
        lower[name] = _settled(node)


def _settled(node: "Folder | File | Link") -> "Folder | File | Link":
    """Return a node as a lower layer's: what it hides is hidden."""
    if not isinstance(node, Folder):
        return node
    plain = Folder()
    _merge(plain, node)
    return plain
