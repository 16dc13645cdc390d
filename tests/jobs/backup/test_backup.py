import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyrage import x25519  # type: ignore[import-untyped]

from jobs.backup import manifest
from jobs.backup.agekeys import BackupKeyError, BackupKeys
from jobs.backup.making import MADE, BackupError, VanishedError, Wish, backup
from jobs.backup.manifest import Holds, Manifest
from jobs.backup.restore import check
from jobs.backup.sealing import LockedError, seal, tarred, unseal
from jobs.errors import RecordBrokenError
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.event import Event
from jobs.record.log import Filter
from tests.jobs.record.estate import LOANS, Estate, canary, dumped, holds, keys_of
from tests.jobs.steps.town import CANARY


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    made = Estate.made(tmp_path_factory.mktemp("estate") / "home")
    made.held()
    made.reviewed()
    made.town.record.close()
    return made


@pytest.fixture
def estate(template: Estate, tmp_path: Path) -> Iterator[Estate]:
    made = template.copied(tmp_path / "home")
    yield made
    made.town.record.close()


def ring(estate: Estate) -> KeyRing:
    return KeyRing.of(estate.town.keys.release.public)


def scopes(made: Manifest) -> set[str]:
    return {part.scope for part in made.parts}


@pytest.mark.req("D-17")
def test_a_backup_is_signed_and_names_every_part_by_its_digest(
    estate: Estate, tmp_path: Path
) -> None:
    made = backup(estate.source, tmp_path / "B")

    assert check(tmp_path / "B", ring(estate)) == made
    assert scopes(made) == {
        "record", "scenario:SC-1", "asset:BP-LOANS", "asset:BP-TAXES",
    }  # fmt: skip
    [noted] = _entries(estate, MADE)
    assert (noted.subject, noted.facts["size"]) == (made.id, made.size)


def test_no_byte_of_the_data_can_be_read_in_a_backup(estate: Estate, tmp_path: Path) -> None:
    assert estate.found(canary(LOANS))  # control: it stands in the home

    backup(estate.source, tmp_path / "B")

    for path in (tmp_path / "B").iterdir():
        assert not holds(path, canary(LOANS)), path.name
        assert not holds(path, CANARY), path.name


def test_no_secret_key_is_in_a_backup_unless_somebody_is_named_for_it(
    estate: Estate, tmp_path: Path
) -> None:
    recipient = x25519.Identity.generate()

    plain = backup(estate.source, tmp_path / "A")
    with_keys = backup(estate.source, tmp_path / "B", Wish(keys_for=str(recipient.to_public())))

    assert all(part.holds is not Holds.KEYS for part in plain.parts)
    [part] = [part for part in with_keys.parts if part.holds is Holds.KEYS]
    unseal(tmp_path / "B" / part.name, tmp_path / "keys.tar", identities=[recipient])
    assert b"keys/release.key" in (tmp_path / "keys.tar").read_bytes()
    mine = BackupKeys(estate.home / "keys" / "backup").identities()
    with pytest.raises(LockedError):
        unseal(tmp_path / "B" / part.name, tmp_path / "no.tar", identities=mine)


def test_the_snapshots_may_be_left_out(estate: Estate, tmp_path: Path) -> None:
    made = backup(estate.source, tmp_path / "B", Wish(data=False))

    assert not made.with_data
    assert not any(scope.startswith("asset:") for scope in scopes(made))


@pytest.mark.parametrize("spoil", ["flip", "cut", "empty", "swap", "forge"])
def test_a_backup_that_was_altered_is_found_out(estate: Estate, tmp_path: Path, spoil: str) -> None:
    made, folder = backup(estate.source, tmp_path / "B"), tmp_path / "B"
    first, second = (folder / part.name for part in made.parts[:2])
    content, stranger = first.read_bytes(), SigningKey.unsaved("somebody/release")
    forged = manifest.sign(replace(made, key=stranger.id), stranger)
    name, written = {
        "flip": (first.name, content[:-1] + bytes([content[-1] ^ 1])),
        "cut": (first.name, content[:-1]),
        "empty": (first.name, b""),
        "swap": (first.name, second.read_bytes()),
        "forge": (manifest.FILE, forged),
    }[spoil]
    (folder / name).write_bytes(written)

    with pytest.raises(RecordBrokenError):
        check(folder, ring(estate))


def test_a_folder_that_is_there_is_never_written_over(estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "B").mkdir()

    with pytest.raises(BackupError, match="already"):
        backup(estate.source, tmp_path / "B")


