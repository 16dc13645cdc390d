"""The grant takes the strictest of plan, outputs, rulebook and ceilings."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.governance.facts import Ceilings, Facts
from gateway.governance.form import formed
from gateway.governance.grants import compile_grant
from gateway.governance.plan import Plan
from gateway.governance.rulebook import Mode
from gateway.governance.rules import Rules
from gateway.governance.scenario import Scenario
from jobs.grant import Grant, PartyId, ScenarioId
from sandbox.asset import Asset, AssetId, Digest, Grade
from tests.gateway.governance.town import loan_asset, loan_plan


def compiled(rules: Rules, given: dict[str, Any], asset: Asset | None = None) -> Grant:
    plan = formed(given, rules.schema)
    assert isinstance(plan, Plan)
    facts = Facts(
        rulebook=rules.rulebooks[plan.jurisdiction],
        mode=Mode.PRODUCTION,
        today=date(2026, 11, 23),
        applicant=PartyId("P-BANK"),
        catalogue={(AssetId("BP-LOANS"), 1): asset or loan_asset()},
        parties=(),
        people={},
        ceilings=Ceilings(),
    )
    return compile_grant(plan, SCENARIO, facts)


SCENARIO = Scenario(
    id=ScenarioId("SC-SH-2026-0001"),
    version=1,
    state="in_local_assessment",
    jurisdiction="shanghai",
    title_zh="普惠贷款",
    title_en="Loans",
    developer=PartyId("P-BANK"),
    operator=PartyId("P-OP"),
    providers=(PartyId("P-PROV"),),
    plan="{}",
    digest=Digest("sha256:" + "1" * 64),
    rulebook="shanghai@sha256:0",
)
"""A scenario as the seats left it; what the grant says beside it comes from the plan."""


@pytest.mark.req("N-05")
def test_the_largest_threshold_and_the_smallest_dominance_win(rules: Rules) -> None:
    plan = loan_plan()
    plan["privacy"] |= {"min_cohort": 12, "dominance_percent": 60}
    plan["outputs"][1]["privacy_method"]["k"] = 25

    policy = compiled(rules, plan).policy

    assert (policy.min_units, policy.dominance_percent) == (25, 60)


def test_memory_is_cut_to_the_ceiling_and_the_term_to_the_rulebooks_end(rules: Rules) -> None:
    plan = loan_plan() | {"jurisdiction": "pudong"}
    plan["processing"]["resources"]["memory_gib"] = 4096

    grant = compiled(rules, plan)

    assert grant.limits.memory_bytes == 8 * 2**30
    assert grant.valid_to == date(2027, 1, 31)


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("grade", "officers"), [(Grade.L3, 1), (Grade.L4, 2), (Grade.IMPORTANT, 2)]
)
def test_important_data_and_level_four_need_two_security_officers(
    rules: Rules, grade: Grade, officers: int
) -> None:
    asset = loan_asset()
    columns = tuple(
        replace(column, grade=grade) if column.name == "state" else column
        for column in asset.columns
    )

    grant = compiled(rules, loan_plan(), replace(asset, columns=columns))

    assert grant.security_officers == officers


@pytest.mark.req("E-05")
def test_a_column_that_is_not_granted_is_in_no_view(rules: Rules) -> None:
    (view,) = compiled(rules, loan_plan()).assets

    assert not {"holder", "emp_title"} & set(view.columns)
    assert view.snapshot == loan_asset().snapshot
