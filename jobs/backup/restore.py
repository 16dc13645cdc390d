"""Restoring: a new home and an empty database from a backup, each thing held against what was signed."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from pyrage import x25519  # type: ignore[import-untyped]

from jobs.backup import manifest
from jobs.backup.agekeys import RECORD, BackupKeys, scope_of_asset, scope_of_scenario
from jobs.backup.manifest import Holds, Manifest, Part
from jobs.backup.refill import Rows, refilled
from jobs.backup.sealing import LockedError, digest_file, members, unseal
from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.checkpoint import Checkpoint
from jobs.proof.folder import KeyFolder, replaced
from jobs.proof.ring import KeyRing
from jobs.proof.trusted import TrustedFile
from jobs.record import guard, log
from jobs.record.audit import LogReport, verify_log
from jobs.record.database import Clock, Reading, Record
from jobs.record.event import Event
from jobs.record.gone import gone
from jobs.record.guard import Acceptance, Owner
from jobs.record.inside import every_release, scenario_of, snapshots
from jobs.record.shelf import Shelf
from jobs.record.watermark import Watermark
from sandbox.data.snapshot import intact_snapshot

_FOLDERS = ("keys", "record", "data", "views", "quarantine", "shelf", "images", "run")
_NAMES = re.compile(
    r"shuyu\.toml|keys/[\w.-]+(/[\w.-]+)?|images/[\w./-]+|shelf/[0-9a-f]{64}"
    r"|quarantine/[\w.-]+(/[\w.-]+)?|data/[0-9a-f]{64}/[a-z]+\.[a-z]+",
    re.ASCII,
)
_RECORD_LINE = re.compile(r"^record = .*$", re.MULTILINE)


class RestoreError(JobsError):
    """The backup cannot be restored there, or not without a person's word."""


