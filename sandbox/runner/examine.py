"""Takes an image apart before anything of it reaches the engine, and puts it together anew: checked, plain, listed, scanned."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.archive import opened_archive, unpacked
from sandbox.runner.clean import CleanArchive
from sandbox.runner.layers import Tree
from sandbox.runner.oci import Blobs, brought
from sandbox.runner.outside import Finding
from sandbox.runner.sbom import MAX_FILE_BYTES, bill, is_wanted
from sandbox.runner.scan import Scanned, Seen, scan
from sandbox.runner.tape import Writer

_PIECE = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """An image that may be loaded, and what is to be known of it before it is."""

    digest: ImageDigest
    """The id that it will have in the engine."""
    was: str
    """The id that it was brought under."""
    archive: Path
    """The archive to load."""
    scanned: Scanned
    bill: bytes
    """Its bill of materials, CycloneDX JSON."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What of it counts as outside data."""
        return self.scanned.findings


def examine(
    source: Path,
    folder: Path,
    *,
    name: str,
    own: ImageDigest | None = None,
    above: Callable[[Tree], Path] | None = None,
) -> Examined:
    """Check the image in `source`, and write it plainly to `folder`/image.tar.

    Where it is to be the domain's `own` image of that id, its layers stay as they are, and hold no outside data. `above` makes
    a layer to lay on top, unpacked, given what lies below. Raise `ImageError` where the image does not pass.
    """
    with ExitStack() as stack:
        blobs = stack.enter_context(opened_archive(source, scratch=folder))
        image = brought(blobs)
        if own and image.digest != own:
            raise ImageError("the base is not the image that is registered: register it anew")
        work = _Work(stack, folder)
        with (folder / "image.tar").open("wb") as file:
            clean = CleanArchive(file)
            for packed in image.layers:
                layer = work.unpacked(blobs, packed.name, packed.diff_id)
                work.lay(layer, clean, own=own is not None)
            if above is not None:
                work.lay(stack.enter_context(above(work.tree).open("rb")), clean, own=False)
            work.tree.hold_mountable()
            digest = clean.describe(image.config)
        return Examined(
            digest=digest,
            was=image.digest,
            archive=folder / "image.tar",
            scanned=scan(work.unknown()),
            bill=bill(digest, name, work.listing()),
        )


class _Work:
    """The layers of one image while it is examined."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.tree = Tree()
        self._stack, self._folder = stack, folder
        self._layers: list[tuple[IO[bytes], bool]] = []

    def unpacked(self, blobs: Blobs, name: str, diff_id: str) -> IO[bytes]:
        """Unpack a layer, and see that it is the one that is described."""
        with blobs.opened(name) as packed:
            plain = unpacked(packed, scratch=self._folder, diff_id=diff_id)
            return self._stack.enter_context(plain)

    def lay(self, layer: IO[bytes], clean: CleanArchive, *, own: bool) -> None:
        """Lay a layer on, and write it."""
        with clean.layer() as writer:
            if own:
                self.tree.lay(layer)
                _copy(layer, writer)
            else:
                self.tree.lay(layer, writer)
        self._layers.append((layer, own))

    def unknown(self) -> Iterator[Seen]:
        """Give the files that did not come from the domain itself."""
        for path, file in self.tree.files():
            layer, own = self._layers[file.layer]
            if not own:
                yield Seen(path=path, size=file.size, read=partial(_read, layer, file.offset))

    def listing(self) -> Iterator[tuple[str, bytes]]:
        """Give the files that tell of packages."""
        for path, file in self.tree.files():
            if is_wanted(path) and file.size <= MAX_FILE_BYTES:
                layer, _ = self._layers[file.layer]
                yield path, _read(layer, file.offset, 0, file.size)


def _read(layer: IO[bytes], offset: int, at: int, size: int) -> bytes:
    layer.seek(offset + at)
    return layer.read(size)


def _copy(layer: IO[bytes], writer: Writer) -> None:
    layer.seek(0)
    while piece := layer.read(_PIECE):
        writer.put(piece)
