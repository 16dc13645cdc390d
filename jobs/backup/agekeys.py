"""The keys of backups: one for the record, one for each asset and scenario, so that each can be destroyed alone.

They are X25519 identities of age (age-encryption.org/v1), a file each. Whoever destroys one has made every
older backup of that asset or scenario unreadable, wherever the backup lies.
"""

import os
import re
import stat
from pathlib import Path
from secrets import token_bytes, token_hex

from pyrage import IdentityError, RecipientError, x25519  # type: ignore[import-untyped]

from jobs.errors import JobsError

RECORD = "record"
_SCOPE = re.compile(r"record|(asset|scenario):[A-Za-z0-9][A-Za-z0-9_.-]{0,120}", re.ASCII)
_SUFFIX = ".age"


class BackupKeyError(JobsError):
    """A backup's key is missing, unreadable, or open to others."""


def scope_of_asset(asset: str) -> str:
    """Name what the key of an asset covers: its snapshots."""
    return f"asset:{asset}"


def scope_of_scenario(scenario: str) -> str:
    """Name what the key of a scenario covers: what its jobs left, was held and was released."""
    return f"scenario:{scenario}"


class BackupKeys:
    """The keys in one folder (`keys/backup` of a home); a key is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """Keep the keys in `folder`, which is made (0700) with the first key."""
        self.folder = folder

    def recipient(self, scope: str) -> str:
        """Return the public half (`age1…`) of this scope's key, which is made where there is none."""
        path = self._path(scope)
        if not path.exists():
            self._make(path)
        return str(self._read(path).to_public())

    def known(self, scope: str) -> str | None:
        """Return the public half of this scope's key, or nothing where there is no key."""
        path = self._path(scope)
        return str(self._read(path).to_public()) if path.exists() else None

    def identities(self) -> list[x25519.Identity]:
        """Return every key that is here: what it does not open, it passes over."""
        return [self._read(path) for path in sorted(self.folder.glob(f"*{_SUFFIX}"))]

    def destroy(self, scope: str) -> None:
        """Overwrite and remove the key; where there is none, nothing is done."""
        path = self._path(scope)
        if not path.exists():
            return
        with path.open("r+b") as file:
            file.write(token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(self.folder)

    def _path(self, scope: str) -> Path:
        if not _SCOPE.fullmatch(scope):
            raise BackupKeyError("a backup's key is for the record, an asset or a scenario")
        return self.folder / (scope.replace(":", ".") + _SUFFIX)

    def _make(self, path: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f".{token_hex(8)}.partial")
        text = str(x25519.Identity.generate()).encode() + b"\n"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(partial, path)  # whole under its name, or not at all; the first one stays
        except FileExistsError:
            pass
        finally:
            partial.unlink()
        _sync(self.folder)

    def _read(self, path: Path) -> x25519.Identity:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BackupKeyError(f"the key {path.name} may be read by others: chmod 600 mends it")
        return read_identity(path)


def read_identity(path: Path) -> x25519.Identity:
    """Return the age identity in a file, past its comments; raise `BackupKeyError` without one."""
    try:
        lines = path.read_text("ascii").splitlines()
        [text] = [line for line in lines if line and not line.startswith("#")]
        return x25519.Identity.from_str(text)
    except (OSError, ValueError, IdentityError):
        raise BackupKeyError(f"{path.name} does not hold one age identity") from None


def read_recipient(text: str) -> x25519.Recipient:
    """Return the recipient that `text` (`age1…`) names; raise `BackupKeyError` without one."""
    try:
        return x25519.Recipient.from_str(text)
    except RecipientError:
        raise BackupKeyError("a recipient is an age public key, age1…") from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
