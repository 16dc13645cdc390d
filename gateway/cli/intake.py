"""How an image comes into a domain: examined, held where it brings data, signed by the institution, noted, and only then loaded."""

import errno
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from gateway.cli.domain import now, opened
from gateway.cli.office import who
from gateway.home import Home, HomeError
from jobs.record.database import Record
from jobs.record.event import Event
from sandbox.asset import ImageDigest
from sandbox.errors import StorageFullError
from sandbox.runner.client import KeeperClient
from sandbox.runner.examine import Examined
from sandbox.runner.images import head_of
from sandbox.runner.register import NAME, Belief, Entry, Line, Sign, Source, Trust, signed

SIGNS = "grant"
"""The part whose key signs for images: the one by which the institution allows things."""
_WORK, _BILL = "work-", "bill.json"
_STALE_SECONDS = 86400
_SHOWN = TypeAdapter(tuple[tuple[str, str, int], ...])
_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An image that waits for a person of the institution."""

    entry: Entry
    named: tuple[tuple[str, str, int], ...]
    """The files that look like data: kind, path and bytes, the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One domain, as images come into it."""

    home: Home
    record: Record

    @property
    def keeper(self) -> KeeperClient:
        """The keeper, which alone speaks to the engine."""
        return KeeperClient(self.home.path / "run" / "keeper.sock")

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """Give a folder that the keeper can reach, and that is gone afterwards unless it was moved."""
        waiting = self._waiting()
        waiting.mkdir(mode=0o700, exist_ok=True)
        for left in waiting.glob(f"{_WORK}*"):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:  # its command was killed
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=waiting, prefix=_WORK))
        try:
            yield folder
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StorageFullError(
                    "the disk is full: an image needs three times its size"
                ) from error
            raise HomeError(f"the image could not be read or written: {error.strerror}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def register(self, digest: ImageDigest, *, name: str) -> ImageDigest:
        """Sign for an image that the engine has, such as one of `images/build.sh`; one that stands there already stays."""
        _hold_name(name)
        if dict(reversed(self.keeper.found().images)).get(name) == digest:
            return digest
        line = self._signed(Entry(name=name, digest=digest, by=who()))
        return self.keeper.register_image(digest, name=name, line=line)

    def take(self, examined: Examined, *, name: str, source: Source) -> ImageDigest | Held:
        """Take an examined image in, or hold it where it brings data."""
        entry = Entry(
            name=name,
            digest=examined.digest,
            source=source,
            by=who(),
            was=examined.was,
            bill=hashlib.sha256(examined.bill).hexdigest(),
            findings=examined.findings,
        )
        folder = examined.archive.parent
        (folder / _BILL).write_bytes(examined.bill)
        if examined.findings:
            return self._hold(entry, examined)
        return self._entered(entry, folder)

    def accept(self, digest: str, *, by: str, reason: str) -> ImageDigest:
        """Take a held image in after all, on a person's word."""
        held, folder = self.held(digest), self._waiting() / _plain(digest)
        taken = self._entered(replace(held.entry, accepted_by=by, reason=reason), folder)
        shutil.rmtree(folder)
        return taken

    def discard(self, digest: str) -> None:
        """Let go of a held image."""
        held = self.held(digest)
        with self.record.writing() as tx:
            tx.note(Event("image.discarded", held.entry.digest, who(), {"name": held.entry.name}))
        shutil.rmtree(self._waiting() / _plain(digest))

    def held(self, digest: str) -> Held:
        """Return the held image of this id; raise `HomeError` where there is none."""
        folder = self._waiting() / _plain(digest)
        if not (folder / "entry.json").exists():
            raise HomeError(f"no image {digest} is held: `shuyu image held` lists those that are")
        entry = _ENTRY.validate_json((folder / "entry.json").read_bytes())
        return Held(entry=entry, named=_SHOWN.validate_json((folder / "named.json").read_bytes()))

    def all_held(self) -> tuple[Held, ...]:
        """Return every held image."""
        names = sorted(path.parent.name for path in self._waiting().glob("*/entry.json"))
        return tuple(self.held(name) for name in names if not name.startswith(_WORK))

    def bill(self, entry: Entry) -> bytes:
        """Return an image's bill of materials; raise `HomeError` where there is none, or where it was altered."""
        file = self._bill(entry.digest)
        content = file.read_bytes() if file.exists() else b""
        if not entry.bill:
            raise HomeError(f"no bill of materials was made for {entry.name}: it was not imported")
        if hashlib.sha256(content).hexdigest() != entry.bill:
            raise HomeError(f"the bill of materials of {entry.name} is gone or was altered: {file}")
        return content

    def _hold(self, entry: Entry, examined: Examined) -> Held:
        shown = tuple((str(kind), path, size) for kind, path, size in examined.scanned.named)
        folder = examined.archive.parent
        (folder / "named.json").write_bytes(_SHOWN.dump_json(shown))
        (folder / "entry.json").write_bytes(_ENTRY.dump_json(entry))
        place = self._waiting() / _plain(entry.digest)
        with self.record.writing() as tx:
            tx.note(Event("image.held", entry.digest, entry.by, _facts(entry)))
        shutil.rmtree(place, ignore_errors=True)
        folder.rename(place)
        return Held(entry=entry, named=shown)

    def _entered(self, entry: Entry, folder: Path) -> ImageDigest:
        """Sign for the image in a folder, and have it loaded and registered."""
        self._keep_bill(entry, (folder / _BILL).read_bytes())
        return self.keeper.import_image(folder / "image.tar", line=self._signed(entry))

    def _signed(self, entry: Entry) -> Line:
        """Sign an entry as the register's next line, and note it: the log then vouches for the register."""
        after = head_of(self.home.path / "images")
        line = signed(replace(entry, at=now().isoformat(), after=after), sign_of(self.home))
        actor = entry.accepted_by or entry.by
        with self.record.writing() as tx:
            facts = {**_facts(entry), "line": line.digest}
            tx.note(Event("image.signed", entry.digest, actor, facts))
        return line

    def _keep_bill(self, entry: Entry, content: bytes) -> None:
        file = self._bill(entry.digest)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_bytes(content)
        new.replace(file)

    def _bill(self, digest: str) -> Path:
        return self.home.path / "images" / "bills" / f"{_plain(digest)}.cdx.json"

    def _waiting(self) -> Path:
        return self.home.path / "run" / "images"


