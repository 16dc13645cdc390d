from dataclasses import replace

import pytest
from typing_extensions import override

from jobs.errors import NotFoundError, OutOfOrderError, StaleError
from jobs.grant import PartyId
from jobs.job import Job, JobState
from jobs.proof.bodies import digest_of
from jobs.proof.certificate import Verified, verify
from jobs.proof.keys import SigningKey
from jobs.record import budgets, log, releases
from jobs.release import Release
from jobs.steps import revoke
from jobs.steps.cancel import cancel
from jobs.steps.release import release, signed_digests
from jobs.steps.review import give_verdict
from jobs.steps.sweep import finish_releases
from sandbox.egress.inspection import ChangedError, Inspected
from sandbox.order import Ended, Outcome, ReleaseClass
from tests.jobs.steps.town import (
    BOTH,
    CANARY,
    COUNTING,
    DEVELOPER,
    GRANT,
    O1,
    O2,
    O3,
    QUERY,
    REPORT,
    TABLE,
    Town,
    clear,
    hold,
    officers,
    operators,
)


class PowerCutError(Exception):
    """The power fails while a release is made."""


class DyingKey(SigningKey):
    """A key under whose signature the power fails."""

    @override
    def sign(self, message: bytes) -> bytes:
        raise PowerCutError


def checked(town: Town, out: Release) -> Verified:
    """Verify as a stranger would: the certificate, the files and the public keys alone."""
    shelf = town.hands.shelf
    files = {file.file: shelf.fetch(file.digest) for file in out.files}
    return verify(shelf.fetch(out.certificate), keys=town.keys.trusted, files=files)


def reviewed(town: Town) -> Job:
    job = town.held()
    town.says(operators(job))
    return town.says(officers(job))


@pytest.mark.req("H-05")
def test_a_cleared_query_is_released_with_a_certificate_that_states_its_cost(either: Town) -> None:
    job = either.approved(QUERY)
    price = either.balance().reserved

    out = either.release(job)

    facts = checked(either, out).facts
    assert facts.privacy is not None
    assert (facts.privacy.rho, facts.privacy.epsilon) == (price, "1/3")
    assert facts.code == digest_of(QUERY.sql.encode())
    assert either.balance() == budgets.Balance(
        limit=either.balance().limit, reserved=0, spent=price
    )
    assert either.now(job).state is JobState.RELEASED
    assert out.release_class is ReleaseClass.DP


@pytest.mark.req("H-06")
def test_a_reviewed_report_is_released_with_both_seats_in_its_certificate(either: Town) -> None:
    out = either.release(reviewed(either))

    verified = checked(either, out)
    assert [each.party for each in verified.facts.seats] == ["operator", "bureau"]
    assert verified.facts.privacy is None
    assert either.hands.shelf.fetch(out.files[0].digest) == REPORT


def test_a_job_with_a_held_and_a_cleared_output_leaves_whole(town: Town) -> None:
    job = town.decided(town.quarantined(BOTH), Inspected((hold(O2), clear(O3))))
    town.says(operators(job))
    approved = town.says(officers(job))
    cleared = (clear(O2, REPORT), clear(O3))

    out = release(approved, cleared, hands=town.hands, seals=town.seals)

    assert {file.name for file in out.files} == {O2, O3}
    assert out.release_class is checked(town, out).facts.release_class is ReleaseClass.REVIEWED


@pytest.mark.req("J-02")
def test_the_decision_stands_in_the_log_before_the_release(either: Town) -> None:
    job = either.approved()

    out = either.release(job)

    kinds = either.kinds(job.id)
    assert kinds[-3:] == ["release.decided", "job.released", "release.made"]
    assert checked(either, out).facts.log.seq < either.log_size() - 2


def test_a_release_is_made_once_though_it_is_asked_for_twice(either: Town) -> None:
    job = either.approved(QUERY)
    out = either.release(job)
    size, balance = either.log_size(), either.balance()

    with pytest.raises(StaleError):
        either.release(job)

    assert (either.log_size(), either.balance()) == (size, balance)
    with either.record.reading() as tx:
        assert releases.listed(tx) == [out]
    finish_releases(either.hands)
    assert either.hands.shelf.staged() == []
    checked(either, out)


@pytest.mark.req("H-04")
@pytest.mark.req("N-04")
@pytest.mark.parametrize("part", ["log", "release"])
def test_a_crash_between_decision_and_release_is_made_good_by_one_release(
    either: Town, part: str
) -> None:
    job = either.approved(QUERY)
    dead = DyingKey.unsaved(f"shuyu.test/{part}")
    dying = (
        replace(either.seals, log=dead) if part == "log" else replace(either.seals, release=dead)
    )
    with pytest.raises(PowerCutError):
        release(job, (clear(O1),), hands=either.hands, seals=dying)
    assert either.kinds(job.id)[-1] == "release.decided"
    assert either.now(job).state is JobState.APPROVED
    finish_releases(either.hands)
    assert (either.on_shelf(), either.hands.shelf.staged()) == (set(), [])
    assert either.balance().spent == 0

    out = either.release(either.now(job))

    checked(either, out)
    assert either.kinds(job.id).count("job.released") == 1
    assert either.balance().spent == either.balance("asset:LOANS").spent > 0
    assert either.kinds(job.id).count("budget.spent") == 1


