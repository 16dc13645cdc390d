import os
import stat
import subprocess
from pathlib import Path

import pytest

from jobs.errors import NotFoundError, RecordBrokenError
from jobs.proof.bodies import digest_of
from jobs.record.shelf import DigestError, Shelf
from sandbox.asset import Digest
from sandbox.errors import StorageFullError
from tests.jobs.record.examples import BYTES


def test_bytes_are_fetched_only_once_they_were_laid_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")

    digest = shelf.stage(BYTES)
    with pytest.raises(NotFoundError):
        shelf.fetch(digest)
    assert shelf.staged() == [digest]
    shelf.lay_out(digest)
    shelf.lay_out(digest)

    assert digest == digest_of(BYTES)
    assert shelf.fetch(digest) == BYTES
    assert shelf.staged() == []


def test_the_shelf_is_its_owners_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.lay_out(shelf.stage(BYTES))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "shelf").rglob("*")}

    assert modes == {0o700, 0o600}
    assert stat.S_IMODE((tmp_path / "shelf").stat().st_mode) == 0o700


def test_altered_bytes_are_not_handed_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    digest = shelf.stage(BYTES)
    shelf.lay_out(digest)
    (tmp_path / digest.removeprefix("sha256:")).write_bytes(b"other")

    with pytest.raises(RecordBrokenError):
        shelf.fetch(digest)


def test_discarded_bytes_are_gone_and_open_ones_stay(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    open_one, staged = shelf.stage(b"open"), shelf.stage(b"staged")
    shelf.lay_out(open_one)

    shelf.discard(staged)
    shelf.discard(open_one)

    assert shelf.staged() == []
    assert shelf.fetch(open_one) == b"open"
    with pytest.raises(NotFoundError):
        shelf.lay_out(staged)


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "sha256:" + "G" * 64])
def test_what_is_no_digest_reaches_no_file(tmp_path: Path, digest: str) -> None:
    with pytest.raises(DigestError):
        Shelf(tmp_path).fetch(Digest(digest))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], check=True)
    try:
        shelf = Shelf(tmp_path / "shelf")
        with pytest.raises(StorageFullError):
            shelf.stage(bytes(2**20))

        assert [path for path in (tmp_path / "shelf").rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
