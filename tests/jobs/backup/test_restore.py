import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyrage import x25519  # type: ignore[import-untyped]

from jobs.backup import manifest
from jobs.backup.agekeys import BackupKeys
from jobs.backup.making import Wish, backup
from jobs.backup.refill import NotEmptyError
from jobs.backup.restore import (
    LossError,
    Place,
    Restored,
    RestoreError,
    Tools,
    Trust,
    Word,
    restore,
)
from jobs.backup.sealing import LockedError
from jobs.errors import RecordBrokenError
from jobs.proof.certificate import verify
from jobs.record import budgets, log
from jobs.record.audit import verify_log
from jobs.record.budgets import Charge
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.faults import NewerSchemaError
from jobs.record.guard import Owner, enter
from jobs.record.log import Filter
from jobs.record.shelf import Shelf
from jobs.record.watermark import RolledBackError, Watermark
from jobs.rules import scopes
from sandbox.asset import AssetId
from sandbox.data.pseudonym_keys import KEY_BYTES, SM3
from sandbox.data.sealed import snapshot_store
from sandbox.data.snapshot import intact_snapshot
from tests.jobs.record.cluster import Cluster
from tests.jobs.record.estate import DOMAIN, LOANS, Estate, dumped, holds, keys_of
from tests.jobs.steps.town import Clock

ME = Word(by="admin:me")
SCOPE = "grant:SC-1.v1"
LATER = ("anchoring", "log_checkpoint", "log_entry", "log_head")
"""The tables that the restore itself adds to."""


@pytest.fixture
def estate(url: str, tmp_path: Path) -> Iterator[Estate]:
    """Give an estate on SQLite and one on PostgreSQL, with something in every room."""
    made = _filled(Estate.made(tmp_path / "home", url))
    yield made
    made.town.record.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    made = _filled(Estate.made(tmp_path_factory.mktemp("estate") / "home"))
    made.town.record.close()
    return made


@pytest.fixture
def small(template: Estate, tmp_path: Path) -> Iterator[Estate]:
    made = template.copied(tmp_path / "home")
    yield made
    made.town.record.close()


def _filled(estate: Estate) -> Estate:
    job = estate.held()
    paid = Charge(job=job.id, epoch=1, scopes=(SCOPE,), rho=10, events_json="[]")
    with estate.town.record.writing() as tx:
        budgets.reserve(tx, paid, Event("budget.reserved", job.id, "system"))
    estate.reviewed()
    estate.released("SC-2")
    return estate


def trust(estate: Estate, **more: object) -> Trust:
    usual = Trust(trusted=keys_of(estate.home).trusted(), keys=estate.home / "keys")
    return replace(usual, **more)  # type: ignore[arg-type] # each by its name


def back(estate: Estate, to: Path, *, given: Trust | None = None, word: Word = ME) -> Restored:
    tools = Tools(clock=Clock())
    return restore(to.parent / "B", Place(home=to), given or trust(estate), word, tools=tools)


def opened(home: Path) -> Record:
    return Record.open(f"sqlite:///{home / 'record' / 'record.db'}", clock=Clock())


def last_note(estate: Estate) -> str:
    return (estate.home / "keys" / "last-checkpoint").read_text()


def signed(estate: Estate) -> str:
    """Sign the log as it stands, as the worker does when it is stopped."""
    with estate.town.record.writing() as tx:
        return log.checkpoint(tx, estate.town.keys.log).note


def owner(home: Path) -> Owner:
    folder = keys_of(home)
    mark = Watermark(path=home / "keys" / "last-checkpoint")
    ring = folder.trusted().ring("log")
    return Owner(domain=DOMAIN, hashing=folder.suite.hashing, ring=ring, watermark=mark)


@pytest.mark.req("D-17")
def test_what_comes_back_is_what_was_there_from_either_database_into_either(
    estate: Estate, tmp_path: Path, cluster: Cluster
) -> None:
    before = dumped(estate.town.record)
    made = backup(estate.source, tmp_path / "B")
    database = f"back_{tmp_path.name.replace('-', '_')}"[:60].lower()
    cluster.make(database)
    lite, postgres = tmp_path / "lite", tmp_path / "postgres"

    back(estate, lite)
    place = Place(home=postgres, url=cluster.url(database))
    restore(tmp_path / "B", place, trust(estate), ME, tools=Tools(clock=Clock()))

    for home, record in ((lite, opened(lite)), (postgres, Record.open(place.url, clock=Clock()))):
        found = dumped(record)
        assert {name: rows for name, rows in found.items() if name not in LATER} == {
            name: rows for name, rows in before.items() if name not in LATER
        }
        assert found["log_entry"][: made.size] == before["log_entry"]
        assert verify_log(record, trust(estate).trusted.ring("log")).head.size == made.size + 1
        assert _files(home) >= _files(estate.home)
        record.close()
    assert f'record = "{place.url}"' in (postgres / "shuyu.toml").read_text()
    assert 'record = ""' in (lite / "shuyu.toml").read_text()


