"""Lists what software an image holds, by what its package managers wrote down, as a CycloneDX bill of materials.

Debian's and Alpine's databases, and Python's `dist-info`, are read from the image's files; nothing in it is run. Form:
CycloneDX 1.6 JSON, ECMA-424; package URLs as in the purl specification.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.asset import ImageDigest

MAX_FILE_BYTES = 64 * 1024**2
_MOST = 100_000
_NAME = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@/+._-]{0,199}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:!_-]{0,199}")
_DPKG = re.compile(r"var/lib/dpkg/(status|status\.d/[^/]+)")
_APK = "lib/apk/db/installed"
_PYTHON = re.compile(r"(.*/)?[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO)")
_RELEASE = ("usr/lib/os-release", "etc/os-release")
_SPACE = uuid.UUID("6f6e1c2e-5d1b-5c8e-9d5a-3f0f5b1a7c44")
"""Of the names of our own bills."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package of an image."""

    kind: str
    """The type of its package URL: `deb`, `apk` or `pypi`."""
    name: str
    version: str


def is_wanted(path: str) -> bool:
    """Say whether a file of an image tells of packages."""
    return bool(
        path == _APK or path in _RELEASE or _DPKG.fullmatch(path) or _PYTHON.fullmatch(path)
    )


def bill(digest: ImageDigest, name: str, files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the bill of the image of this id, from its files that are wanted; the same image gives the same bytes."""
    system, packages = "", set[Package]()
    for path, content in files:
        text = content.decode("utf-8", "replace")
        if path in _RELEASE:
            system = _os(text) or system
        else:
            packages.update(_packages(path, text))
    listed = sorted(packages)[:_MOST]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, digest)}",
        "version": 1,
        "metadata": {"component": _image(digest, name)},
        "components": [_component(one, system) for one in listed],
    }
    return json.dumps(body, indent=1, ensure_ascii=False).encode()


def _image(digest: ImageDigest, name: str) -> dict[str, object]:
    hashed = {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}
    return {"type": "container", "bom-ref": digest, "name": name, "hashes": [hashed]}


def _component(package: Package, system: str) -> dict[str, object]:
    space = f"{system}/" if package.kind != "pypi" and system else ""
    name = quote(package.name, safe="/")
    url = f"pkg:{package.kind}/{space}{name}@{quote(package.version, safe='')}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
    }


def _packages(path: str, text: str) -> Iterator[Package]:
    if path == _APK:
        yield from _stanzas(text, _of("apk", "P", "V"))
    elif _DPKG.fullmatch(path):
        yield from _stanzas(text, _of("deb", "Package", "Version"))
    else:
        yield from _stanzas(text.partition("\n\n")[0], _of("pypi", "Name", "Version"))


def _stanzas(text: str, read: Callable[[str], Package | None]) -> Iterator[Package]:
    for stanza in text.split("\n\n"):
        package = read(stanza)
        if package is not None:
            yield package


def _of(kind: str, name: str, version: str) -> Callable[[str], Package | None]:
    """Return what reads a stanza of `field: value` lines; one that is not installed, or oddly named, is none."""

    def read(stanza: str) -> Package | None:
        said = dict(line.split(":", 1) for line in stanza.splitlines() if ":" in line[1:])
        found, which = said.get(name, "").strip(), said.get(version, "").strip()
        installed = said.get("Status", "installed").endswith("installed")
        if not installed or not _NAME.fullmatch(found) or not _VERSION.fullmatch(which):
            return None
        plain = re.sub(r"[-_.]+", "-", found).lower() if kind == "pypi" else found
        return Package(kind, plain, which)

    return read


def _os(text: str) -> str:
    found = re.search(r"^ID=\"?([a-z0-9._-]{1,64})\"?$", text, re.MULTILINE)
    return found[1] if found else ""
