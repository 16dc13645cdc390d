"""The story of an approval: who may, who may not, and that the last seat issues the grant."""

import base64
from datetime import date
from fractions import Fraction

import pytest

from gateway.governance import scenarios
from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.office import Judgement
from gateway.governance.refusal import Refused
from gateway.governance.seats import IMPLEMENTER, JOINT, OPERATOR, PROVIDER, SEATS, SECTOR
from jobs.errors import ConflictError, NotFoundError, OutOfOrderError, StaleError
from jobs.grant import GrantId, GrantState
from jobs.proof import bodies
from jobs.record import grants
from jobs.record.database import Record
from jobs.record.log import entries
from sandbox.asset import Digest
from sandbox.order import Function, ReleaseClass
from tests.gateway.governance.town import Clock, Town, loan_plan


@pytest.mark.req("E-06")
def test_the_last_of_both_seats_makes_the_scenario_active_and_issues_a_signed_grant(
    town: Town,
) -> None:
    forwarded = town.forwarded()

    half = town.approved(forwarded, "u-prov", PROVIDER)
    active = town.approved(half, "u-impl", IMPLEMENTER)

    assert (forwarded.state, half.state, active.state) == (
        "in_local_assessment",
        "in_local_assessment",
        "active",
    )
    assert (half.grant, active.grant) == (None, "SC-SH-2026-0001.v1")
    with town.office.record.reading() as tx:
        granted = grants.get(tx, GrantId("SC-SH-2026-0001.v1"))
    signed = granted.signed
    message = bodies.dump(signed.grant).encode()
    assert granted.state is GrantState.LIVE
    assert town.office.key.public.verifies(base64.b64decode(signed.signature), message)
    assert town.budgets.opened == [signed.grant.id]


def test_the_grant_is_all_that_the_plan_the_rulebook_and_the_catalogue_say(town: Town) -> None:
    active = town.active()

    with town.office.record.reading() as tx:
        grant = grants.get(tx, GrantId("SC-SH-2026-0001.v1")).signed.grant
    (view,) = grant.assets
    table, aggregate, report = grant.outputs
    assert view.columns[:3] == ("loan_id", "state", "grade")
    assert view.pseudonyms == ("loan_id",)
    assert (table.release, table.epsilon) == (ReleaseClass.DP, Fraction(1, 2))
    assert (aggregate.release, aggregate.asset) == (ReleaseClass.SDC, "BP-LOANS")
    assert [column.function for column in aggregate.columns] == [
        Function.DIMENSION,
        Function.COUNT,
        Function.COUNT_UNITS,
        Function.AVG,
        Function.SUM,
    ]
    assert aggregate.columns[3].source == "interest_rate"
    assert report.release is ReleaseClass.REVIEWED
    assert (grant.policy.min_units, grant.policy.dominance_percent) == (10, 80)
    assert (grant.epsilon_total, grant.delta) == (Fraction(4), Fraction(1, 10**6))
    assert grant.limits.memory_bytes == 2 * 2**30
    assert grant.valid_to == date(2030, 12, 31)
    assert grant.images == ("sha256:" + "0" * 64,)
    assert grant.security_officers == 1
    assert (grant.plan, grant.rulebook) == (active.digest, active.rulebook)
    assert {(each.seat, each.party) for each in grant.approvals} == {
        (IMPLEMENTER, "P-IMPL"),
        (PROVIDER, "P-PROV"),
    }


@pytest.mark.req("J-05")
def test_each_decision_keeps_what_the_decider_saw_and_the_log_has_each_step(town: Town) -> None:
    active = town.active()

    rulebook = town.office.rules.rulebooks["shanghai"].reference
    assert {each.plan for each in active.decisions} == {active.digest}
    assert {each.rulebook for each in active.decisions} == {rulebook}
    with town.office.record.reading() as tx:
        logged = [(each.event.kind, each.event.actor) for each in entries(tx, limit=100)]
    assert [each for each in logged if each[0].startswith(("scenario.", "grant."))] == [
        ("scenario.submitted", "u-bank-lead"),
        ("scenario.forwarded", "u-op"),
        ("scenario.check_passed", "system"),
        ("scenario.seat_approved", "u-impl"),
        ("scenario.seat_approved", "u-prov"),
        ("scenario.active", "u-prov"),
        ("grant.issued", "u-prov"),
    ]


@pytest.mark.req("E-06")
def test_two_approvals_by_one_organisation_are_refused(town: Town) -> None:
    half = town.approved(town.forwarded(), "u-impl", IMPLEMENTER)

    with pytest.raises(SeatRefusedError) as refused:
        town.approved(half, "u-impl-too", IMPLEMENTER)

    assert {each.rule for each in refused.value.reasons} == {"seat.taken", "seat.organisation"}


@pytest.mark.parametrize(
    ("person", "seat"),
    [
        ("u-bank-lead", IMPLEMENTER),
        ("u-lead", IMPLEMENTER),
        ("u-impl", PROVIDER),
        ("u-sec", PROVIDER),
        ("u-impl", "no_such_seat"),
    ],
)
def test_a_person_without_the_role_cannot_take_the_seat(town: Town, person: str, seat: str) -> None:
    forwarded = town.forwarded()

    with pytest.raises(RoleError):
        town.approved(forwarded, person, seat)


@pytest.mark.req("B-16")
@pytest.mark.parametrize("seat", sorted(SEATS))
def test_the_operator_has_no_vote_on_what_it_forwards(town: Town, seat: str) -> None:
    forwarded = town.forwarded()

    with pytest.raises(RoleError):
        town.approved(forwarded, "u-op", seat)


