from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.backup.agekeys import BackupKeys
from jobs.backup.making import backup
from jobs.backup.restore import Place, Tools, Trust, Word, restore
from jobs.errors import ConflictError, NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.grant import GrantId, GrantState, PartyId, PersonId
from jobs.job import JobState
from jobs.proof import destruction
from jobs.proof.bodies import digest_of, dump
from jobs.proof.destruction import CopyKind, Signer, TargetKind, verify
from jobs.proof.keys import SigningKey
from jobs.record import blobs, grants, jobs
from jobs.record.audit import verify_log
from jobs.steps import destroy, retention
from jobs.steps.destroy import (
    BEGUN,
    SETTLED,
    LegalHoldError,
    Order,
    Plan,
    StillHeldError,
    begin,
    certify,
    erase,
    finish_begun,
    plans,
)
from jobs.steps.inventory import Site, Target, survey
from jobs.steps.submit import Bundle
from jobs.steps.sweep import keep_to_terms
from tests.jobs.record.estate import CODE, DOMAIN, LOANS, TAXES, Estate, canary, dumped, keys_of
from tests.jobs.record.estate import holds as bears
from tests.jobs.steps.town import TABLE, Clock

ADMIN = Signer(person=PersonId("u-adm"), party=PartyId("P-IMPL"))
AUDITOR = Signer(person=PersonId("u-aud"), party=PartyId("P-IMPL"))
ASSET = Target(kind=TargetKind.ASSET, id=LOANS)
SCENARIO = Target(kind=TargetKind.SCENARIO, id="SC-1")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    made = Estate.made(tmp_path_factory.mktemp("estate") / "home")
    for scenario in ("SC-1", "SC-2"):
        made.held(scenario)
        made.reviewed(scenario)
        made.released(scenario)
    backup(made.source, made.home.parent / "B")
    made.town.record.close()
    return made


@pytest.fixture
def estate(template: Estate, tmp_path: Path) -> Iterator[Estate]:
    made = template.copied(tmp_path / "home")
    yield made
    made.town.record.close()


def site(estate: Estate) -> Site:
    return Site.of(estate.town.hands)


def begun(estate: Estate, target: Target) -> Plan:
    order = Order(domain=DOMAIN, target=target, reason="授权终止", by=ADMIN, certified_by=AUDITOR)
    seen = survey(site(estate), target)
    with estate.town.record.writing() as tx:
        return begin(tx, order, seen)


def destroyed(estate: Estate, target: Target) -> Plan:
    plan = begun(estate, target)
    assert erase(site(estate), plan.id, alone=True)
    return plan


def certified(estate: Estate, plan: Plan) -> destruction.DestructionFacts:
    content = certify(site(estate), plan.id, seals=estate.town.seals)
    return verify(content, keys=estate.town.keys.trusted).facts


@pytest.mark.req("M-03")
def test_after_an_asset_is_destroyed_no_byte_of_it_is_found_anywhere(estate: Estate) -> None:
    before = estate.found(canary(LOANS))
    rooms = {place.split("/")[0] for place in before}
    assert {"data", "views", "quarantine", "shelf", "record"} <= rooms  # control

    destroyed(estate, ASSET)

    assert estate.found(canary(LOANS)) == []
    assert estate.found(canary(TAXES)) != []


@pytest.mark.req("M-03")
def test_the_sealed_store_of_an_asset_is_destroyed_with_it(estate: Estate) -> None:
    snapshot = estate.home / "data" / estate.assets[LOANS].snapshot.removeprefix("sha256:")
    size = sum(path.stat().st_size for path in snapshot.rglob("*") if path.is_file())
    assert (snapshot / "sealed" / "key").is_file()

    plan = destroyed(estate, ASSET)

    assert not snapshot.exists()
    assert [copy.size for copy in plan.copies if copy.kind is CopyKind.SNAPSHOT] == [size]


@pytest.mark.req("M-03")
def test_after_a_scenario_is_destroyed_its_asset_is_still_there_and_nothing_made_of_it(
    estate: Estate,
) -> None:
    snapshot = estate.assets[LOANS].snapshot.removeprefix("sha256:")

    destroyed(estate, SCENARIO)

    assert estate.found(canary(LOANS)) == [f"data/{snapshot}/snapshot.parquet"]


