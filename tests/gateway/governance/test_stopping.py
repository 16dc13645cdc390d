"""Suspended, lifted, revoked, withdrawn, run out: the scenario and its grant move together."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from gateway.governance import emergency, scenarios
from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.scenario import Scenario
from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import GrantState, PersonId
from jobs.job import Job, JobId, JobState, QueryWork
from jobs.record import grants, jobs
from jobs.record.event import Event
from jobs.record.log import entries
from jobs.steps import stop
from sandbox.asset import AssetId
from sandbox.order import OutputName
from tests.gateway.governance.town import Clock, Town

Step = Callable[..., Scenario]
WHY = "发现涉嫌侵犯个人信息权益"


def grant_state(town: Town, scenario: Scenario) -> GrantState:
    assert scenario.grant is not None
    with town.office.record.reading() as tx:
        return grants.get(tx, scenario.grant).state


@pytest.mark.req("E-15")
@pytest.mark.parametrize(
    ("step", "person", "state", "grant"),
    [
        (scenarios.suspend, "u-sec", "suspended", GrantState.SUSPENDED),
        (scenarios.suspend, "u-lead", "suspended", GrantState.SUSPENDED),
        (scenarios.revoke, "u-lead", "ended", GrantState.ENDED),
        (scenarios.withdraw, "u-bank-lead", "ended", GrantState.ENDED),
    ],
)
def test_a_stop_moves_the_scenario_and_its_grant_in_one_transaction(
    town: Town, step: Step, person: str, state: str, grant: GrantState
) -> None:
    active = town.active()

    stopped = step(town.office, active.id, by=town.by(person), opinion=WHY)

    assert (stopped.state, grant_state(town, active)) == (state, grant)
    with town.office.record.reading() as tx:
        last = [each.event for each in entries(tx, limit=200)][-2:]
    assert [event.kind.split(".")[0] for event in last] == ["scenario", "grant"]
    assert all(event.actor == person for event in last)
    assert WHY not in repr(last)


@pytest.mark.req("E-15")
@pytest.mark.parametrize(
    ("step", "rule"),
    [(scenarios.suspend, "admit.suspended"), (scenarios.revoke, "admit.ended")],
)
def test_a_stop_ends_the_jobs_under_the_grant_in_the_same_transaction(
    town: Town, step: Step, rule: str
) -> None:
    active = town.active()
    assert active.grant is not None
    job = Job(
        id=JobId("J-00000000000000000000000001"),
        grant=active.grant,
        developer=active.developer,
        submitted_by=PersonId("u-bank-dev"),
        assets=(AssetId("BP-LOANS"),),
        work=QueryWork(sql="SELECT 1", epsilon=Fraction(1, 10), output=OutputName("O1")),
        submitted_at=town.clock(),
        state=JobState.QUEUED,
    )
    with town.office.record.writing() as tx:
        jobs.add(tx, job, Event("job.queued", job.id, "u-bank-dev"))

    step(town.office, active.id, by=town.by("u-lead"), opinion=WHY)

    with town.office.record.reading() as tx:
        stopped = jobs.get(tx, job.id)
    assert stopped.state is JobState.STOPPED
    assert [each.rule for each in stopped.reasons] == [rule]


@pytest.mark.req("K-01")
def test_what_one_person_suspended_only_another_can_lift(town: Town) -> None:
    active = town.active()
    scenarios.suspend(town.office, active.id, by=town.by("u-lead"), opinion=WHY)

    with pytest.raises(SeatRefusedError):
        scenarios.lift(town.office, active.id, by=town.by("u-lead"), opinion="已排除")
    lifted = scenarios.lift(town.office, active.id, by=town.by("u-lead-too"), opinion="已排除")

    assert (lifted.state, grant_state(town, active)) == ("active", GrantState.LIVE)


def test_an_earlier_suspension_does_not_bar_its_author_from_lifting_a_later_one(
    town: Town,
) -> None:
    active = town.active()
    scenarios.suspend(town.office, active.id, by=town.by("u-lead"), opinion=WHY)
    scenarios.lift(town.office, active.id, by=town.by("u-lead-too"), opinion="已排除")
    scenarios.suspend(town.office, active.id, by=town.by("u-sec"), opinion=WHY)

    lifted = scenarios.lift(town.office, active.id, by=town.by("u-lead"), opinion="已排除")

    assert lifted.state == "active"


@pytest.mark.parametrize(
    ("step", "person"),
    [
        (scenarios.suspend, "u-op"),
        (scenarios.suspend, "u-bank-lead"),
        (scenarios.revoke, "u-sec"),
        (scenarios.revoke, "u-prov"),
        (scenarios.withdraw, "u-lead"),
        (scenarios.withdraw, "u-bank-dev"),
        (scenarios.lift, "u-sec"),
    ],
)
def test_nobody_else_can_stop_it_or_let_it_go_on(town: Town, step: Step, person: str) -> None:
    active = town.active()

    with pytest.raises(RoleError):
        step(town.office, active.id, by=town.by(person), opinion=WHY)

    assert grant_state(town, active) is GrantState.LIVE


def test_another_developer_cannot_withdraw_what_it_does_not_know(town: Town) -> None:
    active = town.active()

    with pytest.raises(NotFoundError):
        scenarios.withdraw(town.office, active.id, by=town.by("u-other-lead"), opinion=WHY)


def test_a_revoked_scenario_cannot_be_lifted_or_revoked_again(town: Town) -> None:
    active = town.active()
    scenarios.revoke(town.office, active.id, by=town.by("u-lead"), opinion=WHY)

    for step in (scenarios.lift, scenarios.revoke, scenarios.suspend):
        with pytest.raises(OutOfOrderError):
            step(town.office, active.id, by=town.by("u-lead"), opinion=WHY)


def test_a_stop_needs_its_reason(town: Town) -> None:
    active = town.active()

    with pytest.raises(SeatRefusedError):
        scenarios.revoke(town.office, active.id, by=town.by("u-lead"), opinion=" ")


def test_a_scenario_runs_out_after_its_last_day_in_china_and_not_before(
    town: Town, clock: Clock
) -> None:
    active = town.active()
    clock.now = clock.now.replace(year=2030, month=12, day=31, hour=15, minute=59)

    with pytest.raises(OutOfOrderError):
        scenarios.expire(town.office, active.id)
    clock.forward(minutes=1)
    expired = scenarios.expire_due(town.office)

    assert [each.state for each in expired] == ["ended"]
    assert grant_state(town, active) is GrantState.ENDED


@pytest.mark.req("K-01")
def test_a_stop_of_an_asset_suspends_every_scenario_that_reads_it(town: Town) -> None:
    active = town.active()
    stopping = town.office

    halt = emergency.stop_asset(stopping, AssetId("BP-LOANS"), by=town.by("u-sec"), opinion=WHY)

    with town.office.record.reading() as tx:
        assert scenarios.get(tx, active.id, by=town.by("u-sec")).state == "suspended"
    assert grant_state(town, active) is GrantState.SUSPENDED
    assert (halt.scope, halt.target, halt.stopped) == ("asset", "BP-LOANS", 0)
    with pytest.raises(NotFoundError):
        emergency.stop_asset(stopping, AssetId("BP-LOANS"), by=town.by("u-sec"), opinion=WHY)


def test_a_stop_of_a_scenario_is_a_suspension_that_is_measured(town: Town) -> None:
    active = town.active()

    halt = emergency.stop_scenario(town.office, active.id, by=town.by("u-lead"), opinion=WHY)

    assert grant_state(town, active) is GrantState.SUSPENDED
    with town.office.record.reading() as tx:
        assert stop.unconfirmed(tx) == (halt,)
    with pytest.raises(RoleError):
        emergency.stop_scenario(town.office, active.id, by=town.by("u-op"), opinion=WHY)