def _files(home: Path) -> set[tuple[str, bytes]]:
    """Return what a home has of data and of released bytes, but for what is built again from the data."""
    found = (path for room in ("data/*", "shelf") for path in home.glob(f"{room}/*"))
    return {(str(path.relative_to(home)), path.read_bytes()) for path in found if path.is_file()}


@pytest.mark.req("D-17")
def test_a_release_from_before_still_verifies_and_its_bytes_are_there(
    small: Estate, tmp_path: Path
) -> None:
    out = small.reviewed()
    backup(small.source, tmp_path / "B")

    back(small, tmp_path / "new")

    shelf = Shelf(tmp_path / "new" / "shelf")
    files = {file.file: shelf.fetch(file.digest) for file in out.files}
    verified = verify(shelf.fetch(out.certificate), keys=small.town.keys.trusted, files=files)
    assert verified.files_seen
    digest = small.assets[LOANS].snapshot
    assert intact_snapshot(digest, data=tmp_path / "new" / "data").is_file()
    [attempt] = [path for path in (tmp_path / "new" / "quarantine").iterdir() if path.is_dir()]
    assert (attempt / ".whole").is_file()


def test_a_domain_that_came_back_does_not_start_before_somebody_answers_for_the_loss(
    small: Estate, tmp_path: Path
) -> None:
    backup(small.source, tmp_path / "B")

    done = back(small, tmp_path / "new")

    assert not done.ready
    record = opened(tmp_path / "new")
    with pytest.raises(RolledBackError):
        enter(record, owner(tmp_path / "new"))
    record.close()


def test_where_the_last_checkpoint_is_in_the_backup_the_domain_goes_on_with_its_budgets(
    small: Estate, tmp_path: Path
) -> None:
    note = signed(small)
    backup(small.source, tmp_path / "B")
    left = small.town.balance(SCOPE).left

    done = back(small, tmp_path / "new", given=trust(small, final=note))

    record = opened(tmp_path / "new")
    enter(record, owner(tmp_path / "new"))
    with record.reading() as tx:
        assert budgets.balance(tx, SCOPE).left == left > 0
        assert budgets.balance(tx, SCOPE).used == 10
        [entry] = log.entries(tx, only=Filter(kind="record.restored"))
    record.close()
    assert (done.ready, entry.event.facts["nothing_lost"]) == (True, 1)


@pytest.mark.req("D-17")
def test_a_backup_that_is_older_than_what_was_signed_needs_a_word_and_closes_every_budget(
    small: Estate, tmp_path: Path
) -> None:
    backup(small.source, tmp_path / "B")
    small.released()
    year = scopes.asset_year(AssetId(LOANS), scopes.year_of(small.town.clock()))
    given = trust(small, known=(last_note(small),))

    with pytest.raises(LossError) as told:
        back(small, tmp_path / "new", given=given)
    assert told.value.known > told.value.size
    assert not (tmp_path / "new").exists()

    word = replace(ME, accept_loss="the disk broke", close=lambda _: (year,))
    done = back(small, tmp_path / "new", given=given, word=word)

    record = opened(tmp_path / "new")
    enter(record, owner(tmp_path / "new"))
    with record.reading() as tx:
        every = [*budgets.opened(tx, ""), year]
        assert len(every) >= 3
        assert {budgets.balance(tx, scope).left for scope in every if "developer" not in scope} == {
            0
        }
    record.close()
    assert done.ready


def test_a_final_checkpoint_that_the_backup_does_not_reach_is_a_loss(
    small: Estate, tmp_path: Path
) -> None:
    backup(small.source, tmp_path / "B")
    small.released()

    with pytest.raises(LossError):
        back(small, tmp_path / "new", given=trust(small, final=last_note(small)))


