"""Backups: the record as it stood at one moment, and every file that it names, each under the key of its scope.

The record is read first, in one transaction, and the files after it: files are only added, so that what the
record names is there. What was destroyed meanwhile makes the backup begin again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import Table, column, select
from sqlalchemy import table as named_table

from jobs.backup import manifest
from jobs.backup.agekeys import RECORD, BackupKeys, scope_of_asset, scope_of_scenario
from jobs.backup.manifest import Holds, Manifest, Part, TableFacts
from jobs.backup.sealing import ChangedMeanwhileError, Member, Sealed, seal, tarred
from jobs.errors import JobsError, NotFoundError
from jobs.proof.bodies import digest_of, dump
from jobs.proof.keys import SigningKey
from jobs.record import log
from jobs.record.database import Reading, Record
from jobs.record.erasure import paged, scrubbed
from jobs.record.event import Event
from jobs.record.inside import Inside, Scope, look_inside, snapshots
from jobs.record.quarantine import Quarantine
from jobs.record.schema import blob, hold, inspection, log_checkpoint, metadata
from jobs.record.shelf import Shelf
from sandbox.asset import Digest
from sandbox.data.snapshot import folder_of, intact_snapshot
from sandbox.errors import UnknownAssetError

Progress = Callable[[str], None]
TRIES = 5
_PUBLIC = ("shuyu.toml", "keys/trusted.toml")
MADE = "backup.made"
"""The kind of the event that a backup leaves."""


class BackupError(JobsError):
    """A backup cannot be made here, or is none."""


class VanishedError(BackupError):
    """What the record named was destroyed while the backup was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is backed up: a domain's record and its home folder."""

    record: Record
    home: Path
    domain: str
    key: SigningKey
    """The release key: it signs the manifest."""

    @property
    def keys(self) -> BackupKeys:
        """The keys of its backups."""
        return BackupKeys(self.home / "keys" / "backup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What goes into a backup beside the record."""

    data: bool = True
    """Whether the snapshots of the assets do."""
    keys_for: str = ""
    """An age recipient (`age1…`) for whom the secret keys are put in; empty for nobody."""


def backup(
    source: Source,
    to: Path,
    wish: Wish = Wish(),
    *,
    told: Progress = lambda _: None,
) -> Manifest:
    """Make a backup of `source` in the new folder `to`, which appears whole or not at all.

    Raise `BackupError` where there is something at `to`, `VanishedError` where things kept being
    destroyed meanwhile; `told` is called with the name of each part that is begun.
    """
    if to.exists():
        raise BackupError(f"there is something at {to} already: a backup is made under a new name")
    to.parent.mkdir(parents=True, exist_ok=True)
    for left in range(TRIES - 1, -1, -1):
        folder = to.with_name(f".{to.name}.{token_hex(6)}.partial")
        folder.mkdir(mode=0o700)
        try:
            return _made(_Making(source=source, folder=folder, wish=wish, told=told), to)
        except VanishedError:
            if not left:
                raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("the last try answers or raises")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    source: Source
    folder: Path
    wish: Wish
    told: Progress
    parts: list[Part] = field(default_factory=list)

    def add(self, name: str, scope: str, holds: Holds, chunks: Iterable[bytes]) -> None:
        """Write one part under the key of its scope."""
        self.told(name)
        known = self.source.keys.recipient(scope) if holds is not Holds.KEYS else ""
        recipient = known or self.wish.keys_for
        try:
            sealed: Sealed = seal(self.folder / name, chunks, recipient=recipient)
        except (FileNotFoundError, NotFoundError, ChangedMeanwhileError):
            raise VanishedError(
                f"{name}: what the record named is no longer there, or is another"
            ) from None
        self.parts.append(
            Part(
                name=name,
                scope=scope,
                holds=holds,
                recipient=recipient,
                size=sealed.size,
                digest=sealed.digest,
            )
        )


def _made(making: _Making, to: Path) -> Manifest:
    source = making.source
    with source.record.reading() as tx:
        inside = look_inside(tx)
        tables: list[TableFacts] = []
        making.add("record.rows.age", RECORD, Holds.ROWS, _rows(tx, inside.codes, tables))
        for scenario, scope in sorted(inside.scopes.items()):
            name = f"scenario.{scenario}.rows.age"
            making.add(name, scope_of_scenario(scenario), Holds.ROWS, _secret_rows(tx, scope))
        assets = snapshots(tx) if making.wish.data else {}
        head, note, revision, now = log.head(tx), _newest_note(tx), _revision(tx), tx.now
    _files(making, inside)
    _snapshots(making, assets)
    if making.wish.keys_for:
        secret = _tree(source.home, source.home / "keys")
        making.add("keys.age", RECORD, Holds.KEYS, tarred(secret))
    said = Manifest(
        id=f"B-{now:%Y%m%dT%H%M%S}-{token_hex(4)}",
        domain=source.domain,
        at=now,
        schema=revision,
        size=head.size,
        root=head.root,
        hashing=head.hashing,
        checkpoint=note,
        with_data=making.wish.data,
        tables=tuple(tables),
        parts=tuple(making.parts),
        key=source.key.id,
    )
    _close(making, said, to)
    return said


def _close(making: _Making, said: Manifest, to: Path) -> None:
    """Sign the manifest, note the backup in the log, and only then give it its name."""
    content = manifest.sign(said, making.source.key)
    path = making.folder / manifest.FILE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    _sync(making.folder)
    told: dict[str, str | int] = {
        "manifest": digest_of(content),
        "size": said.size,
        "parts": len(said.parts),
        "data": int(said.with_data),
        "keys_for": making.wish.keys_for,
        "key": said.key,
    }
    with making.source.record.writing() as tx:
        tx.note(Event(MADE, said.id, "system", told))
    making.folder.rename(to)
    _sync(to.parent)


def line_of(table: Table, row: Mapping[str, Any]) -> bytes:
    """Return a row as a backup has it: the same from every database."""
    return dump([table.name, dict(row)]).encode() + b"\n"


def _rows(tx: Reading, code: Collection[Digest], tables: list[TableFacts]) -> Iterator[bytes]:
    """Write every table's rows without what is data in them, and count and hash them meanwhile."""
    for table in metadata.sorted_tables:
        counted, hashed = 0, hashlib.sha256()
        for row in paged(tx, table):
            kept = row if table is blob and row["digest"] not in code else scrubbed(table, row)
            if kept is not None:
                line = line_of(table, kept)
                hashed.update(line)
                counted += 1
                yield line
        digest = Digest(f"sha256:{hashed.hexdigest()}")
        tables.append(TableFacts(name=table.name, rows=counted, digest=digest))


def _secret_rows(tx: Reading, scope: Scope) -> Iterator[bytes]:
    """Write the rows of one scenario that are data, whole."""
    for job in sorted(scope.jobs):
        for table in (hold, inspection):
            for row in tx.rows(select(table).where(table.c.job == job)):
                yield line_of(table, row._asdict())
    for digest in sorted(scope.codes):
        for row in tx.rows(select(blob).where(blob.c.digest == digest)):
            yield line_of(blob, row._asdict())


def _files(making: _Making, inside: Inside) -> None:
    """Write what lies in the home: what waits in quarantine first, since that is what goes first."""
    home = making.source.home
    shelf, quarantine = Shelf(home / "shelf"), Quarantine(home / "quarantine")
    for scenario, scope in sorted(inside.scopes.items()):
        released = _shelved(shelf, scope.files)
        files = chain(_waiting(home, quarantine, scope), released)
        name = f"scenario.{scenario}.files.age"
        making.add(name, scope_of_scenario(scenario), Holds.FILES, tarred(files))
    public: list[Member] = [(name, home / name) for name in _PUBLIC if (home / name).exists()]
    rest = chain(public, _tree(home, home / "images"), _shelved(shelf, inside.certificates))
    making.add("home.files.age", RECORD, Holds.FILES, tarred(rest))


def _snapshots(making: _Making, assets: Mapping[str, Collection[Digest]]) -> None:
    home = making.source.home
    for asset, digests in sorted(assets.items()):
        name = f"asset.{asset}.files.age"
        making.add(name, scope_of_asset(asset), Holds.FILES, tarred(_of_asset(home, digests)))


def _of_asset(home: Path, digests: Collection[Digest]) -> Iterator[Member]:
    for digest in sorted(digests):
        try:
            intact_snapshot(digest, data=home / "data")
        except UnknownAssetError:
            raise VanishedError("a snapshot is no longer there") from None
        folder = folder_of(digest, data=home / "data")
        # a folder in it, the sealed store, is built again from the table on first need
        yield from _plain(home, folder.iterdir())


def _waiting(home: Path, quarantine: Quarantine, scope: Scope) -> Iterator[Member]:
    """Name the files of every attempt that waits for its verdict, and the notes of every run."""
    for job, epoch in scope.waiting:
        attempt = quarantine.files(job, epoch)
        if attempt is None:
            raise VanishedError(f"what job {job} left is no longer there")
        yield from ((str(path.relative_to(home)), path) for path in attempt)
    for path in quarantine.notes():
        if quarantine.job_of(path) in scope.jobs:
            yield str(path.relative_to(home)), path


def _shelved(shelf: Shelf, digests: Iterable[Digest]) -> Iterator[Member]:
    for digest in sorted(digests):
        yield f"shelf/{hexed(digest)}", shelf.held(digest)


def _tree(home: Path, folder: Path) -> Iterator[Member]:
    """Name every plain file below `folder`."""
    return _plain(home, folder.rglob("*"))


def _plain(home: Path, paths: Iterable[Path]) -> Iterator[Member]:
    for path in sorted(paths):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(home)), path


def hexed(digest: Digest) -> str:
    """Return the digits of a digest: what its file is called."""
    return digest.removeprefix("sha256:")


def _newest_note(tx: Reading) -> str:
    row = tx.one(select(log_checkpoint.c.note).order_by(log_checkpoint.c.size.desc()))
    return row.note if row else ""


def _revision(tx: Reading) -> str:
    row = tx.one(select(column("version_num")).select_from(named_table("alembic_version")))
    return str(row.version_num) if row else ""


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