class LossError(RestoreError):
    """The domain went on after the backup: what it decided and spent since then would be lost."""

    def __init__(self, size: int, known: int) -> None:
        """Say how much, and what to do."""
        super().__init__(
            f"the backup has {size} entries of the log, and {known} were signed: restore a newer one,"
            ' or accept the loss with --accept-loss "why", which closes every privacy budget'
        )
        self.size, self.known = size, known


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the person who restores brings along: it must not come from the backup itself."""

    trusted: TrustedFile
    """The domain's public keys."""
    keys: Path | None = None
    """A folder with the secret keys that are left, as `keys/` of a home has them; or nothing, where the
    backup itself has them. What none of its backup keys opens stays lost."""
    identities: tuple[x25519.Identity, ...] = ()
    """The age keys of whomever the backup's own secret keys were put in for."""
    known: tuple[str, ...] = ()
    """The last signed checkpoints that anybody has: notes of witnesses, of the hub, of the old home."""
    final: str = ""
    """The checkpoint that the person says was the last: where it is in the backup, nothing was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the domain comes back."""

    home: Path
    """A folder that is empty, or is not there."""
    url: str = ""
    """A PostgreSQL database without tables; empty for SQLite in the home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Who restores, and whether that person accepts that something was lost."""

    by: str
    accept_loss: str = ""
    """The reason; empty where no loss is accepted."""
    close: Callable[[Reading], Iterable[str]] = lambda _: ()
    """Names the budgets to close beside those that the record that came back has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The clock, and whom to tell which part is being opened."""

    clock: Clock
    told: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back."""

    manifest: Manifest
    report: LogReport
    locked: tuple[str, ...]
    """The scopes whose key was destroyed: their data did not come back."""
    ready: bool
    """Whether the domain may start; if not, `shuyu record accept` must come first."""


def check(folder: Path, ring: KeyRing) -> Manifest:
    """Hold a backup against its signature and its digests, without opening anything.

    Raise `RecordBrokenError` for what is altered, missing, or signed by nobody who is believed.
    """
    try:
        found = manifest.read((folder / manifest.FILE).read_bytes(), ring)
    except OSError:
        raise RecordBrokenError(f"{folder.name} holds no manifest: it is no backup") from None
    for part in found.parts:
        path = folder / part.name
        if path.parent != folder or not path.is_file() or path.stat().st_size != part.size:
            raise RecordBrokenError(f"{part.name} is missing, or is not of its size")
        if digest_file(path) != part.digest:
            raise RecordBrokenError(f"{part.name} was altered")
    return found


def restore(folder: Path, place: Place, trust: Trust, word: Word, *, tools: Tools) -> Restored:
    """Bring the backup in `folder` back at `place`, where there is nothing yet, and verify all of it.

    Raise `RestoreError` where there is something, `LossError` where the domain went on after the
    backup and nobody accepted that, `LockedError` where no key opens the record, and
    `RecordBrokenError` where the backup is not what was signed. Nothing is left behind then.
    """
    said = check(folder, trust.trusted.ring("release"))
    newest = _newest(trust)
    if newest and newest.head.size > said.size and not word.accept_loss:
        raise LossError(said.size, newest.head.size)
    with _staged(place.home) as staging:
        url = place.url or f"sqlite:///{staging / 'record' / 'record.db'}"
        opening = _Opening(folder=folder, staging=staging, trust=trust, tools=tools)
        _bring_keys(opening, said)
        unpacked = _unpack(opening, said)
        _settle(staging, place)
        with refilled(unpacked.rows, said, url, clock=tools.clock) as record:
            tools.told("log")
            report = verify_log(record, trust.trusted.ring("log"), known=_inside(trust, said))
            if report.head != said.head:
                raise RecordBrokenError("the log is not the one that the backup was signed over")
            _demand_complete(record, said, unpacked.locked, staging)
            _note(record, said, trust, word)
            ready = _welcomed(record, said, trust, word, staging=staging)
    return Restored(manifest=said, report=report, locked=unpacked.locked, ready=ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    folder: Path
    staging: Path
    trust: Trust
    tools: Tools

    def open(self, part: Part) -> Path:
        """Decrypt one part into the staging folder."""
        self.tools.told(part.name)
        plain = self.staging / ".opened" / part.name
        mine = BackupKeys(self.staging / "keys" / "backup").identities()
        unseal(self.folder / part.name, plain, identities=[*self.trust.identities, *mine])
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unpacked:
    rows: Rows
    locked: tuple[str, ...]


@contextmanager
def _staged(home: Path) -> Iterator[Path]:
    """Give a folder beside `home` that becomes it, or is gone."""
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise RestoreError(f"{home} is not an empty folder: a domain comes back in a new one")
    home.parent.mkdir(parents=True, exist_ok=True)
    staging = home.with_name(f".{home.name}.{token_hex(6)}.restoring")
    staging.mkdir(mode=0o700)
    try:
        for name in (*_FOLDERS, ".opened"):
            (staging / name).mkdir(mode=0o700)
        yield staging
        shutil.rmtree(staging / ".opened")
        for folder in (staging, *(path for path in staging.rglob("*") if path.is_dir())):
            _sync(folder)
        staging.rename(home)
        _sync(home.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _bring_keys(opening: _Opening, said: Manifest) -> None:
    """Put the domain's keys into the home: the person's own, or those that the backup has for somebody."""
    keys, trust = opening.staging / "keys", opening.trust
    if trust.keys is not None:
        for path in (*trust.keys.glob("*.key"), *trust.keys.glob("backup/*.age")):
            to = keys / path.relative_to(trust.keys)
            to.parent.mkdir(mode=0o700, exist_ok=True)
            to.write_bytes(path.read_bytes())
            to.chmod(0o600)
    else:
        for part in said.parts:
            if part.holds is Holds.KEYS:
                _put(opening.open(part), opening.staging)
    # what the domain signed last is for the person to say
    (keys / "last-checkpoint").unlink(missing_ok=True)
    replaced(keys / "trusted.toml", trust.trusted.text().encode())


def _unpack(opening: _Opening, said: Manifest) -> _Unpacked:
    """Open every part for which there is a key: files into the home, rows into files to read from."""
    rows: dict[str, Path] = {}
    locked: set[str] = set()
    for part in said.parts:
        if part.holds is Holds.KEYS:
            continue
        try:
            plain = opening.open(part)
        except LockedError:
            if part.scope == RECORD:
                raise
            locked.add(part.scope)
            continue
        if part.holds is Holds.ROWS:
            rows[part.scope] = plain
        else:
            _put(plain, opening.staging)
            plain.unlink()
    whole = rows.pop(RECORD)
    return _Unpacked(
        rows=Rows(whole=whole, secret=tuple(rows[scope] for scope in sorted(rows))),
        locked=tuple(sorted(locked)),
    )


def _put(archive: Path, staging: Path) -> None:
    for name, content in members(archive):
        if not _NAMES.fullmatch(name) or ".." in name:
            raise RecordBrokenError("the backup has a file that no home has")
        path = staging / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = 0o400 if name.startswith("data/") else 0o600
        if path.exists():
            continue  # two scenarios may have let the same bytes out
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            shutil.copyfileobj(content, out)
            out.flush()
            os.fsync(out.fileno())


def _settle(staging: Path, place: Place) -> None:
    """Put the record's address into the settings."""
    settings = staging / "shuyu.toml"
    if not settings.is_file():
        raise RecordBrokenError("the backup holds no settings")
    line = f'record = "{place.url}"'
    settings.write_text(_RECORD_LINE.sub(lambda _: line, settings.read_text("utf-8")), "utf-8")