def enter(home: Home, digest: ImageDigest, *, name: str) -> ImageDigest:
    """Register one of the domain's own images, as `shuyu image register` does."""
    with opened(home) as record:
        return Intake(home=home, record=record).register(digest, name=name)


def sign_of(home: Home) -> Sign:
    """Return what signs for images."""
    key = home.key(SIGNS)
    return lambda message: (key.id, key.sign(message))


def trust_of(home: Home) -> Trust:
    """Return what judges such signatures, by the keys as they are known at that moment."""

    def judge(key: str, signature: bytes, message: bytes) -> Belief:
        known = home.ring(SIGNS).signer(key, signature, message)
        if known is None:
            return Belief.FORGED
        return Belief.GOOD if known.revoked is None else Belief.DISOWNED

    return judge


def _facts(entry: Entry) -> Mapping[str, str | int]:
    found = ", ".join(f"{one.kind} {one.files} files {one.size} bytes" for one in entry.findings)
    facts = {"name": entry.name, "source": entry.source, "bill": entry.bill, "outside_data": found}
    return {**facts, "reason": entry.reason}


def _hold_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise HomeError("an image's name is up to 64 of a-z, 0-9, dot, hyphen and underscore")


def _plain(digest: str) -> str:
    """Return an id as a file's name; raise `HomeError` where it is none."""
    hexadecimal = digest.removeprefix("sha256:")
    if len(hexadecimal) != hashlib.sha256().digest_size * 2 or not hexadecimal.isalnum():
        raise HomeError("an image is named by its id, sha256: and 64 hexadecimal digits")
    return hexadecimal
