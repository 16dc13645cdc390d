"""The register of the images that jobs may run: what was imported, under its id, never by a tag."""

import os
import re
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.archive import chunks, rewrite
from sandbox.runner.engine import Engine, Inspection

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ODD = ("Volumes", "Healthcheck", "OnBuild", "Entrypoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One image that jobs may run."""

    name: str
    digest: ImageDigest


_REGISTER = TypeAdapter(tuple[Registered, ...])


class Images:
    """The domain's images: a file that the keeper alone writes."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        """Keep the register in `folder`, which is made with its first image."""
        self._folder, self._engine = folder, engine
        self._lock = threading.Lock()

    def listed(self) -> tuple[Registered, ...]:
        """Return the register, in the order of registration."""
        file = self._folder / "register.json"
        return _REGISTER.validate_json(file.read_bytes()) if file.exists() else ()

    def is_registered(self, digest: ImageDigest) -> bool:
        """Say whether jobs may run this image."""
        return any(image.digest == digest for image in self.listed())

    def named(self, name: str) -> ImageDigest | None:
        """Return the image that bears this name, or nothing."""
        return next((image.digest for image in self.listed() if image.name == name), None)

    def import_archive(self, archive: Path, *, name: str) -> ImageDigest:
        """Check, load and register an archive of `docker save`; raise `ImageError` where it does not pass."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            clean = Path(folder) / "image.tar"
            rewrite(archive, clean)
            loaded = self._engine.load(chunks(clean))
        if len(loaded) != 1:
            raise ImageError("the engine did not take exactly one image from the archive")
        return self.register(ImageDigest(loaded[0]), name=name)

    def register(self, digest: ImageDigest, *, name: str) -> ImageDigest:
        """Register an image that the engine has; its former holder of that name stays registered under its id."""
        if not _DIGEST.fullmatch(digest):
            raise ImageError(
                "an image is named by its id, sha256: and 64 hexadecimal digits, never by a tag"
            )
        if not _NAME.fullmatch(name):
            raise ImageError("an image's name is up to 64 of a-z, 0-9, dot, hyphen and underscore")
        seen = self._engine.image(digest)
        if seen is None or seen["Id"] != digest:
            raise ImageError("the engine has no image of that id")
        _hold_plain(seen)
        with self._lock:
            self._write(Registered(name=name, digest=digest))
        return digest

    def _write(self, image: Registered) -> None:
        others = tuple(one for one in self.listed() if one.digest != image.digest)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = self._folder / "register.json.new"
        with file.open("wb") as opened:
            # The newest comes first, so that a name means the image that was last given it.
            opened.write(_REGISTER.dump_json((image, *others), indent=1))
            opened.flush()
            os.fsync(opened.fileno())
        file.replace(self._folder / "register.json")


def _hold_plain(seen: Inspection) -> None:
    """Raise `ImageError` where an image would bring something into a job that its order does not state."""
    odd = [name for name in _ODD if seen["Config"].get(name)]
    if odd:
        raise ImageError(
            f"the image declares {', '.join(odd)}: import it as an archive, which strips them"
        )
