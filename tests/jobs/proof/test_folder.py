import shutil
import stat
from pathlib import Path

import pytest

from jobs.proof.folder import KeyFolder
from jobs.proof.keys import KeyFileError, Suite
from jobs.proof.trusted import PARTS, RETIRED, PutAway


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(path=tmp_path, name="shuyu.test", suite=Suite.ED25519)
    made.make()
    return made


def test_only_the_owner_reads_the_files(folder: KeyFolder) -> None:
    folder.following("log")

    for path in folder.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert {path.name for path in folder.path.iterdir()} == {
        *(f"{part}.key" for part in PARTS),
        *("log.next", "trusted.toml"),
    }


@pytest.mark.parametrize("suite", Suite)
def test_each_part_signs_with_the_key_that_verifiers_are_given(
    tmp_path: Path, suite: Suite
) -> None:
    folder = KeyFolder(path=tmp_path, name="shuyu.test", suite=suite)
    folder.make()

    for part in PARTS:
        assert folder.signing(part).public == folder.trusted().ring(part).current
        assert folder.signing(part).public.name == f"shuyu.test/{part}"
        assert folder.signing(part).public.suite is suite


def test_swapped_key_files_are_told_apart_and_not_used(folder: KeyFolder) -> None:
    release, log = folder.path / "release.key", folder.path / "log.key"
    release.rename(folder.path / "aside")
    log.rename(release)
    (folder.path / "aside").rename(log)

    with pytest.raises(
        KeyFileError, match=r"keys/release\.key .* but the key of `log`: .* swapped"
    ):
        folder.signing("release")
    with pytest.raises(KeyFileError, match=r"keys/log\.key .* but the key of `release`"):
        folder.signing("log")


def test_a_key_of_another_domain_is_not_used(folder: KeyFolder, tmp_path: Path) -> None:
    other = KeyFolder(path=tmp_path / "other", name="shuyu.test", suite=Suite.ED25519)
    other.path.mkdir()
    other.make()
    shutil.copy(other.path / "log.key", folder.path / "log.key")

    with pytest.raises(KeyFileError, match="but one of elsewhere: put the right file back"):
        folder.signing("log")


def test_a_key_of_the_other_suite_is_not_used(folder: KeyFolder) -> None:
    changed = KeyFolder(path=folder.path, name="shuyu.test", suite=Suite.SM2)

    with pytest.raises(KeyFileError, match="the suite is chosen when a domain is made"):
        changed.signing("log")


def test_a_missing_key_and_one_that_others_may_read_are_told_so(folder: KeyFolder) -> None:
    (folder.path / "log.key").unlink()
    (folder.path / "grant.key").chmod(0o604)

    with pytest.raises(KeyFileError, match=r"log\.key cannot be read"):
        folder.signing("log")
    with pytest.raises(KeyFileError, match="chmod 600 mends it"):
        folder.signing("grant")


def test_public_keys_that_are_missing_or_bent_are_told_so(folder: KeyFolder) -> None:
    folder.trusted_path.write_bytes(b"\xff")
    with pytest.raises(KeyFileError, match=r"trusted\.toml cannot be used"):
        folder.trusted()
    folder.trusted_path.write_text("release = []")
    with pytest.raises(KeyFileError, match=r"trusted\.toml cannot be used"):
        folder.signing("log")
    folder.trusted_path.unlink()
    with pytest.raises(KeyFileError, match=r"trusted\.toml cannot be read"):
        folder.signing("log")


def test_the_next_key_is_made_once_and_signs_only_when_the_file_of_public_keys_has_it(
    folder: KeyFolder,
) -> None:
    first, after = folder.signing("log"), folder.following("log")
    assert folder.following("log").public == after.public
    folder.settle(folder.trusted())
    assert folder.signing("log").public == first.public

    line = PutAway(key=first.id, size=4, at="")
    folder.settle(folder.trusted().followed("log", after.public).put_away(RETIRED, line))

    assert folder.signing("log").public == after.public
    assert not (folder.path / "log.next").exists()
    assert _private_bytes(folder) == dict.fromkeys(PARTS, 1)


def test_a_change_of_keys_that_was_cut_short_is_told_so(folder: KeyFolder) -> None:
    after = folder.following("log")
    line = PutAway(key=folder.signing("log").id, size=4, at="")
    changed = folder.trusted().followed("log", after.public).put_away(RETIRED, line)
    folder.trusted_path.write_text(changed.text())

    with pytest.raises(KeyFileError, match="cut short; `shuyu key list` completes it"):
        folder.signing("log")
    folder.settle(changed)
    assert folder.signing("log").public == after.public


def _private_bytes(folder: KeyFolder) -> dict[str, int]:
    return {part: len(list(folder.path.glob(f"{part}.*"))) for part in PARTS}
