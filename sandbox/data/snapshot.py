"""Snapshots: the immutable tables that lie in the domain, each under the digest of its content."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sandbox.asset import Asset, Digest
from sandbox.data.profile import Profile
from sandbox.data.staging import discard
from sandbox.errors import DataError, UnknownAssetError

UNIT_ROWS, ROW = "_unit_rows", "_row"
"""Beside its columns a snapshot has, for each row, how many rows its unit has, and its number."""

_FORM = "shuyu-snapshot-1"
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What lies beside a snapshot: what it is, and how to tell that it is whole."""

    asset: Asset
    content: tuple[str, ...]
    """The canonical hash of each column; with the declaration it makes the digest."""
    file_bytes: int
    file_sha256: str


_MANIFEST = TypeAdapter(Manifest)
_PROFILE = TypeAdapter(Profile)
_ASSET = TypeAdapter(Asset)


def address(unnamed: Asset, content: Sequence[str]) -> Digest:
    """Return the digest of what was declared and what the columns hold; `snapshot` is left out."""
    declared = _ASSET.dump_python(replace(unnamed, snapshot=Digest("")), mode="json")
    body = json.dumps(
        {"form": _FORM, "asset": declared, "content": list(content)},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return Digest(f"sha256:{hashlib.sha256(body.encode()).hexdigest()}")


def folder_of(digest: Digest, *, data: Path) -> Path:
    """Return the folder of a snapshot, whether or not it is there."""
    if not _DIGEST.fullmatch(digest):
        raise UnknownAssetError("That is not the digest of a snapshot")
    return data / digest.removeprefix("sha256:")


def asset(digest: Digest, *, data: Path) -> Asset:
    """Return the asset; raise `UnknownAssetError` where it is not here, `DataError` where spoilt.

    Checks the declaration and the columns' hashes against the digest, and the table's size.
    """
    return _manifest(digest, data=data).asset


def snapshot_path(digest: Digest, *, data: Path) -> Path:
    """Return the Parquet file of a snapshot; raise `UnknownAssetError` where it is not here."""
    path = folder_of(digest, data=data) / "snapshot.parquet"
    if not path.is_file():
        raise UnknownAssetError("No snapshot of that digest lies in this domain")
    return path


def intact_snapshot(digest: Digest, *, data: Path) -> Path:
    """Return the Parquet file after hashing all of it; raise `DataError` where a bit differs."""
    path = snapshot_path(digest, data=data)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _manifest(digest, data=data).file_sha256:
        raise DataError("The stored snapshot is damaged")
    return path


def read_profile(digest: Digest, *, data: Path) -> Profile:
    """Return what ingest found; raise `UnknownAssetError` where the snapshot is not here."""
    path = snapshot_path(digest, data=data).with_name("profile.json")
    return _PROFILE.validate_json(path.read_bytes())


def assets(data: Path) -> list[Asset]:
    """Return every asset that lies here, by name and version."""
    folders = [path for path in data.glob("*") if _HEX.fullmatch(path.name)]
    found = [asset(Digest(f"sha256:{path.name}"), data=data) for path in folders]
    return sorted(found, key=lambda one: (one.id, one.version, one.snapshot))


def remove(digest: Digest, *, data: Path) -> None:
    """Remove a snapshot; raise `UnknownAssetError` where it is not here."""
    discard(snapshot_path(digest, data=data).parent)


def write_beside(folder: Path, found: Asset, content: Sequence[str], figures: Profile) -> None:
    """Write `asset.json` and `profile.json` beside a finished table, and close all three."""
    table = folder / "snapshot.parquet"
    with table.open("rb") as file:
        hashed = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = Manifest(
        asset=found,
        content=tuple(content),
        file_bytes=table.stat().st_size,
        file_sha256=hashed,
    )
    (folder / "asset.json").write_bytes(_MANIFEST.dump_json(manifest, indent=1))
    (folder / "profile.json").write_bytes(_PROFILE.dump_json(figures, indent=1))
    for path in folder.iterdir():
        path.chmod(0o400)


def _manifest(digest: Digest, *, data: Path) -> Manifest:
    path = snapshot_path(digest, data=data)
    try:
        manifest = _MANIFEST.validate_json(path.with_name("asset.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        raise DataError("The stored declaration is damaged") from None
    if address(manifest.asset, manifest.content) != digest or manifest.asset.snapshot != digest:
        raise DataError("The stored declaration does not have its digest")
    if path.stat().st_size != manifest.file_bytes:
        raise DataError("The stored snapshot is damaged")
    return manifest
