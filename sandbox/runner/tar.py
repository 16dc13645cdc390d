"""Reads tar files that a stranger wrote, strictly.

Images are tar files inside tar files, and programs differ in what they make of an odd one. This reader takes the forms that
image builders write (POSIX ustar with pax headers, GNU long names) and refuses whatever two readers could read differently.
Formats: POSIX.1-2001, pax Interchange Format; GNU tar manual, "Basic Tar Format".
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import IO

from sandbox.errors import ImageError

BLOCK = 512
MAX_NAME = 4096
MAX_DEPTH = 128
_MAX_PART = 255
_MAX_HEADERS = 1024**2
"""The longest extended header, in bytes."""
_PIECE = 1024**2
_ZEROS = bytes(BLOCK)
_MAGICS = (b"ustar\x0000", b"ustar  \x00")
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_RECORD = re.compile(rb"([1-9][0-9]{0,6}) ([^=\x00-\x1f]{1,512})=")
_DIGITS = re.compile(r"[0-9]{1,15}")
_TIME = re.compile(r"(-?[0-9]{1,15})(\.[0-9]{0,30})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNUSED = frozenset({"atime", "ctime", "uname", "gname", "comment"})
_STRIPPED = ("SCHILY.xattr.", "LIBARCHIVE.")
"""Extended attributes, file capabilities among them: none of them goes on."""
_USED = frozenset({"path", "linkpath", "size", "mtime", "uid", "gid"})
_MOST_ID = 2**31 - 1
_MOST_TIME = 2**33 - 1


class Kind(Enum):
    """What a member is; anything else is refused."""

    FILE = tarfile.REGTYPE
    HARD = tarfile.LNKTYPE
    LINK = tarfile.SYMTYPE
    FOLDER = tarfile.DIRTYPE


_KINDS = {kind.value: kind for kind in Kind} | {tarfile.AREGTYPE: Kind.FILE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a tar file."""

    name: str
    """Relative, without `.`, `..`, doubled or trailing slashes; empty for the root itself."""
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    """Seconds since 1970."""
    size: int = 0
    """Bytes of content."""
    target: str = ""
    """Of a link, as it is written; of a hard link, in the form of a name."""
    offset: int = 0
    """Where its content begins in the file."""


@dataclass(slots=True)
class _Extended:
    """What the headers before a member say about it."""

    said: dict[str, str]
    pending: bool = False