@pytest.mark.req("M-03")
def test_without_the_key_of_a_scope_all_the_rest_comes_back(small: Estate, tmp_path: Path) -> None:
    backup(small.source, tmp_path / "B")
    for scope in ("asset:BP-LOANS", "scenario:SC-1"):
        BackupKeys(small.home / "keys" / "backup").destroy(scope)

    done = back(small, tmp_path / "new")

    assert done.locked == ("asset:BP-LOANS", "scenario:SC-1")
    found = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert not [path for path in found if holds(path, "CANARY-7f3a-BP-LOANS")]
    assert [path for path in found if holds(path, "CANARY-7f3a-BP-TAXES")]


def test_a_sealed_store_is_in_no_backup_and_is_built_again_on_first_need(
    small: Estate, tmp_path: Path
) -> None:
    taxes = small.assets["BP-TAXES"]
    store = Path("data", taxes.snapshot.removeprefix("sha256:"), "sealed")
    assert (small.home / store).is_dir()
    backup(small.source, tmp_path / "B")

    back(small, tmp_path / "new")

    assert not (tmp_path / "new" / store).exists()
    assert snapshot_store(taxes, data=tmp_path / "new" / "data").rows == taxes.rows
    assert (tmp_path / "new" / store).is_dir()


def test_without_the_records_own_key_nothing_comes_back(small: Estate, tmp_path: Path) -> None:
    backup(small.source, tmp_path / "B")
    BackupKeys(small.home / "keys" / "backup").destroy("record")

    with pytest.raises(LockedError):
        back(small, tmp_path / "new")

    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir() if "restoring" in path.name] == []


@pytest.mark.parametrize("key", [b"p" * KEY_BYTES, SM3 + b"p" * KEY_BYTES])
def test_the_keys_in_a_backup_are_enough_for_whom_they_were_put_in(
    small: Estate, tmp_path: Path, key: bytes
) -> None:
    mine = x25519.Identity.generate()
    (small.home / "keys" / "pseudonym.key").write_bytes(key)
    note = signed(small)
    backup(small.source, tmp_path / "B", Wish(keys_for=str(mine.to_public())))
    trusted = keys_of(small.home).trusted()
    shutil.rmtree(small.home / "keys")

    given = Trust(trusted=trusted, identities=(mine,), final=note)
    done = back(small, tmp_path / "new", given=given)

    assert (done.locked, done.ready) == ((), True)
    assert (tmp_path / "new" / "keys" / "pseudonym.key").read_bytes() == key


def test_nothing_is_restored_over_anything(small: Estate, tmp_path: Path, cluster: Cluster) -> None:
    backup(small.source, tmp_path / "B")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()

    with pytest.raises(RestoreError, match="not an empty folder"):
        back(small, tmp_path / "full")
    place = Place(home=tmp_path / "new", url=cluster.url("migrated"))
    with pytest.raises(NotEmptyError):
        restore(tmp_path / "B", place, trust(small), ME, tools=Tools(clock=Clock()))


def test_rows_that_were_not_signed_are_refused_and_the_database_is_empty_again(
    small: Estate, tmp_path: Path, cluster: Cluster
) -> None:
    made = backup(small.source, tmp_path / "B")
    tables = tuple(replace(each, rows=each.rows + (each.name == "job")) for each in made.tables)
    forged = manifest.sign(replace(made, tables=tables), small.town.keys.release)
    (tmp_path / "B" / manifest.FILE).write_bytes(forged)
    database = f"forged_{tmp_path.name.replace('-', '_')}"[:60].lower()
    cluster.make(database)
    place = Place(home=tmp_path / "new", url=cluster.url(database))

    for _ in range(2):  # were anything left behind, the second would say that it is not empty
        with pytest.raises(RecordBrokenError, match="the rows of job"):
            restore(tmp_path / "B", place, trust(small), ME, tools=Tools(clock=Clock()))


def test_a_backup_of_a_newer_shuyu_is_refused(small: Estate, tmp_path: Path) -> None:
    made = backup(small.source, tmp_path / "B")
    newer = manifest.sign(replace(made, schema="9999"), small.town.keys.release)
    (tmp_path / "B" / manifest.FILE).write_bytes(newer)

    with pytest.raises(NewerSchemaError):
        back(small, tmp_path / "new")


def test_a_log_that_a_checkpoint_from_elsewhere_contradicts_is_refused(
    small: Estate, tmp_path: Path
) -> None:
    other = small.copied(tmp_path / "other")
    other.released("SC-2")
    with other.town.record.writing() as tx:
        note = log.checkpoint(tx, small.town.keys.log).note
    other.town.record.close()
    small.released("SC-2")
    backup(small.source, tmp_path / "B")

    with pytest.raises(RecordBrokenError):
        back(small, tmp_path / "new", given=trust(small, known=(note,)))