def test_a_backup_that_is_cut_short_leaves_nothing_under_its_name(
    estate: Estate, tmp_path: Path
) -> None:
    def cut(part: str) -> None:
        if part == "home.files.age":
            raise OSError("the medium was pulled out")

    with pytest.raises(OSError, match="pulled"):
        backup(estate.source, tmp_path / "B", told=cut)

    assert [path.name for path in tmp_path.iterdir() if "B" in path.name] == []
    assert _entries(estate, MADE) == []


def test_what_was_destroyed_meanwhile_makes_it_begin_again(estate: Estate, tmp_path: Path) -> None:
    job, tries = estate.held("SC-2"), []

    def destroy(part: str) -> None:
        if part == "scenario.SC-2.files.age":
            tries.append(part)
            estate.town.hands.quarantine.discard(job.id, 1)
            if len(tries) == 2:  # now the record says so too: its job was stopped
                estate.town.hands.quarantine.keep(job.id, 1, ())

    made = backup(estate.source, tmp_path / "B", told=destroy)

    assert len(tries) == 2
    assert check(tmp_path / "B", ring(estate)) == made


def test_what_is_gone_for_good_is_said_plainly(estate: Estate, tmp_path: Path) -> None:
    next(estate.shelf._folder.glob("[0-9a-f]*")).unlink()

    with pytest.raises(VanishedError, match="no longer there"):
        backup(estate.source, tmp_path / "B")


@pytest.mark.req("D-17")
def test_a_backup_under_load_is_of_one_moment(estate: Estate, tmp_path: Path) -> None:
    stop, done = threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            done.append(estate.released("SC-2"))

    worker = threading.Thread(target=work)
    worker.start()
    made: list[Manifest] = []
    try:
        while len(done) < 3 and len(made) < 20:
            made.append(backup(estate.source, tmp_path / f"B{len(made)}"))
    finally:
        stop.set()
        worker.join()

    assert len(done) >= 3
    assert made[0].size < made[-1].size
    for number, each in enumerate(made):
        assert check(tmp_path / f"B{number}", ring(estate)) == each
        sizes = {table.name: table.rows for table in each.tables}
        assert sizes["log_entry"] == each.size


def test_each_scope_has_a_key_of_its_own_that_is_made_once(tmp_path: Path) -> None:
    keys = BackupKeys(tmp_path / "backup")

    first = keys.recipient("asset:A")

    assert keys.recipient("asset:A") == first
    assert keys.recipient("asset:B") != first
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "backup").iterdir()} == {0o600}
    keys.destroy("asset:A")
    assert (keys.known("asset:A"), len(keys.identities())) == (None, 1)
    keys.destroy("asset:A")


@pytest.mark.parametrize("scope", ["asset:../x", "asset:", "release:R", "asset:a/b", ""])
def test_a_scope_that_no_file_can_be_called_after_has_no_key(tmp_path: Path, scope: str) -> None:
    with pytest.raises(BackupKeyError):
        BackupKeys(tmp_path).recipient(scope)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    keys = BackupKeys(tmp_path)
    keys.recipient("record")
    (tmp_path / "record.age").chmod(0o644)

    with pytest.raises(BackupKeyError, match="chmod 600"):
        keys.recipient("record")


def test_what_raises_in_a_stream_raises_as_itself(tmp_path: Path) -> None:
    key = x25519.Identity.generate()

    chunks = tarred([("a", tmp_path / "not there")])

    with pytest.raises(FileNotFoundError):
        seal(tmp_path / "a.age", chunks, recipient=str(key.to_public()))


@pytest.mark.parametrize("damage", ["cut", "emptied", "rewritten"])
def test_a_damaged_age_file_is_told_so(tmp_path: Path, damage: str) -> None:
    key, path = x25519.Identity.generate(), tmp_path / "a.age"
    seal(path, [os.urandom(100_000)], recipient=str(key.to_public()))
    whole = path.read_bytes()
    spoilt = {"cut": whole[:-5], "emptied": b"", "rewritten": whole[:300] + bytes(9000)}
    path.write_bytes(spoilt[damage])

    with pytest.raises(RecordBrokenError):
        unseal(path, tmp_path / "a", identities=[key])


def test_the_manifest_quotes_no_row(estate: Estate, tmp_path: Path) -> None:
    backup(estate.source, tmp_path / "B")

    envelope = json.loads((tmp_path / "B" / manifest.FILE).read_bytes())

    assert set(envelope) == {"payload", "payloadType", "signatures"}
    assert keys_of(estate.home).trusted().ring("release").current.id
    assert dumped(estate.town.record)["hold"]


def _entries(estate: Estate, kind: str) -> list[Event]:
    with estate.town.record.reading() as tx:
        return [each.event for each in log.entries(tx, only=Filter(kind=kind), limit=1000)]