def test_nothing_of_it_is_left_in_the_rows_of_either_database(url: str, tmp_path: Path) -> None:
    made = Estate.made(tmp_path / "home", url)
    made.held()
    assert canary(LOANS) in str(dumped(made.town.record))  # control

    plan = destroyed(made, ASSET)

    assert canary(LOANS) not in str(dumped(made.town.record))
    assert certified(made, plan).copies
    made.town.record.close()


@pytest.mark.req("M-02")
def test_its_grants_end_and_its_jobs_stop_before_anything_is_destroyed(estate: Estate) -> None:
    held = estate.held()

    begun(estate, SCENARIO)

    with estate.town.record.reading() as tx:
        assert grants.get(tx, GrantId("SC-1.v1")).state is GrantState.ENDED
        assert grants.get(tx, GrantId("SC-2.v1")).state is GrantState.LIVE
        assert jobs.get(tx, held.id).state is JobState.STOPPED
    assert estate.found(canary(LOANS))


@pytest.mark.req("M-03")
def test_the_certificate_lists_every_copy_and_key_and_verifies_offline(estate: Estate) -> None:
    facts = certified(estate, destroyed(estate, ASSET))

    assert {copy.kind for copy in facts.copies} == set(CopyKind)
    assert {key.scope for key in facts.keys} == {"asset:BP-LOANS", "scenario:SC-1"}
    assert (facts.by, facts.certified_by, facts.target) == (ADMIN, AUDITOR, LOANS)
    assert len(facts.remains) == 2
    assert verify_log(estate.town.record, estate.town.seals.ring).head.size > 0


def test_old_backups_open_no_more_for_what_was_destroyed_and_open_for_the_rest(
    estate: Estate, template: Estate, tmp_path: Path
) -> None:
    destroyed(estate, ASSET)
    trust = Trust(trusted=keys_of(estate.home).trusted(), keys=estate.home / "keys")
    tools = Tools(clock=Clock())

    place = Place(home=tmp_path / "back")
    done = restore(template.home.parent / "B", place, trust, Word(by="me"), tools=tools)

    assert done.locked == ("asset:BP-LOANS", "scenario:SC-1")
    found = [path for path in (tmp_path / "back").rglob("*") if path.is_file()]
    assert [path for path in found if bears(path, canary(LOANS))] == []
    assert [path for path in found if bears(path, canary(TAXES))]


def test_a_backup_made_afterwards_comes_back_whole(estate: Estate, tmp_path: Path) -> None:
    destroyed(estate, ASSET)
    backup(estate.source, tmp_path / "B")
    trust = Trust(trusted=keys_of(estate.home).trusted(), keys=estate.home / "keys")

    place, tools = Place(home=tmp_path / "back"), Tools(clock=Clock())
    done = restore(tmp_path / "B", place, trust, Word(by="me"), tools=tools)

    assert done.locked == ()


def test_bytes_that_another_scenario_let_out_too_stay_for_it(estate: Estate) -> None:
    shared = estate.shelf.stage(TABLE)
    estate.shelf.discard(shared)
    assert estate.shelf.fetch(shared) == TABLE

    destroyed(estate, SCENARIO)
    assert estate.shelf.fetch(shared) == TABLE

    destroyed(estate, replace(SCENARIO, id="SC-2"))
    assert estate.shelf.size(shared) is None


def test_a_view_that_another_scenario_reads_and_code_that_it_brought_too_stay_for_it(
    estate: Estate,
) -> None:
    mine, other = estate.view("SC-1"), estate.view("SC-2")
    code = digest_of(dump(Bundle(files=(("main.py", CODE),))).encode())

    destroyed(estate, SCENARIO)

    assert (mine.gate.exists(), other.gate.exists()) == (False, True)
    with estate.town.record.reading() as tx:
        assert blobs.get(tx, code)
    destroyed(estate, replace(SCENARIO, id="SC-2"))
    with estate.town.record.reading() as tx, pytest.raises(NotFoundError):
        blobs.get(tx, code)


