"""A job reads those who consent as it starts, and is released where all whom it is about still do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.errors import StaleError
from jobs.grant import GrantId, PartyId, ScenarioId
from jobs.job import JobState
from jobs.record import documents, releases
from jobs.release import ReleaseId
from jobs.steps import consenting
from jobs.steps.carry import leaving
from jobs.steps.consenting import WithdrawnError
from jobs.steps.ledger import release_named
from sandbox.egress.inspection import Cleared, Held, Inspected
from sandbox.order import Artifact, Ended, OpenedView, Outcome
from tests.jobs.steps.consent_town import (
    CONSENTED,
    COUNTING,
    LEARNING,
    PEOPLE,
    ConsentTown,
    mark,
)
from tests.jobs.steps.town import NOON, O4, Town, officers, operators

ONE, TWO, THREE, FOUR = PEOPLE


@pytest.fixture
def people(town: Town) -> ConsentTown:
    return ConsentTown.settled(town)


@pytest.fixture
def both(either: Town) -> ConsentTown:
    return ConsentTown.settled(either)


def left(people: ConsentTown, person: str) -> list[int]:
    return [each.consent.left for each in people.own(person)]


def held_as(cleared: Cleared) -> Held:
    return Held(
        name=cleared.name,
        findings=(),
        digest=cleared.digest,
        preview="",
        file=cleared.file,
        media_type=cleared.media_type,
        subjects=cleared.subjects,
    )


def marks(*names: str) -> tuple[str, ...]:
    return tuple(sorted(map(mark, names)))


@pytest.mark.req("G-01")
def test_a_job_sees_those_alone_who_consent_as_it_starts(both: ConsentTown) -> None:
    both.give(ONE)
    both.give(TWO)
    both.withdraw(both.give(THREE))

    _, seen = both.started()

    assert seen == marks(ONE, TWO)


def test_without_a_consent_the_job_sees_nobody(people: ConsentTown) -> None:
    assert people.started()[1] == ()


@pytest.mark.req("G-02")
def test_a_consent_to_another_scenario_or_another_developer_opens_nothing(
    both: ConsentTown,
) -> None:
    other = replace(CONSENTED, id=GrantId("SC-3.v1"), scenario=ScenarioId("SC-3"))
    both.town.issue(other)
    both.give(ONE, scenario=other.scenario)
    rival = replace(
        CONSENTED,
        id=GrantId("SC-4.v1"),
        scenario=ScenarioId("SC-4"),
        developer=PartyId("rival"),
    )
    both.town.issue(rival)
    both.give(TWO, scenario=rival.scenario, recipient=rival.developer)

    assert both.started()[1] == ()


@pytest.mark.req("G-02")
def test_a_consent_that_lacks_a_granted_column_opens_nothing(both: ConsentTown) -> None:
    both.give(ONE, columns=("state",))
    both.give(TWO, columns=("amount", "state"))

    assert both.started()[1] == marks(TWO)


@pytest.mark.req("G-02")
def test_a_consent_counts_from_its_first_to_before_its_last_moment(both: ConsentTown) -> None:
    both.give(ONE, valid_from=NOON, valid_to=NOON + timedelta(hours=1))
    both.give(TWO, valid_from=NOON + timedelta(seconds=1))

    assert both.started()[1] == marks(ONE)
    both.town.clock.now = NOON + timedelta(hours=1)
    assert both.started()[1] == marks(TWO)


def test_the_gate_inspects_the_view_that_the_run_has_read(both: ConsentTown) -> None:
    receipt = both.give(ONE)
    job, seen = both.started()
    both.give(TWO)
    both.withdraw(receipt)

    with both.town.record.reading() as tx:
        found = leaving(tx, job, (Artifact(O4, "csv", b"x"),))

    [view] = found.views
    assert isinstance(view, OpenedView)
    assert view.live == seen == marks(ONE)


@pytest.mark.req("G-03")
def test_a_withdrawal_before_the_verdict_blocks_the_job(both: ConsentTown) -> None:
    both.give(ONE)
    receipt = both.give(TWO)
    job, _ = both.started()
    both.withdraw(receipt)

    decided = both.decided(job, (ONE, TWO))

    assert decided.state is JobState.BLOCKED
    assert [each.rule for each in decided.reasons] == ["egress.consent_withdrawn"]


@pytest.mark.req("G-03")
def test_a_withdrawal_between_verdict_and_release_lets_nothing_leave(both: ConsentTown) -> None:
    both.give(ONE)
    receipt = both.give(TWO)
    job = both.approved(ONE, TWO)
    assert job.state is JobState.APPROVED
    both.withdraw(receipt)

    with pytest.raises(StaleError):
        both.release(job)

    now = both.town.now(job)
    assert now.state is JobState.BLOCKED
    assert [each.rule for each in now.reasons] == ["egress.consent_withdrawn"]
    with both.town.record.reading() as tx:
        assert releases.of_job(tx, job.id) is None
    assert both.town.on_shelf() == set()
    assert left(both, ONE) == [3], "nothing was used"
    assert "job.released" not in both.town.kinds(job.id)


@pytest.mark.req("G-03")
def test_a_withdrawal_between_the_decision_and_its_certificate_lets_nothing_leave(
    people: ConsentTown,
) -> None:
    receipt = people.give(ONE)
    job = people.approved(ONE)
    with people.town.record.reading() as tx:
        assert consenting.demand(tx, job), "the first of the two transactions finds it"
    people.withdraw(receipt)

    with pytest.raises(WithdrawnError), people.town.record.writing() as tx:
        consenting.spend(tx, job, ReleaseId(release_named(job.id)))

    assert left(people, ONE) == [3]


def test_the_same_release_leaves_where_nobody_withdraws(both: ConsentTown) -> None:
    both.give(ONE)
    both.give(TWO)

    released = both.release(both.approved(ONE, TWO))

    assert released.release_class == "consented"
    assert (left(both, ONE), left(both, TWO)) == ([2], [2])


@pytest.mark.req("G-03")
def test_a_withdrawal_of_one_whom_the_output_is_not_about_does_not_matter(
    both: ConsentTown,
) -> None:
    both.give(ONE)
    receipt = both.give(TWO)
    job = both.approved(ONE)
    both.withdraw(receipt)

    assert both.release(job).files


@pytest.mark.req("G-03")
def test_an_aggregate_is_about_all_whom_the_job_has_read(both: ConsentTown) -> None:
    both.give(ONE)
    receipt = both.give(TWO)
    job = both.approved(work=COUNTING)
    both.withdraw(receipt)

    with pytest.raises(WithdrawnError):
        both.release(job)

    again, seen = both.started(COUNTING)
    assert seen == marks(ONE), "the next aggregate has one unit less"
    assert both.release(both.decided(again)).files


@pytest.mark.req("G-02")
def test_each_release_uses_a_consent_once_and_the_last_one_uses_it_up(both: ConsentTown) -> None:
    both.give(ONE, times=2)
    one, two, three = (both.approved(ONE) for _ in range(3))

    both.release(one)
    with pytest.raises(StaleError):
        both.release(one)
    assert left(both, ONE) == [1]
    both.release(two)
    with pytest.raises(WithdrawnError):
        both.release(three)

    assert left(both, ONE) == [0]
    assert both.town.now(three).state is JobState.BLOCKED
    assert both.started()[1] == ()


def test_of_two_consents_the_one_that_ends_first_is_used(both: ConsentTown) -> None:
    both.give(ONE, times=1)
    both.give(ONE, times=5, valid_to=NOON + timedelta(days=2))

    both.release(both.approved(ONE))

    assert left(both, ONE) == [1, 4]


@pytest.mark.req("G-07")
def test_after_three_releases_the_subject_sees_three_uses(both: ConsentTown) -> None:
    receipt = both.give(ONE)
    made = [both.release(both.approved(ONE)).id for _ in range(3)]

    [own] = both.own(ONE)

    assert [use.release for use in own.uses] == sorted(made)
    assert {use.at for use in own.uses} == {NOON}
    assert own.consent.receipt.statement.scenario == CONSENTED.scenario
    assert own.consent.receipt.statement.recipient == CONSENTED.developer
    assert [use.release for use in both.withdraw(receipt).uses] == sorted(made), (
        "all that it covered"
    )


@pytest.mark.req("G-03")
def test_one_who_withdraws_while_people_sign_stays_in(people: ConsentTown) -> None:
    receipt = people.give(ONE)
    job, _ = people.started()
    quarantined = people.town.ran(job)
    cleared = people.cleared(job, (ONE,))
    waits = held_as(cleared)
    held = people.town.decided(quarantined, Inspected((waits,)))
    assert held.state is JobState.HELD
    people.withdraw(receipt)

    people.town.says(replace(operators(held), signed=(cleared.digest,)))
    agreed = people.town.says(replace(officers(held), signed=(cleared.digest,)))
    assert agreed.state is JobState.APPROVED
    with pytest.raises(WithdrawnError):
        people.release(agreed)

    assert people.town.now(held).state is JobState.BLOCKED


@pytest.mark.req("G-03")
def test_a_withdrawal_names_the_models_that_were_made_with_its_subject(people: ConsentTown) -> None:
    receipt = people.give(ONE)
    job, _ = people.started(LEARNING)
    cleared = people.cleared(job)
    waits = held_as(cleared)
    held = people.town.decided(people.town.ran(job), Inspected((waits,)))
    people.town.says(replace(operators(held), signed=(cleared.digest,)))
    agreed = people.town.says(replace(officers(held), signed=(cleared.digest,)))
    model = people.release(agreed)
    people.release(people.approved(ONE))

    gone = people.withdraw(receipt)

    assert (len(gone.uses), gone.models) == (2, frozenset({model.id}))


def test_a_second_attempt_asks_anew_who_consents(people: ConsentTown) -> None:
    receipt = people.give(ONE)
    job, seen = people.started()
    people.withdraw(receipt)
    queued = people.town.ran(job, Outcome(ended=Ended.ENGINE_FAILED))
    assert queued.state is JobState.QUEUED
    again, order = people.town.start(queued)

    assert order is not None
    [view] = order.views
    assert isinstance(view, OpenedView)
    assert (seen, view.live, again.epoch) == (marks(ONE), (), 2)


def test_other_grants_are_not_asked_for_consents(town: Town) -> None:
    job = town.approved()

    assert town.release(job).files
    with town.record.reading() as tx:
        assert documents.listed(tx, consenting.READ) == []


def test_many_marks_are_kept_in_several_pieces(people: ConsentTown) -> None:
    job = people.submit()
    who = frozenset(f"{number:032x}" for number in range(400_001))
    with people.town.record.writing() as tx:
        consenting._keep(tx, consenting.READ, job, {CONSENTED.assets[0].asset: who})

    with people.town.record.reading() as tx:
        [view] = consenting.as_read(tx, job, CONSENTED.assets)
    assert isinstance(view, OpenedView)
    assert view.live == tuple(sorted(who))


@pytest.mark.req("G-03")
def test_where_a_withdrawal_and_a_release_race_the_first_in_the_log_has_it(
    both: ConsentTown,
) -> None:
    receipt = both.give(ONE)
    job = both.approved(ONE)

    with ThreadPoolExecutor(2) as pool:
        leaving_now = pool.submit(both.release, job)
        gone = pool.submit(both.withdraw, receipt)
        failed = leaving_now.exception()
        uses = gone.result().uses

    ended = both.town.now(job).state
    if failed is None:
        assert ended is JobState.RELEASED
        assert len(both.own(ONE)[0].uses) == 1
    else:
        assert isinstance(failed, WithdrawnError)
        assert (ended, uses, left(both, ONE)) == (JobState.BLOCKED, (), [3])
