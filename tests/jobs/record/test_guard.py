import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event as hook

from jobs.errors import BudgetExhaustedError
from jobs.proof.keys import SigningKey
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing
from jobs.record import budgets, jobs, log
from jobs.record.audit import verify_log
from jobs.record.budgets import UNLIMITED, Charge
from jobs.record.engine import demand_there
from jobs.record.faults import (
    ClockError,
    NewerSchemaError,
    NotARecordError,
    OlderSchemaError,
    OtherDomainError,
    RecordGoneError,
)
from jobs.record.guard import (
    FutureCheckpointError,
    NothingToAcceptError,
    examine,
    is_unused,
)
from jobs.record.watermark import RolledBackError
from tests.jobs.record.doors import KEY, Door, FileDatabase, ServerDatabase, owner
from tests.jobs.record.examples import JOB, NOON, event


@pytest.fixture(params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    """Give a domain whose record was just made."""
    if request.param == "sqlite":
        door: Door = request.getfixturevalue("file_door")
        return door
    database = ServerDatabase(request.getfixturevalue("cluster"))
    database.make()
    return _founded(Door(database, owner(tmp_path)))


@pytest.fixture
def file_door(sqlite_url: str, tmp_path: Path) -> Door:
    assert sqlite_url.endswith(str(tmp_path / "record.db"))
    return _founded(Door(FileDatabase(tmp_path), owner(tmp_path)))


def _founded(door: Door) -> Door:
    door.found()
    return door


def test_a_new_domain_says_whose_it_is_in_its_first_signed_entry(door: Door) -> None:
    note = door.owner.watermark.note()

    assert door.kinds() == ["domain.made"]
    assert note is not None
    assert door.owner.ring.open(note).head.size == 1
    assert stat.S_IMODE(door.owner.watermark.path.stat().st_mode) == 0o600
    door.enter()


def test_founding_the_same_domain_again_changes_nothing(file_door: Door) -> None:
    file_door.found()

    assert file_door.kinds() == ["domain.made"]


def test_the_watermark_rises_with_whatever_signs(door: Door) -> None:
    door.note(3)

    note = door.owner.watermark.note()
    assert note is not None
    assert door.owner.ring.open(note).head.size == 4
    assert not is_unused(door.owner)
    door.enter()


def test_a_record_that_grew_after_the_last_signature_is_entered(file_door: Door) -> None:
    file_door.note(2)
    with file_door.open() as record, record.writing() as tx:
        tx.note(event())

    file_door.enter()


@pytest.mark.req("D-17")
def test_a_restored_older_record_is_refused_until_a_person_accepts_it(door: Door) -> None:
    door.note(3)
    door.database.keep()
    door.note(4)
    door.database.put_back()

    with pytest.raises(RolledBackError, match=r"4 entries where 8 were signed.*record accept"):
        door.enter()
    with pytest.raises(RolledBackError):
        door.bring_up()
    doubt = door.accept()

    assert doubt.signed is not None
    assert (doubt.signed.head.size, doubt.size) == (8, 4)
    door.enter()
    assert door.kinds()[-1] == "record.rollback_accepted"
    with door.open() as record:
        assert verify_log(record, door.owner.ring).head.size == 5


def test_an_older_record_that_grew_again_is_found_by_its_root(door: Door) -> None:
    door.note(3)
    door.database.keep()
    door.note(4)
    door.database.put_back()
    door.now += timedelta(hours=1)
    with door.open(watched=False) as record, record.writing() as tx:
        for _ in range(9):
            tx.note(event("job.noted_otherwise"))

    with pytest.raises(RolledBackError, match=r"first 8 entries .* not those that were signed"):
        door.enter()


def test_a_process_that_runs_while_its_record_is_put_back_signs_nothing_more(door: Door) -> None:
    door.note(1)
    door.database.keep()
    door.note(5)
    door.database.put_back()
    kept = door.owner.watermark.note()

    with door.open() as record, pytest.raises(RolledBackError), record.writing() as tx:
        log.checkpoint(tx, KEY)

    assert door.owner.watermark.note() == kept
    with door.open() as record, record.reading() as tx:
        last = log.last_checkpoint(tx, door.owner.ring)
        assert last is not None
        assert last.head.size == 2


@pytest.mark.req("D-17")
def test_accepting_an_older_record_closes_every_budget_also_those_that_it_never_knew(
    door: Door,
) -> None:
    with door.open() as record, record.writing() as tx:
        jobs.add(tx, JOB, event())
        budgets.set_limit(tx, "asset:LOANS@2026", 100, event())
        budgets.set_limit(tx, "grant:SC-1.v1", 50, event())
        budgets.set_limit(tx, "developer:acme@2026", UNLIMITED, event())
        charge = Charge(job=JOB.id, epoch=1, scopes=("asset:LOANS@2026",), rho=7, events_json="[]")
        budgets.reserve(tx, charge, event())
    door.database.keep()
    door.note()
    door.database.put_back()

    door.accept()

    with door.open() as record, record.reading() as tx:
        left = {
            scope: budgets.balance(tx, scope).left
            for scope in ("asset:LOANS", "asset:LOANS@2026", "grant:SC-1.v1")
        }
        assert left == {"asset:LOANS": 0, "asset:LOANS@2026": 0, "grant:SC-1.v1": 0}
        assert budgets.balance(tx, "asset:LOANS@2026").reserved == 7
        assert budgets.balance(tx, "developer:acme@2026").limit == UNLIMITED
        (accepted,) = log.newest(tx, limit=1)
        assert accepted.event.actor == "admin:root"
        assert accepted.event.facts["closed_budgets"] == 3
        assert accepted.event.facts["reason"] == "the disk was lost"
    _demand_closed(door)


def _demand_closed(door: Door) -> None:
    more = Charge(job=JOB.id, epoch=2, scopes=("asset:LOANS",), rho=1, events_json="[]")
    with door.open() as record, pytest.raises(BudgetExhaustedError), record.writing() as tx:
        budgets.reserve(tx, more, event())


def test_there_is_nothing_to_accept_where_nothing_is_in_doubt(file_door: Door) -> None:
    with pytest.raises(NothingToAcceptError):
        file_door.accept()

    assert file_door.kinds() == ["domain.made"]


@pytest.mark.parametrize("content", [None, "", "nonsense", "a\nb\nc\n\n", "\x00" * 10_000])
def test_a_watermark_that_is_lost_or_not_one_is_refused_and_replaced_by_a_person(
    file_door: Door, content: str | None
) -> None:
    path = file_door.owner.watermark.path
    path.unlink()
    if content is not None:
        path.write_text(content)

    with pytest.raises(RolledBackError, match="last-checkpoint"):
        file_door.enter()
    file_door.accept()

    file_door.enter()
    assert file_door.kinds() == ["domain.made", "record.rollback_accepted"]


def test_a_watermark_that_another_key_signed_is_worth_nothing(file_door: Door) -> None:
    other = SigningKey.unsaved("shuyu.test/log")
    with file_door.open(watched=False) as record, record.writing() as tx:
        file_door.owner.watermark.replace(log.checkpoint(tx, other).note)

    with pytest.raises(RolledBackError, match="no checkpoint of this domain's key"):
        file_door.enter()


def test_another_domains_record_is_refused_and_cannot_be_taken(door: Door) -> None:
    theirs = replace(door.owner, domain="other.test")
    door.owner = theirs

    with pytest.raises(OtherDomainError):
        door.enter()
    with pytest.raises(OtherDomainError):
        door.bring_up()
    with pytest.raises(OtherDomainError):
        door.accept()
    with door.open() as record, pytest.raises(OtherDomainError):
        record.found(domain="other.test", hashing=Hashing.SHA256)
    assert door.kinds() == ["domain.made"]


def test_a_log_keeps_the_hash_that_it_began_with(file_door: Door) -> None:
    with file_door.open() as record, pytest.raises(OtherDomainError, match="suite"):
        record.found(domain="shuyu.test", hashing=Hashing.SM3)

    file_door.owner = replace(file_door.owner, hashing=Hashing.SM3)
    with pytest.raises(OtherDomainError):
        file_door.enter()


def test_a_checkpoint_from_the_future_is_refused_and_no_person_can_accept_it(door: Door) -> None:
    door.run("INSERT INTO log_checkpoint (size, note) VALUES (9, 'x')")

    with pytest.raises(FutureCheckpointError, match="restore a backup"):
        door.enter()
    with pytest.raises(FutureCheckpointError):
        door.accept()


def test_a_record_of_a_newer_version_is_refused_and_left_as_it_is(file_door: Door) -> None:
    file_door.run("UPDATE alembic_version SET version_num = '9999'")

    for way in (file_door.enter, file_door.bring_up, file_door.accept):
        with pytest.raises(NewerSchemaError, match="install that version"):
            way()
    with file_door.open() as record, pytest.raises(NewerSchemaError):
        record.migrate()


def test_a_record_that_is_not_there_is_not_made_by_entering(file_door: Door) -> None:
    file_door.note(2)
    assert isinstance(file_door.database, FileDatabase)
    file_door.database.drop()

    with pytest.raises(RecordGoneError, match="restore a backup"):
        demand_there(file_door.database.url)
    for way in (file_door.enter, file_door.bring_up, file_door.accept):
        with pytest.raises(RecordGoneError):
            way()


def test_tables_of_somebody_else_are_left_alone(file_door: Door) -> None:
    file_door.run("DROP TABLE log_head")

    for way in (file_door.enter, file_door.bring_up):
        with pytest.raises(NotARecordError, match="not a record of Shuyu"):
            way()


def test_a_clock_behind_the_last_entry_lets_nobody_in(door: Door) -> None:
    door.now = NOON - timedelta(seconds=6)

    with pytest.raises(ClockError, match="6 seconds behind"):
        door.enter()
    door.now = NOON - timedelta(seconds=5)
    door.enter()


def test_a_person_accepts_a_clock_that_was_ahead_and_the_log_goes_on_from_now(door: Door) -> None:
    door.now = NOON + timedelta(days=3650)
    door.note()
    door.now = NOON

    doubt = door.accept()

    assert (doubt.rolled_back, doubt.behind) == (None, timedelta(days=3650))
    door.enter()
    door.note()
    assert door.kinds()[-2:] == ["record.clock_accepted", "job.noted"]
    with door.open() as record:
        assert verify_log(record, door.owner.ring).head.size == 4


def test_an_older_versions_record_is_taken_for_the_domain_when_it_is_brought_up(door: Door) -> None:
    door.note(2)
    door.owner.watermark.path.unlink()
    door.run("UPDATE log_head SET domain = ''")

    with pytest.raises(OlderSchemaError, match="shuyu up"):
        door.enter()
    door.bring_up()

    assert door.kinds()[-1] == "domain.adopted"
    door.enter()
    door.bring_up()
    assert door.kinds().count("domain.adopted") == 1


def test_an_older_versions_record_in_the_place_of_a_newer_one_is_a_rollback(
    file_door: Door,
) -> None:
    file_door.database.keep()
    file_door.note(5)
    file_door.database.put_back()
    file_door.run("UPDATE log_head SET domain = ''")

    with pytest.raises(RolledBackError):
        file_door.bring_up()
    assert file_door.kinds() == ["domain.made"]
    file_door.accept()

    file_door.enter()
    assert file_door.kinds() == ["domain.made", "domain.adopted", "record.rollback_accepted"]


def test_a_watermark_never_falls_however_many_raise_it(file_door: Door) -> None:
    notes = []
    for _ in range(12):
        file_door.note()
        notes.append(file_door.owner.watermark.note() or "")
    mark = file_door.owner.watermark
    mark.replace(notes[0])

    threads = [threading.Thread(target=mark.raise_to, args=(note,)) for note in reversed(notes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mark.note() == notes[-1]


def test_looking_at_the_watermark_is_quick_however_long_the_log(file_door: Door) -> None:
    file_door.note(3000)
    asked: list[int] = []
    with file_door.open() as record:

        @hook.listens_for(record._readers, "before_cursor_execute")
        def _count(*_call: object) -> None:
            asked.append(1)

        doubt = examine(record, file_door.owner)

    assert doubt.rolled_back is None
    assert len(asked) < 20


def test_a_revoked_key_still_says_how_long_the_log_was(file_door: Door) -> None:
    file_door.note(2)
    (known,) = file_door.owner.ring.keys
    later = SigningKey.unsaved("shuyu.test/log2")
    ring = KeyRing(keys=(replace(known, until=3, revoked=3), *KeyRing.of(later.public).keys))

    file_door.owner = replace(file_door.owner, ring=ring)

    file_door.enter()