@pytest.mark.parametrize("steps", range(6))
def test_a_destruction_that_is_cut_anywhere_is_finished_by_the_sweep(
    estate: Estate, steps: int
) -> None:
    plan = begun(estate, ASSET)
    there = survey(site(estate), ASSET)
    for copy in there.copies[: steps * 3]:
        destroy._erase_copy(site(estate), copy)
    if steps > 3:
        BackupKeys(estate.home / "keys" / "backup").destroy("asset:BP-LOANS")

    estate.town.clock.now += SETTLED
    keep_to_terms(estate.town.hands)

    assert estate.found(canary(LOANS)) == []
    facts = certified(estate, plan)
    assert set(there.copies) <= set(facts.copies)
    assert {key.scope for key in facts.keys} == {"asset:BP-LOANS", "scenario:SC-1"}


def test_what_a_worker_still_wrote_is_destroyed_and_listed_too(estate: Estate) -> None:
    plan = begun(estate, ASSET)
    assert not erase(site(estate), plan.id, alone=False)  # a worker may still hold something

    late = estate.home / "quarantine" / f"{_job(estate)}.9.note"
    late.write_text(canary(LOANS))
    estate.town.clock.now += SETTLED

    assert finish_begun(site(estate)) == 1
    assert not late.exists()
    assert f"quarantine/{late.name}" in {copy.place for copy in certified(estate, plan).copies}


def _job(estate: Estate) -> str:
    with estate.town.record.reading() as tx:
        return jobs.listed(tx, grant=GrantId("SC-1.v1"))[0].id


def test_a_room_that_a_container_still_has_holds_the_end_up(estate: Estate) -> None:
    plan = begun(estate, ASSET)
    room = estate.home / "run" / "rooms" / f"{_job(estate)}.1"
    room.mkdir(parents=True)

    with pytest.raises(StillHeldError):
        erase(site(estate), plan.id, alone=True)

    room.rmdir()
    assert erase(site(estate), plan.id, alone=True)


def test_no_certificate_before_the_end_and_again_after_it(estate: Estate) -> None:
    plan = begun(estate, ASSET)

    with pytest.raises(OutOfOrderError):
        certify(site(estate), plan.id, seals=estate.town.seals)
    erase(site(estate), plan.id, alone=True)

    assert certified(estate, plan).copies == certified(estate, plan).copies
    with estate.town.record.reading() as tx:
        assert destroy.certificate(tx, plan.id)


def test_what_is_not_there_or_is_begun_or_is_held_is_not_begun(estate: Estate) -> None:
    with pytest.raises(NotFoundError):
        begun(estate, replace(ASSET, id="BP-NONE"))
    begun(estate, ASSET)
    with pytest.raises(ConflictError):
        begun(estate, ASSET)
    with estate.town.record.writing() as tx:
        retention.hold(tx, TAXES, reason="a court asks", actor="u-adm")
    with pytest.raises(LegalHoldError):
        begun(estate, replace(SCENARIO, id="SC-2"))
    with estate.town.record.reading() as tx:
        assert [state for _, state in plans(tx)] == [BEGUN]


def test_a_certificate_that_says_anything_else_is_refused(estate: Estate) -> None:
    facts = certified(estate, destroyed(estate, ASSET))
    key, keys = estate.town.keys.release, estate.town.keys.trusted
    lies = [
        replace(facts, copies=facts.copies[1:]),
        replace(facts, copies=(replace(facts.copies[0], size=1), *facts.copies[1:])),
        replace(facts, keys=()),
        replace(facts, target=TAXES),
        replace(facts, id="D-other"),
        replace(facts, certified_by=facts.by),
        replace(facts, log=replace(facts.log, hashes=facts.log.hashes[:-1])),
        replace(facts, log=replace(facts.log, hashes=facts.log.hashes * 90)),
        replace(facts, log=replace(facts.log, seq=facts.log.seq - 1)),
    ]

    assert verify(destruction.issue(facts, key=key), keys=keys).facts == facts  # control
    for lie in lies:
        with pytest.raises(RecordBrokenError, match="step"):
            verify(destruction.issue(lie, key=key), keys=keys)
    stranger = SigningKey.unsaved("somebody/release")
    forged = destruction.issue(replace(facts, release_key=stranger.id), key=stranger)
    with pytest.raises(RecordBrokenError, match="signature"):
        verify(forged, keys=keys)


def test_budgets_and_log_stay(estate: Estate) -> None:
    limits = estate.town.balance("grant:SC-1.v1")
    size = estate.town.log_size()

    destroyed(estate, ASSET)

    assert estate.town.balance("grant:SC-1.v1") == limits
    assert estate.town.log_size() > size