def members(file: IO[bytes]) -> Iterator[Member]:
    """Read the members of a seekable file in their order.

    Raise `ImageError` where it is damaged, cut short, or anything but plainly written; the file may be read between members.
    """
    at, extended = 0, _Extended({})
    while (header := _block(file, at)) != _ZEROS:
        _hold_header(header)
        size, kind = _number(header[124:136]), header[156:157]
        at += BLOCK
        if kind in b"xgLK":
            _extend(extended, kind, _content(file, at, size))
        else:
            member = _member(header, extended.said, offset=at)
            size, extended = member.size, _Extended({})
            yield member
        at += -(-size // BLOCK) * BLOCK
    if extended.pending:
        raise ImageError("a tar file ends after a header that belongs to nothing")
    _hold_rest(file, at)


def _block(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    header = file.read(BLOCK)
    if len(header) != BLOCK:
        raise ImageError("a tar file is cut short: make the archive anew")
    return header


def _hold_header(header: bytes) -> None:
    total = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if header[257:265] not in _MAGICS or total != _number(header[148:156]):
        raise ImageError("a tar file is damaged, or no POSIX or GNU tar file: make it anew")


def _hold_rest(file: IO[bytes], at: int) -> None:
    """Demand nothing but zeros behind the end, where another reader might look for more."""
    file.seek(at)
    while piece := file.read(_PIECE):
        if piece.count(0) != len(piece):
            raise ImageError("a tar file goes on behind its end")


def _number(field: bytes) -> int:
    if field[0] == 0x80:  # noqa: PLR2004 - GNU's mark of a binary number
        return int.from_bytes(field[1:], "big")
    found = _OCTAL.fullmatch(field)
    if found is None:
        raise ImageError("a tar file has a number that is none")
    return int(found[1] or b"0", 8)


def _content(file: IO[bytes], at: int, size: int) -> bytes:
    if size > _MAX_HEADERS:
        raise ImageError("a tar file has an extended header that is too long")
    file.seek(at)
    content = file.read(size)
    if len(content) != size:
        raise ImageError("a tar file is cut short: make the archive anew")
    return content


def _extend(extended: _Extended, kind: bytes, content: bytes) -> None:
    if kind in b"LK":
        said = {"path" if kind == b"L" else "linkpath": _text(content.rstrip(b"\0"))}
    else:
        said = _records(content)
    if kind == b"g":
        if set(said) - {"comment"}:
            raise ImageError("a tar file has a header that speaks of all its members")
        return
    if extended.said.keys() & said.keys() or (kind == b"x" and extended.pending):
        raise ImageError("a tar file says one thing of a member twice")
    extended.said |= said
    extended.pending = True


def _records(content: bytes) -> dict[str, str]:
    """Read pax records: each is `LENGTH KEY=VALUE` and a line feed, and the length counts all of it."""
    said: dict[str, str] = {}
    while content:
        found = _RECORD.match(content)
        if found is None or not found.end() < (length := int(found[1])) <= len(content):
            raise ImageError("a tar file has an extended header that is damaged")
        key, value = _text(found[2]), content[found.end() : length - 1]
        if content[length - 1 : length] != b"\n" or key in said:
            raise ImageError("a tar file has an extended header that is damaged")
        if not key.startswith(_STRIPPED) and key not in _UNUSED:
            if key not in _USED:
                raise ImageError(
                    "a tar file has an extension that is not taken, such as sparse files"
                )
            said[key] = _text(value)
        content = content[length:]
    return said


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ImageError("a tar file has a name that is not UTF-8") from error
    if _CONTROL.search(text):
        raise ImageError("a tar file has a name with control characters")
    return text


def _member(header: bytes, said: dict[str, str], *, offset: int) -> Member:
    kind = _KINDS.get(header[156:157])
    if kind is None:
        raise ImageError(
            "a layer has a device, a pipe, a sparse file, or another thing that no image needs"
        )
    raw = said.get("path") or _ustar_name(header)
    size = int(_held(_DIGITS, said["size"])[0]) if "size" in said else _number(header[124:136])
    if (size and kind is not Kind.FILE) or (kind is Kind.FILE and raw.endswith("/")):
        raise ImageError(
            "a tar file has a folder or a link with content, or a file named as a folder"
        )
    target = said.get("linkpath") or _text(_ended(header[157:257]))
    return Member(
        name=plain_name(raw),
        kind=kind,
        mode=_number(header[100:108]) & 0o7777,
        uid=_bounded(said.get("uid"), header[108:116], _MOST_ID),
        gid=_bounded(said.get("gid"), header[116:124], _MOST_ID),
        mtime=_time(said.get("mtime"), header[136:148]),
        size=size,
        target=_target(kind, target),
        offset=offset,
    )


def _ustar_name(header: bytes) -> str:
    name = _ended(header[:100])
    if header[257:265] == _MAGICS[0] and (prefix := _ended(header[345:500])):
        name = prefix + b"/" + name
    return _text(name)


def _ended(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def plain_name(raw: str) -> str:
    """Return a member's name in its one plain form; raise `ImageError` where it leads out, or is too long or deep."""
    parts = [part for part in raw.split("/") if part not in {"", "."}]
    if not raw or raw.startswith("/") or ".." in parts:
        raise ImageError("a tar file has a name that leads out of it")
    if len(raw) > MAX_NAME or len(parts) > MAX_DEPTH:
        raise ImageError("a tar file has a name that is too long, or lies too deep")
    if any(len(part.encode()) > _MAX_PART for part in parts):
        raise ImageError("a tar file has a name that is too long, or lies too deep")
    return "/".join(parts)


def _target(kind: Kind, target: str) -> str:
    if kind is Kind.HARD:
        return plain_name(target)
    if kind is not Kind.LINK:
        return ""
    if not 0 < len(target) <= MAX_NAME:
        raise ImageError("a tar file has a link to nothing, or to a name that is too long")
    return target


def _held(form: re.Pattern[str], text: str) -> re.Match[str]:
    found = form.fullmatch(text)
    if found is None:
        raise ImageError("a tar file has a number that is none")
    return found


def _bounded(said: str | None, field: bytes, most: int) -> int:
    number = _number(field) if said is None else int(_held(_DIGITS, said)[0])
    if number > most:
        raise ImageError("a tar file has an owner that no system has")
    return number


def _time(said: str | None, field: bytes) -> int:
    number = _number(field) if said is None else int(_held(_TIME, said)[1])
    return min(max(number, 0), _MOST_TIME)
