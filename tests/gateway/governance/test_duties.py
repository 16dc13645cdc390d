"""The table of duties: who may, who is excluded, and how many people a scenario takes."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.governance.duties import KEY_POSITIONS, Act, Duties, load_duties
from gateway.governance.rules import REGULATION, Rules
from jobs.grant import PartyId, PersonId

LINE = (
    "register_asset",
    "submit_scenario",
    "forward_scenario",
    "approve_scenario_implementer",
    "approve_scenario_provider",
    "submit_job",
    "apply_release",
    "verdict_operator",
    "verdict_security",
)
"""What must be done from an asset's registration to a release."""
DUTIES = load_duties(REGULATION / "sod.yaml")


def act(action: str, person: int) -> Act:
    """Return an act of somebody who is an organisation alone."""
    return Act(action=action, person=PersonId(f"u{person}"), party=PartyId(f"P{person}"))


def fewest(duties: Duties, line: Sequence[str]) -> int:
    """Search by brute force for the fewest people among whom the line can be divided."""

    def can(done: list[Act], left: Sequence[str], people: int) -> bool:
        if not left:
            return True
        used = len({each.person for each in done})
        for person in range(min(people, used + 1)):
            now = act(left[0], person)
            clash = duties.conflicts(left[0], done, by=now, affiliates=frozenset())
            if not clash and can([*done, now], left[1:], people):
                return True
        return False

    return next(people for people in range(1, len(line) + 1) if can([], line, people))


@pytest.mark.req("B-01")
def test_three_people_at_least_push_a_scenario_through_and_four_with_two_officers() -> None:
    assert fewest(DUTIES, LINE) == 3
    assert fewest(DUTIES, (*LINE, "second_security")) == 4


def test_only_the_listed_roles_may_and_nobody_may_what_is_not_listed(rules: Rules) -> None:
    assert rules.duties.may({"auditor", "security_officer"}, "verdict_security")
    assert not rules.duties.may({"auditor"}, "verdict_security")
    assert not rules.duties.may(rules.duties.roles, "rule_the_world")
    assert not rules.duties.may(set(), "submit_job")


@given(pair=st.sampled_from([each for each in DUTIES.table if each.scope != "none"]))
def test_every_conflict_of_the_table_holds_in_both_orders_for_one_person(pair: object) -> None:
    assert hasattr(pair, "acts")
    first, second = pair.acts

    for done, now in ((first, second), (second, first)):
        assert DUTIES.conflicts(now, [act(done, 1)], by=act(now, 1), affiliates=frozenset())
        assert not DUTIES.conflicts(now, [act(done, 2)], by=act(now, 1), affiliates=frozenset())


def test_an_organisations_conflict_reaches_its_affiliates_and_a_persons_does_not() -> None:
    mine = act("approve_scenario_implementer", 1)
    tied = frozenset({PartyId("P2")})

    by_org = DUTIES.conflicts(mine.action, [act("submit_scenario", 2)], by=mine, affiliates=tied)
    by_person = DUTIES.conflicts(
        mine.action, [act("forward_scenario", 2)], by=mine, affiliates=tied
    )

    assert [each.rule for each in by_org] == ["duties.conflict"]
    assert by_person == ()


@pytest.mark.req("K-07")
@pytest.mark.parametrize("pair", [*combinations(sorted(KEY_POSITIONS), 2)])
def test_no_two_key_positions_go_to_one_person(pair: tuple[str, str]) -> None:
    assert DUTIES.exclusions(pair) == (pair,)


def test_roles_that_meet_only_on_one_matter_may_be_held_together() -> None:
    assert DUTIES.exclusions(("scenario_reviewer", "security_officer", "implementer_lead")) == ()