@pytest.mark.parametrize(("person", "seat"), [("u-sector", SECTOR), ("u-joint", JOINT)])
def test_a_seat_that_the_plan_does_not_need_cannot_be_taken(
    town: Town, person: str, seat: str
) -> None:
    forwarded = town.forwarded()

    with pytest.raises(SeatRefusedError) as refused:
        town.approved(forwarded, person, seat)

    assert refused.value.reasons[0].rule == "seat.not_asked"


def test_another_provider_does_not_even_learn_that_the_scenario_exists(town: Town) -> None:
    forwarded = town.forwarded()

    with pytest.raises(NotFoundError):
        town.approved(forwarded, "u-prov2", PROVIDER)


@pytest.mark.req("H-07")
def test_an_affiliate_of_the_developer_cannot_approve_even_with_the_role(town: Town) -> None:
    forwarded = town.forwarded()

    with pytest.raises(SeatRefusedError) as refused:
        town.approved(forwarded, "u-impl-of-bank", IMPLEMENTER)

    assert [each.rule for each in refused.value.reasons] == ["duties.conflict"]


@pytest.mark.req("E-01")
def test_no_seat_can_speak_before_the_operator_has_forwarded(town: Town) -> None:
    submitted = town.submitted()

    with pytest.raises(OutOfOrderError):
        town.approved(submitted, "u-impl", IMPLEMENTER)


@pytest.mark.req("E-01")
def test_only_the_plans_operator_forwards_it(town: Town) -> None:
    submitted = town.submitted()

    with pytest.raises(RoleError):
        scenarios.forward(town.office, submitted.id, town.says("u-impl", submitted))


def test_an_approval_of_a_plan_that_was_replaced_meanwhile_does_not_count(town: Town) -> None:
    forwarded = town.forwarded()
    stale = Judgement(by=town.by("u-impl"), opinion="同意", plan=Digest("sha256:" + "0" * 64))

    with pytest.raises(StaleError):
        scenarios.approve(town.office, forwarded.id, stale, seat=IMPLEMENTER)


@pytest.mark.parametrize("opinion", ["", "   ", "长" * 4001])
def test_a_decision_without_an_opinion_is_refused(town: Town, opinion: str) -> None:
    forwarded = town.forwarded()
    silent = Judgement(by=town.by("u-impl"), opinion=opinion, plan=forwarded.digest)

    with pytest.raises(SeatRefusedError):
        scenarios.approve(town.office, forwarded.id, silent, seat=IMPLEMENTER)


def test_a_returned_plan_starts_again_with_no_seat_taken(town: Town) -> None:
    half = town.approved(town.forwarded(), "u-impl", IMPLEMENTER)
    returned = scenarios.return_(town.office, half.id, town.says("u-prov", half), seat=PROVIDER)
    again = loan_plan() | {"version": 2, "supersedes": 1}

    once_more = town.forwarded(again)

    assert returned.state == "draft"
    assert once_more.approvals == ()
    assert {seat.action for seat in once_more.open_seats} == {IMPLEMENTER, PROVIDER}
    assert town.approved(once_more, "u-prov", PROVIDER).state == "in_local_assessment"


def test_the_same_version_cannot_come_back_after_a_return(town: Town) -> None:
    submitted = town.submitted()
    scenarios.return_(town.office, submitted.id, town.says("u-op", submitted), seat=OPERATOR)

    answer = scenarios.submit(town.office, loan_plan(), by=town.by("u-bank-lead"))

    assert isinstance(answer, Refused)
    assert [each.rule for each in answer.reasons] == ["plan.version"]


def test_a_refusal_by_one_seat_is_final(town: Town) -> None:
    forwarded = town.forwarded()

    refused = scenarios.refuse(
        town.office, forwarded.id, town.says("u-prov", forwarded), seat=PROVIDER
    )

    assert refused.state == "refused"
    with pytest.raises(OutOfOrderError):
        town.approved(refused, "u-impl", IMPLEMENTER)


@pytest.mark.req("E-04")
def test_an_asset_of_a_ministry_needs_the_joint_seat_and_its_own_provider(town: Town) -> None:
    plan = loan_plan()
    plan["assets"][0] |= {"asset": "BP-MINISTRY", "authority_level": "ministry"}
    for route in plan["personal_information"]["routes"]:
        route["asset"] = "BP-MINISTRY"
    for step in plan["processing"]["steps"]:
        step["inputs"] = ["BP-MINISTRY"]

    half = town.approved(town.forwarded(plan), "u-impl", IMPLEMENTER)
    more = town.approved(half, "u-prov2", PROVIDER)

    assert more.state == "in_joint_assessment"
    assert town.approved(more, "u-joint", JOINT).state == "active"


def test_another_organisation_cannot_take_over_a_scenario_id(town: Town) -> None:
    town.submitted()

    with pytest.raises(ConflictError):
        scenarios.submit(town.office, loan_plan(), by=town.by("u-other-lead"))


def test_a_scenario_is_known_to_its_own_parties_and_to_those_who_oversee(town: Town) -> None:
    scenario = town.submitted()

    with town.office.record.reading() as tx:
        known = {
            person
            for person in town.callers
            if [each.id for each in scenarios.listed(tx, by=town.by(person))] == [scenario.id]
        }

    assert set(town.callers) - known == {"u-other-lead", "u-prov2"}


@pytest.mark.req("H-14")
def test_years_of_silence_approve_nothing(town: Town, clock: Clock, record: Record) -> None:
    scenario = town.forwarded()

    clock.forward(days=1200)

    assert scenarios.expire_due(town.office) == ()
    with record.reading() as tx:
        assert scenarios.get(tx, scenario.id, by=town.by("u-lead")).state == scenario.state
        assert grants.listed(tx) == []
