"""Writes an image anew, as every engine takes it: layers that were read, and a description that only states what a job needs."""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.tape import Writer, header
from sandbox.runner.tar import BLOCK, Kind, Member

_STEERING = re.compile(
    r"(LD_|PYTHON|GLIBC_|MALLOC_|GCONV_|PERL|RUBY|NODE_|JAVA_|JDK_|_JAVA).*|ENV|BASH_ENV|IFS|SHELLOPTS"
)
"""Variables by which an image would steer the programs of its jobs, beside what their orders state."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}=[^\x00-\x1f\x7f]{0,4096}")
_MOST_VARIABLES = 128
_NOBODY = "65532:65532"


class CleanArchive:
    """An archive of one image without a tag (Docker Image Specification v1.2), while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to an empty file that can be read and sought."""
        self._file, self._whole = file, Writer(file)
        self.diff_ids: list[str] = []
        """The digests of the layers so far."""

    @contextmanager
    def layer(self) -> Iterator[Writer]:
        """Give a writer for the next layer; its length stands before it, so that is written last."""
        begin = self._file.tell()
        self._file.write(bytes(BLOCK))
        writer = Writer(self._file)
        yield writer
        self._file.write(bytes(-writer.size % BLOCK))
        end = self._file.tell()
        self._file.seek(begin)
        self._file.write(_short(f"{len(self.diff_ids)}.tar", writer.size))
        self._file.seek(end)
        self.diff_ids.append(f"sha256:{writer.digest}")

    def describe(self, config: Mapping[str, Any]) -> ImageDigest:
        """Write the description and the end; return the image's id."""
        raw = json.dumps(_plain(config, self.diff_ids), sort_keys=True).encode()
        digest = hashlib.sha256(raw).hexdigest()
        names = [f"{number}.tar" for number in range(len(self.diff_ids))]
        listed = [{"Config": f"{digest}.json", "RepoTags": None, "Layers": names}]
        self._add(f"{digest}.json", raw)
        self._add("manifest.json", json.dumps(listed).encode())
        self._whole.end()
        return ImageDigest(f"sha256:{digest}")

    def _add(self, name: str, content: bytes) -> None:
        member = Member(name=name, kind=Kind.FILE, size=len(content))
        self._whole.add(member, io.BytesIO(content))


def _short(name: str, size: int) -> bytes:
    """Return a header of one block: a name of ours is short, and a size of more than 8 GiB does not fit."""
    raw = header(Member(name=name, kind=Kind.FILE, size=size))
    if len(raw) != BLOCK:
        raise ImageError("a layer is too large")
    return raw


def _plain(config: Mapping[str, Any], diff_ids: list[str]) -> dict[str, Any]:
    """Keep of an image's description what a job needs: no volumes, health checks, triggers, entry points, commands, ports."""
    said = config.get("config") or {}
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "config": {
            "Env": environment(said.get("Env") or []),
            "User": _NOBODY,
            "WorkingDir": "/tmp",  # noqa: S108 - the container's own
        },
    }


def environment(said: object) -> list[str]:
    """Return the variables that an image may set; raise `ImageError` where they are no variables."""
    if not isinstance(said, list) or len(said) > _MOST_VARIABLES:
        raise ImageError("the image sets too many variables")
    if not all(isinstance(one, str) and _VARIABLE.fullmatch(one) for one in said):
        raise ImageError("the image sets a variable that is none, or is too long")
    return [one for one in said if not _STEERING.fullmatch(one.partition("=")[0])]
