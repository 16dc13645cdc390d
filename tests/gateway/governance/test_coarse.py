"""A plan can ask for a generalised view, and is held to its columns and to the rulebook's k."""

from dataclasses import replace
from fractions import Fraction

import pytest

from gateway.governance import scenarios
from gateway.governance.evidence import evidence_of, kept_evidence
from gateway.governance.refusal import Refused
from gateway.governance.seats import IMPLEMENTER, PROVIDER
from jobs.grant import GrantId, ViewEvidence
from jobs.proof import bodies
from jobs.record import grants
from sandbox.asset import Digest
from sandbox.order import Generalise
from tests.gateway.governance.test_bad_plans import Change, at, refusals, without
from tests.gateway.governance.town import CANARY, Town, coarse_plan

AIM = "assets.0.generalise"
PLACE = "$.assets[0].generalise"


@pytest.mark.req("G-04")
def test_a_generalised_view_goes_from_the_plan_into_the_signed_grant(town: Town) -> None:
    half = town.approved(town.forwarded(coarse_plan()), "u-impl", IMPLEMENTER)
    sealed = town.judged(half)
    town.approved(half, "u-prov", PROVIDER)

    with town.office.record.reading() as tx:
        signed = grants.get(tx, GrantId("SC-SH-2026-0001.v1")).signed
    (view,) = signed.grant.assets
    assert view.generalise == Generalise(
        quasi=("state", "homeownership", "annual_income", "term", "debt_to_income"),
        sensitive=("grade", "loan_amount", "interest_rate", "loan_status"),
        k=5,
        l=2,
        t=Fraction(2, 5),
    )
    assert view.pseudonyms == ()
    assert '"k":5' in bodies.dump(signed.grant)
    assert signed.grant.evidence == (ViewEvidence(asset=view.asset, sealed=sealed.digest),)
    assert sealed.salt not in bodies.dump(signed)


@pytest.mark.req("G-04")
def test_nobody_approves_a_generalised_view_before_it_was_judged(town: Town) -> None:
    half = town.approved(town.forwarded(coarse_plan()), "u-impl", IMPLEMENTER)

    answer = scenarios.approve(town.office, half.id, town.says("u-prov", half), seat=PROVIDER)

    assert isinstance(answer, Refused)
    assert [(each.rule, each.place) for each in answer.reasons] == [("plan.unjudged", PLACE)]
    town.judged(half)
    assert town.approved(half, "u-prov", PROVIDER).state == "active"


def test_evidence_of_another_plan_is_no_evidence_of_this_one(town: Town) -> None:
    scenario = town.submitted(coarse_plan())
    town.judged(replace(scenario, digest=Digest("sha256:" + "0" * 64)))

    with town.office.record.reading() as tx:
        assert evidence_of(tx, scenario) == ()
        assert len(kept_evidence(tx, scenario.id)) == 1


def test_a_view_that_is_judged_again_has_its_last_evidence(town: Town) -> None:
    scenario = town.submitted(coarse_plan())
    town.judged(scenario)

    last = town.judged(scenario)

    with town.office.record.reading() as tx:
        assert [each.sealed for each in evidence_of(tx, scenario)] == [last.digest]


def test_a_grant_of_views_that_were_not_judged_reads_as_before_there_was_evidence(
    town: Town,
) -> None:
    town.active()

    with town.office.record.reading() as tx:
        signed = grants.get(tx, GrantId("SC-SH-2026-0001.v1")).signed
    assert signed.grant.evidence == ()
    assert "evidence" not in bodies.dump(signed)


def _with_key(plan: dict) -> None:  # type: ignore[type-arg] # what a plan file holds
    column = {"name": "loan_id", "why": "按笔计数并限制贡献", "precision": "场景内加密假名"}
    route = {"asset": "BP-LOANS", "columns": ["loan_id"], "route": "excluded"}
    plan["assets"][0]["columns"].append(column)
    plan["personal_information"]["routes"].append(route)


REFUSED = [
    (at(f"{AIM}.k", 4), "plan.k", f"{PLACE}.k"),
    (at(f"{AIM}.quasi", ["state"]), "plan.coarse", PLACE),
    (at(f"{AIM}.quasi.0", "grade"), "plan.coarse", PLACE),
    (at(f"{AIM}.quasi.0", CANARY), "plan.coarse", PLACE),
    (_with_key, "plan.coarse_pseudonym", PLACE),
    (without(f"{AIM}.sensitive"), "plan.coarse_spread", f"{PLACE}.sensitive"),
    (at(f"{AIM}.k", 1), "plan.form.minimum", f"{PLACE}.k"),
    (at(f"{AIM}.k", 5.5), "plan.form.type", f"{PLACE}.k"),
    (at(f"{AIM}.quasi", []), "plan.form.minItems", f"{PLACE}.quasi"),
    (at(f"{AIM}.l", 0), "plan.form.minimum", f"{PLACE}.l"),
    (at(f"{AIM}.t", 1.5), "plan.form.maximum", f"{PLACE}.t"),
    (at(f"{AIM}.t", float("nan")), "plan.form.number", f"{PLACE}.t"),
    (at(f"{AIM}.more", 1), "plan.form.additionalProperties", PLACE),
    (at(f"{AIM}.relaxed", "no"), "plan.form.type", f"{PLACE}.relaxed"),
    (without(f"{AIM}.k"), "plan.form.required", f"{PLACE}.k"),
    # what is shown as labels only is no category and no number
    (at("outputs.0.schema.0.dimension", "state"), "plan.output_column", "$.outputs[0].schema[0].dimension"),
    (at("outputs.0.schema.3.measure", "annual_income"), "plan.output_column", "$.outputs[0].schema[3].measure"),
    # and no private answer is made over its classes
    (at("outputs.0.privacy_method", {"name": "dp", "epsilon": 0.5}), "plan.output_column", "$.outputs[0].schema[0].dimension"),
]  # fmt: skip


@pytest.mark.req("G-04")
@pytest.mark.parametrize(("change", "rule", "place"), REFUSED)
def test_a_generalised_view_that_hides_too_little_is_refused_at_its_place(
    change: Change, rule: str, place: str, quiet_town: Town
) -> None:
    plan = coarse_plan()
    change(plan)

    found = refusals(quiet_town, plan)

    assert (rule, place) in {(each.rule, each.place) for each in found}
    assert all(each.why.zh and each.why.en and each.fix.zh and each.fix.en for each in found)
    assert CANARY not in repr([(each.why, each.fix, each.clause) for each in found])


def test_without_a_change_the_same_plan_passes(town: Town) -> None:
    answer = scenarios.submit(town.office, coarse_plan(), by=town.by("u-bank-lead"))

    assert not isinstance(answer, Refused)
