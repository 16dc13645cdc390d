"""The folder of a domain's keys: one private key for each part that signs now, and `trusted.toml`.

A key is followed by another in three writes, each whole or not at all: the new key as `<part>.next`,
`trusted.toml`, and the new key over the old one, which is destroyed by it. What the log has noted is
the truth: `settle` brings the files to it, as often as it is asked, whatever a crash left.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import RecordBrokenError
from jobs.proof import keys
from jobs.proof.keys import KeyFileError, SigningKey, Suite
from jobs.proof.trusted import PARTS, TrustedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFolder:
    """The keys of one domain; the files are 0600."""

    path: Path
    name: str
    """The domain's: a key is called after it and its part, and keeps that name when it is followed."""
    suite: Suite

    @property
    def trusted_path(self) -> Path:
        """The public keys, for verifiers."""
        return self.path / "trusted.toml"

    def make(self) -> None:
        """Make the first key of each part; raise `KeyFileError` where there is one."""
        made = {
            part: keys.make(self._of(part), name=self._name(part), suite=self.suite).public
            for part in PARTS
        }
        first = TrustedFile(keys={part: (key,) for part, key in made.items()})
        replaced(self.trusted_path, first.text().encode())

    def trusted(self) -> TrustedFile:
        """Return what `trusted.toml` says; raise `KeyFileError` where it cannot be used."""
        try:
            return TrustedFile.parse(self.trusted_path.read_text("utf-8"))
        except OSError as error:
            raise KeyFileError(f"keys/trusted.toml cannot be read: {error.strerror}") from None
        except (RecordBrokenError, UnicodeDecodeError) as error:
            raise KeyFileError(f"keys/trusted.toml cannot be used: {error}") from None

    def signing(self, part: str) -> SigningKey:
        """Return the key that signs for `part`.

        Raise `KeyFileError` where its file is missing, open to others, or holds another key than
        `trusted.toml` names last: verifiers would not believe it.
        """
        trusted = self.trusted()
        wanted = trusted.ring(part).current
        found = keys.load(self._of(part), name=self._name(part))
        if found.public != wanted:
            raise KeyFileError(self._mixed_up(part, found, trusted))
        if wanted.suite is not self.suite:
            raise KeyFileError(
                f"keys/{part}.key is of {wanted.suite}, and the setting suite is {self.suite}: "
                "the suite is chosen when a domain is made, and stays"
            )
        return found

    def following(self, part: str) -> SigningKey:
        """Return the key that will sign next for `part`: the one that was begun, or a new one."""
        after = self._next(part)
        if not after.exists():
            half = after.with_suffix(".half")
            half.unlink(missing_ok=True)
            keys.make(half, suite=self.suite)
            moved(half, after)
        return keys.load(after, name=self._name(part))

    def settle(self, trusted: TrustedFile) -> None:
        """Bring the files to `trusted`: public keys first, then each new private key over the old."""
        text = trusted.text().encode()
        if self.trusted_path.read_bytes() != text:
            replaced(self.trusted_path, text)
        for part in PARTS:
            after = self._next(part)
            if after.exists() and self.following(part).public in trusted.keys[part]:
                moved(after, self._of(part))

    def _mixed_up(self, part: str, found: SigningKey, trusted: TrustedFile) -> str:
        told = f"keys/{part}.key does not hold the key {trusted.ring(part).current.id} that signs"
        owner = trusted.owner(found.public.raw)
        if owner is not None and owner != part:
            return (
                f"{told}, but the key of `{owner}`: the files were swapped; put each in its place"
            )
        if owner == part or self._next(part).exists():
            return f"{told}: a change of keys was cut short; `shuyu key list` completes it"
        return f"{told}, but one of elsewhere: put the right file back from where you keep it"

    def _name(self, part: str) -> str:
        return f"{self.name}/{part}"

    def _of(self, part: str) -> Path:
        return self.path / f"{part}.key"

    def _next(self, part: str) -> Path:
        return self.path / f"{part}.next"


def replaced(path: Path, content: bytes) -> None:
    """Put `content` in the place of what is at `path` (0600), whole or not at all."""
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    moved(half, path)


def moved(source: Path, target: Path) -> None:
    """Put the file `source` in the place of `target`, and see that this lasts."""
    source.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