def _demand_complete(
    record: Record, said: Manifest, locked: tuple[str, ...], staging: Path
) -> None:
    """Demand that what the record names is there and is itself, but for what nobody can open."""
    shelf = Shelf(staging / "shelf")
    with record.reading() as tx:
        lost = gone(tx)
        for out in every_release(tx):
            files = tuple(file.digest for file in out.files)
            there = out.id not in lost and scope_of_scenario(scenario_of(out.grant)) not in locked
            for digest in (out.certificate, *(files if there else ())):
                shelf.fetch(digest)
        assets = snapshots(tx) if said.with_data else {}
    for asset, digests in assets.items():
        for digest in digests if scope_of_asset(asset) not in locked else ():
            intact_snapshot(digest, data=staging / "data")


def _newest(trust: Trust) -> Checkpoint | None:
    ring = trust.trusted.ring("log")
    notes = [note for note in (*trust.known, trust.final) if note]
    return max(map(ring.open, notes), key=lambda each: each.head.size, default=None)


def _inside(trust: Trust, said: Manifest) -> Iterator[str]:
    """Yield the notes from elsewhere that the backup's log must agree with."""
    ring = trust.trusted.ring("log")
    for note in (*trust.known, trust.final, said.checkpoint):
        if note and ring.open(note).head.size <= said.size:
            yield note


def _note(record: Record, said: Manifest, trust: Trust, word: Word) -> None:
    newest = _newest(trust)
    told: dict[str, str | int] = {
        "size": said.size,
        "root": said.root.hex(),
        "known_size": newest.head.size if newest else "unknown",
        "nothing_lost": int(bool(trust.final)),
        "reason": word.accept_loss,
    }
    with record.writing() as tx:
        tx.note(Event("record.restored", said.id, word.by, told))


def _welcomed(record: Record, said: Manifest, trust: Trust, word: Word, *, staging: Path) -> bool:
    """Let the domain start where nothing was lost, or a person accepted that: then budgets are closed.

    An answer leaves only with a certificate, whose checkpoint raises the watermark: where the last
    one is in the backup, every answer that ever left is paid for in it. Otherwise the home has no
    watermark, and no process enters its record before `shuyu record accept`.
    """
    ring = trust.trusted.ring("log")
    folder = KeyFolder(path=staging / "keys", name=said.domain, suite=ring.current.suite)
    mark = Watermark(path=staging / "keys" / "last-checkpoint")
    owner = Owner(domain=said.domain, hashing=said.hashing, ring=ring, watermark=mark)
    if not (staging / "keys" / "log.key").is_file():
        return False
    newest = _newest(trust)
    lost = newest is not None and newest.head.size > said.size
    if trust.final and not lost:
        with record.writing() as tx:
            note = log.checkpoint(tx, folder.signing("log")).note
        mark.replace(note)
        return True
    if not word.accept_loss:
        return False
    if newest is not None and lost:
        mark.replace(newest.note)  # the acceptance then says how much
    with record.reading() as tx:
        close = tuple(word.close(tx))
    word_given = Acceptance(by=word.by, reason=word.accept_loss, close=close)
    guard.accept(record, owner, word_given, key=lambda: folder.signing("log"))
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