def test_a_crash_before_the_shelf_is_made_good_by_the_sweep(either: Town) -> None:
    out = either.release(either.approved())
    shelf = either.folder / "shelf"
    for digest in (out.certificate, out.files[0].digest):  # as it lay before it was laid out
        name = digest.removeprefix("sha256:")
        (shelf / name).rename(shelf / ".staged" / name)
    with pytest.raises(NotFoundError):
        checked(either, out)

    finish_releases(either.hands)

    checked(either, out)
    assert either.hands.shelf.staged() == []


@pytest.mark.req("E-15")
def test_nothing_is_decided_or_released_of_a_job_that_was_stopped(either: Town) -> None:
    job = either.approved(QUERY)
    reserved = either.balance().reserved
    with either.record.writing() as tx:
        revoke.end(tx, GRANT.id, actor="P-lead")
    size = either.log_size()

    with pytest.raises(StaleError):
        either.release(job)

    assert (either.log_size(), either.on_shelf()) == (size, set())
    assert either.balance().reserved == reserved
    with either.record.reading() as tx:
        assert releases.of_job(tx, job.id) is None


@pytest.mark.req("N-04")
@pytest.mark.parametrize("state", ["queued", "running", "quarantined", "held"])
def test_nothing_leaves_that_was_not_approved(town: Town, state: str) -> None:
    make = {
        "queued": town.submit,
        "running": town.running,
        "quarantined": town.quarantined,
        "held": town.held,
    }
    job = make[state]()
    size = town.log_size()

    with pytest.raises(OutOfOrderError):
        town.release(job)
    with pytest.raises(OutOfOrderError):  # nor where somebody says that it was
        town.release(replace(job, state=JobState.APPROVED))

    assert (town.log_size(), town.on_shelf()) == (size, set())


def test_other_bytes_than_those_decided_on_do_not_leave(either: Town) -> None:
    job = either.approved()
    size = either.log_size()
    hands, seals = either.hands, either.seals

    others = [
        (clear(O3, TABLE + b"B,1\n"),),
        (replace(clear(O3), content=REPORT),),
        (clear(O2),),
        (clear(O3), clear(O1)),
        (),
    ]
    for cleared in others:
        with pytest.raises(ChangedError):
            release(job, cleared, hands=hands, seals=seals)

    assert (either.now(job), either.log_size(), either.on_shelf()) == (job, size, set())


def test_the_digests_that_count_are_those_of_the_last_run(town: Town) -> None:
    job = town.approved()
    with town.record.reading() as tx:
        assert signed_digests(tx, job) == {O3: clear(O3).digest}
        assert signed_digests(tx, replace(job, epoch=2)) == {}


def test_a_querys_second_attempt_spends_its_first_ones_charge(either: Town) -> None:
    lost = either.ran(either.running(QUERY), Outcome(ended=Ended.ENGINE_FAILED))
    price = either.balance().reserved
    second, _ = either.start(lost)
    approved = either.decided(either.ran(second), Inspected((clear(O1),)))

    out = either.release(approved)

    assert (checked(either, out).facts.epoch, either.balance().spent) == (2, price)
    assert either.balance().reserved == 0


@pytest.mark.req("J-02")
def test_the_whole_log_verifies_and_quotes_nothing_that_was_released(either: Town) -> None:
    either.release(reviewed(either))
    with either.record.writing() as tx:
        log.checkpoint(tx, either.keys.log)

    log.verify_log(either.record, either.seals.ring)
    with either.record.reading() as tx:
        events = repr([entry.event for entry in log.entries(tx, limit=1000)])
    assert CANARY not in events


def test_a_certificate_quotes_no_word_of_the_seats_and_no_byte_of_the_files(town: Town) -> None:
    job = town.held()
    give_verdict(replace(operators(job), reason=f"saw {CANARY}"), record=town.record)
    out = town.release(town.says(officers(job)))

    assert CANARY.encode() not in town.hands.shelf.fetch(out.certificate)
    assert out.developer == PartyId("acme")


def test_a_developer_may_still_cancel_what_is_approved(town: Town) -> None:
    job = town.approved(COUNTING)

    cancel(job.id, by=DEVELOPER, record=town.record)

    with pytest.raises(StaleError):
        town.release(job)
