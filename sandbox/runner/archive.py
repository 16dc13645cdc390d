"""Checks an archive of `docker save` before the engine sees it, and rewrites it without what could start by itself."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sandbox.errors import ImageError

MAX_ARCHIVE_BYTES = 16 * 1024**3
MAX_UNPACKED_BYTES = 32 * 1024**3
MAX_FILES = 1_000_000
MAX_LAYERS = 127
_MAX_JSON = 4 * 1024**2
_PIECE = 1024**2
_KEPT = ("Env", "User", "WorkingDir")
"""What an image may say about how it runs; not volumes, health checks, entry points, triggers, ports."""


def rewrite(archive: Path, clean: Path) -> str:
    """Write the archive's one image, untagged and plain, to `clean`; return its id.

    Raise `ImageError` where the archive is damaged or too large, holds not exactly one image, is for another machine, or
    has a layer with a device or a name that leads out of it.
    """
    if archive.stat().st_size > MAX_ARCHIVE_BYTES:
        raise ImageError("the archive is too large")
    try:
        with tarfile.open(archive, "r:") as source, tarfile.open(clean, "w") as target:
            return _rewrite(source, target)
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError, OSError) as error:
        raise ImageError("the archive is no sound archive of docker save") from error


def _rewrite(source: tarfile.TarFile, target: tarfile.TarFile) -> str:
    manifest = json.loads(_content(source, "manifest.json"))
    if len(manifest) != 1:
        raise ImageError("the archive holds more than one image")
    layers = manifest[0]["Layers"]
    if not 0 < len(layers) <= MAX_LAYERS:
        raise ImageError("the image has no layers, or too many")
    _check(_members(source, layers))
    config = _plain(json.loads(_content(source, manifest[0]["Config"])))
    names = [f"{number}.tar" for number in range(len(layers))]
    for name, layer in zip(names, layers, strict=True):
        _copy(source, layer, target, name)
    digest = hashlib.sha256(config).hexdigest()
    _add(target, f"{digest}.json", config)
    listed = [{"Config": f"{digest}.json", "RepoTags": None, "Layers": names}]
    _add(target, "manifest.json", json.dumps(listed).encode())
    return f"sha256:{digest}"


def _plain(config: dict[str, Any]) -> bytes:
    """Keep of an image's description what a job needs."""
    if (config["os"], config["architecture"]) != ("linux", "amd64"):
        raise ImageError("the image is for another machine than linux/amd64")
    kept = {name: value for name, value in config.get("config", {}).items() if name in _KEPT}
    plain = {name: config[name] for name in ("architecture", "os", "rootfs")}
    return json.dumps({**plain, "created": "1970-01-01T00:00:00Z", "config": kept}).encode()


def _members(source: tarfile.TarFile, layers: list[str]) -> Iterator[tarfile.TarInfo]:
    for layer in layers:
        with tarfile.open(fileobj=_opened(source, layer), mode="r|*") as members:
            yield from members


def _check(members: Iterator[tarfile.TarInfo]) -> None:
    total = 0
    for count, member in enumerate(members):
        total += member.size
        if count >= MAX_FILES or total > MAX_UNPACKED_BYTES:
            raise ImageError("the image is too large when it is unpacked")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            raise ImageError("a layer has a device or a pipe")
        if _leads_out(member.name) or (member.islnk() and _leads_out(member.linkname)):
            raise ImageError("a layer has a name that leads out of it")


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts


def _opened(source: tarfile.TarFile, name: str) -> IO[bytes]:
    opened = source.extractfile(name)
    if opened is None:
        raise ImageError("the archive names a layer that is no file")
    return opened


def _content(source: tarfile.TarFile, name: str) -> bytes:
    with _opened(source, name) as file:
        content = file.read(_MAX_JSON + 1)
    if len(content) > _MAX_JSON:
        raise ImageError("the archive's description is too large")
    return content


def _copy(source: tarfile.TarFile, layer: str, target: tarfile.TarFile, name: str) -> None:
    with _opened(source, layer) as file:
        info = tarfile.TarInfo(name)
        info.size = file.seek(0, io.SEEK_END)
        file.seek(0)
        target.addfile(info, file)


def _add(target: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    target.addfile(info, io.BytesIO(content))


def chunks(file: Path) -> Iterator[bytes]:
    """Read a file in pieces."""
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
