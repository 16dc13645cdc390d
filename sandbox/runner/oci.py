"""Reads an OCI image layout, and the older form of `docker save`: which configuration and layers are the one image in it.

Formats: OCI image-spec 1.1 (image-layout.md, image-index.md, manifest.md); Docker Image Specification v1.2.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol

from sandbox.errors import ImageError

MAX_LAYERS = 127
_MAX_JSON = 4 * 1024**2
_PIECE = 1024**2
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAMED = re.compile(r"(?:blobs/sha256/([0-9a-f]{64})|([0-9a-f]{64})\.json)")
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_MOST_NESTED = 3
_PLATFORM = ("linux", "amd64")


class Blobs(Protocol):
    """Where the parts of an image lie: a folder, or a tar file."""

    def holds(self, name: str) -> bool:
        """Say whether there is a file of this name."""

    def opened(self, name: str) -> IO[bytes]:
        """Open a file; raise `ImageError` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One layer as it was brought."""

    name: str
    diff_id: str
    """What its digest must be when it is unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One image as it was brought, its description and the packed layers verified by their digests."""

    digest: str
    """The id that it bore."""
    config: Mapping[str, Any]
    layers: tuple[Packed, ...]


def brought(blobs: Blobs) -> Brought:
    """Find the one image among the blobs; raise `ImageError` where there is none, several, or one of another machine."""
    try:
        if blobs.holds("oci-layout"):
            return _layout(blobs)
        return _saved(blobs)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ImageError(
            "the archive's description is not as a description of images is"
        ) from error


def _layout(blobs: Blobs) -> Brought:
    if _parsed(_content(blobs, "oci-layout")).get("imageLayoutVersion") != "1.0.0":
        raise ImageError("the OCI layout is of a version that is not known here")
    found = list(_manifests(blobs, _parsed(_content(blobs, "index.json")), _MOST_NESTED))
    if len({one["digest"] for one in found}) != 1:
        raise ImageError(
            "the archive holds more than one image, or none for linux/amd64: save one image alone"
        )
    manifest = _parsed(_described(blobs, found[0]))
    config = _described(blobs, manifest["config"])
    for layer in manifest["layers"]:
        _verify(blobs, layer)
    names = [_blob(layer) for layer in manifest["layers"]]
    return _of(config, names)


def _manifests(blobs: Blobs, index: Mapping[str, Any], deep: int) -> Iterator[dict[str, Any]]:
    """Give the manifests that may be meant; those of other machines, and attestations, are not."""
    for one in index["manifests"]:
        if one.get("mediaType") in _INDEXES:
            if not deep:
                raise ImageError("the OCI layout nests too deep")
            yield from _manifests(blobs, _parsed(_described(blobs, one)), deep - 1)
        elif "platform" not in one or _machine(one["platform"]) == _PLATFORM:
            yield one


def _machine(described: Mapping[str, Any]) -> tuple[object, object]:
    return described.get("os"), described.get("architecture")


def _saved(blobs: Blobs) -> Brought:
    manifest = _parsed_list(_content(blobs, "manifest.json"))
    if len(manifest) != 1:
        raise ImageError("the archive holds more than one image, or none: save one image alone")
    name, layers = manifest[0]["Config"], manifest[0]["Layers"]
    config = _content(blobs, name)
    said = _NAMED.fullmatch(name)
    if said is None or hashlib.sha256(config).hexdigest() not in said.groups():
        raise ImageError(
            "the image's description is not the one that its name says: the archive was altered"
        )
    for layer in layers:
        if (blob := _NAMED.fullmatch(layer)) and blob[1]:
            _hold(blobs, layer, blob[1])
    return _of(config, layers)


def _of(config: bytes, names: list[str]) -> Brought:
    parsed = _parsed(config)
    if _machine(parsed) != _PLATFORM:
        raise ImageError("the image is for another machine than linux/amd64: build it for that one")
    diffs = parsed["rootfs"]["diff_ids"]
    if not 0 < len(names) <= MAX_LAYERS or len(diffs) != len(names):
        raise ImageError("the image has no layers, too many, or other ones than it describes")
    if not all(isinstance(diff, str) and _DIGEST.fullmatch(diff) for diff in diffs):
        raise ImageError("the image describes a layer by what is no SHA-256")
    return Brought(
        digest=f"sha256:{hashlib.sha256(config).hexdigest()}",
        config=parsed,
        layers=tuple(
            Packed(name=name, diff_id=diff) for name, diff in zip(names, diffs, strict=True)
        ),
    )


def _described(blobs: Blobs, descriptor: Mapping[str, Any]) -> bytes:
    """Return a small blob that a descriptor names, verified."""
    content = _content(blobs, _blob(descriptor))
    if (len(content), hashlib.sha256(content).hexdigest()) != _measures(descriptor):
        raise ImageError("a part of the image is not what its digest says: the archive was altered")
    return content


def _verify(blobs: Blobs, descriptor: Mapping[str, Any]) -> None:
    if "+zstd" in descriptor.get("mediaType", ""):
        raise ImageError(
            "a layer is packed with zstd, which this Python cannot unpack: save the image with gzip"
        )
    size, digest = _measures(descriptor)
    if _hold(blobs, _blob(descriptor), digest) != size:
        raise ImageError("a layer is not as long as it is described: the archive was altered")


def _hold(blobs: Blobs, name: str, digest: str) -> int:
    """Raise `ImageError` where a blob's digest is another; return its size."""
    sha256, size = hashlib.sha256(), 0
    with blobs.opened(name) as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
            size += len(piece)
    if sha256.hexdigest() != digest:
        raise ImageError(
            "a layer is not what its digest says: the archive was altered, or is damaged"
        )
    return size


def _blob(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/sha256/{_measures(descriptor)[1]}"


def _measures(descriptor: Mapping[str, Any]) -> tuple[int, str]:
    said = _DIGEST.fullmatch(descriptor["digest"])
    if said is None:
        raise ImageError("the OCI layout names a part by what is no SHA-256")
    return descriptor["size"], said[1]


def _content(blobs: Blobs, name: str) -> bytes:
    with blobs.opened(name) as file:
        content = file.read(_MAX_JSON + 1)
    if len(content) > _MAX_JSON:
        raise ImageError("the archive's description is too large")
    return content


def _parsed(content: bytes) -> dict[str, Any]:
    parsed = _json(content)
    if not isinstance(parsed, dict):
        raise ImageError("the archive's description is not as a description of images is")
    return parsed


def _parsed_list(content: bytes) -> list[dict[str, Any]]:
    parsed = _json(content)
    if not isinstance(parsed, list):
        raise ImageError("the archive's description is not as a description of images is")
    return parsed


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ImageError("the archive's description is not JSON") from error
