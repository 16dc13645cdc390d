"""Whatever anybody tries in whatever order, no scenario is active without both seats' yes."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.governance import scenarios
from gateway.governance.office import Judgement
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from gateway.governance.seats import IMPLEMENTER, JOINT, OPERATOR, PROVIDER, SECTOR
from jobs.errors import JobsError
from jobs.grant import GrantState
from jobs.record import grants
from tests.gateway.governance.town import PEOPLE, Town, loan_plan

NUMBERS = itertools.count(1)
PERSON = st.sampled_from([person for person, _, _ in PEOPLE])
SEAT = st.sampled_from([IMPLEMENTER, PROVIDER, SECTOR, JOINT, OPERATOR])
SPEAK = st.sampled_from(["approve", "approve", "approve", "return_", "refuse"])
STOP = st.sampled_from(["suspend", "lift", "revoke", "withdraw"])
LIKELY = st.sampled_from(
    [
        ("forward", "u-op", ""),
        ("approve", "u-impl", IMPLEMENTER),
        ("approve", "u-prov", PROVIDER),
        ("resubmit", "u-bank-lead", ""),
        ("suspend", "u-sec", ""),
        ("lift", "u-lead", ""),
    ]
)
MOVE = st.one_of(
    LIKELY,
    LIKELY,
    st.tuples(st.just("forward"), PERSON, st.just("")),
    st.tuples(SPEAK, PERSON, SEAT),
    st.tuples(STOP, PERSON, st.just("")),
)


def move(town: Town, scenario: Scenario, what: tuple[str, str, str]) -> Scenario:
    verb, person, seat = what
    by, office = town.by(person), town.office
    judgement = Judgement(by=by, opinion="意见", plan=scenario.digest)
    step = getattr(scenarios, verb, None)
    if verb == "resubmit":
        plan = loan_plan() | {"scenario": scenario.id, "version": scenario.version + 1}
        answer = scenarios.submit(office, plan, by=by)
        return scenario if isinstance(answer, Refused) else answer
    assert step is not None
    if verb == "forward":
        found = step(office, scenario.id, judgement)
    elif seat:
        found = step(office, scenario.id, judgement, seat=seat)
    else:
        found = step(office, scenario.id, by=by, opinion="意见")
    assert isinstance(found, Scenario)
    return found


@pytest.mark.req("E-06")
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=st.lists(MOVE, min_size=3, max_size=14))
def test_no_order_of_steps_makes_a_scenario_active_without_both_seats(
    town: Town, moves: list[tuple[str, str, str]]
) -> None:
    plan = loan_plan() | {"scenario": f"SC-SH-2026-{next(NUMBERS):04d}"}
    scenario = town.submitted(plan)

    for each in moves:
        try:
            scenario = move(town, scenario, each)
        except JobsError:
            continue
        holds(town, scenario)


def test_the_right_order_of_the_same_steps_does_make_it_active(town: Town) -> None:
    scenario = town.submitted()

    for each in (
        ("forward", "u-op", ""),
        ("approve", "u-impl", IMPLEMENTER),
        ("approve", "u-prov", PROVIDER),
        ("suspend", "u-sec", ""),
        ("lift", "u-lead", ""),
    ):
        scenario = move(town, scenario, each)
        holds(town, scenario)

    assert scenario.state == "active"


def holds(town: Town, scenario: Scenario) -> None:
    yeses = {(each.seat, each.party) for each in scenario.approvals}
    both = {(IMPLEMENTER, "P-IMPL"), (PROVIDER, "P-PROV")}
    with town.office.record.reading() as tx:
        mine = [each for each in grants.listed(tx) if each.signed.grant.scenario == scenario.id]
    live = [each for each in mine if each.state is GrantState.LIVE]
    assert (scenario.state == "active") == (len(live) == 1)
    assert not mine or yeses == both
    assert len({each.person for each in scenario.approvals}) == len(scenario.approvals)
