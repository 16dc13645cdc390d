"""A plan that reads by consents: whole assets, a subject in each row, and a grant that says so."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from gateway.governance.scenarios import submit
from gateway.governance.seats import IMPLEMENTER, PROVIDER
from jobs.grant import GrantId
from jobs.record import grants
from sandbox.order import Function, OutputForm, ReleaseClass
from tests.gateway.governance.town import CANARY, Town, loan_plan

Plan = dict[str, Any]


def consented_plan() -> Plan:
    """Return the example plan over those who consent, with a score service as its one output."""
    plan = loan_plan()
    routes = plan["personal_information"]["routes"]
    routes[1] = {**routes[1], "route": "consented"}
    plan["outputs"] = [
        {
            **plan["outputs"][0],
            "form": "score_service",
            "release_class": "auto_if_clean",
            "privacy_method": {"name": "consented_single_subject"},
            "schema": [
                {"name": "subject", "type": "string", "function": "subject", "measure": "loan_id"},
                {
                    "name": "score",
                    "type": "float",
                    "function": "value",
                    "measure": "annual_income, debt_to_income",
                },
                {"name": "grade", "type": "string", "function": "value", "measure": "grade"},
            ],
        }
    ]
    return plan


def refused(town: Town, plan: Plan) -> set[tuple[str, str]]:
    answer = submit(town.office, plan, by=town.by("u-bank-lead"))
    assert isinstance(answer, Refused), answer
    assert CANARY not in repr(answer)
    return {(reason.rule, reason.place) for reason in answer.reasons}


@pytest.mark.req("G-01")
def test_the_grant_reads_by_consents_and_says_whose_rows_leave(town: Town) -> None:
    scenario = town.approved(town.forwarded(consented_plan()), "u-impl", IMPLEMENTER)
    scenario = town.approved(scenario, "u-prov", PROVIDER)

    with town.office.record.reading() as tx:
        grant = grants.get(tx, GrantId(f"{scenario.id}.v{scenario.version}")).signed.grant
    [view], [output] = grant.assets, grant.outputs
    assert view.consented
    assert (output.form, output.release) == (OutputForm.SCORE_SERVICE, ReleaseClass.CONSENTED)
    assert output.asset == view.asset
    assert [(each.function, each.source) for each in output.columns] == [
        (Function.SUBJECT, "loan_id"),
        (Function.VALUE, "annual_income, debt_to_income"),
        (Function.VALUE, "grade"),
    ]


def test_a_plan_without_that_route_reads_no_view_by_consents(town: Town) -> None:
    active = town.active()

    with town.office.record.reading() as tx:
        grant = grants.get(tx, GrantId(f"{active.id}.v{active.version}")).signed.grant
    assert not any(view.consented for view in grant.assets)


def test_other_tabular_forms_are_reviewed(town: Town) -> None:
    plan = consented_plan()
    plan["outputs"][0] |= {"form": "in_domain_dataset", "release_class": "review"}

    assert isinstance(town.submitted(plan), Scenario)


def column(at: int, **changes: str) -> Callable[[Plan], None]:
    return lambda plan: plan["outputs"][0]["schema"][at].update(changes)


def output(**changes: object) -> Callable[[Plan], None]:
    return lambda plan: plan["outputs"][0].update(changes)


def no_subject(plan: Plan) -> None:
    del plan["outputs"][0]["schema"][0]


def anonymised(plan: Plan) -> None:
    plan["personal_information"]["routes"][1]["route"] = "anonymised"


def generalised(plan: Plan) -> None:
    plan["assets"][0]["generalise"] = {"quasi": ["state"], "k": 5}


SCHEMA = "$.outputs[0].schema"
BAD = {
    "no subject": (no_subject, "plan.output_consented", SCHEMA),
    "a subject that is no key": (column(0, measure="state"), "plan.output_consented", SCHEMA),
    "a second subject": (
        column(1, function="subject", measure="loan_id"),
        "plan.output_consented",
        SCHEMA,
    ),
    "a source that was not asked for": (
        column(1, measure="holder"),
        "plan.output_consented",
        SCHEMA,
    ),
    "a value without a source": (column(1, measure=""), "plan.output_consented", f"{SCHEMA}[1]"),
    "a value of the key": (column(1, measure="loan_id"), "plan.output_consented", f"{SCHEMA}[1]"),
    "free text": (column(1, type="string"), "plan.output_consented", f"{SCHEMA}[1]"),
    "a text of a number": (
        column(2, measure="annual_income"),
        "plan.output_consented",
        f"{SCHEMA}[2]",
    ),
    "one name twice": (column(2, name="score"), "plan.output_consented", f"{SCHEMA}[2]"),
    "another function": (column(1, function="sum"), "plan.output_consented", f"{SCHEMA}[1]"),
    "a report": (
        output(form="report", release_class="review"),
        "plan.output_consented",
        "$.outputs[0].form",
    ),
    "a dataset without people": (
        output(form="in_domain_dataset"),
        "plan.output_class",
        "$.outputs[0].release_class",
    ),
    "a service that people sign": (
        output(release_class="review"),
        "plan.output_class",
        "$.outputs[0].release_class",
    ),
    "an asset of the other route": (anonymised, "plan.output_consented", SCHEMA),
    "a generalised view": (generalised, "plan.route_consented", "$.assets[0].generalise"),
}


@pytest.mark.parametrize(("change", "rule", "place"), BAD.values(), ids=BAD)
def test_what_no_consent_could_cover_is_refused(
    town: Town, change: Callable[[Plan], None], rule: str, place: str
) -> None:
    plan = consented_plan()

    change(plan)

    assert (rule, place) in refused(town, plan)


def test_a_private_answer_is_not_made_over_those_who_consent(town: Town) -> None:
    plan = consented_plan()
    plan["outputs"] = loan_plan()["outputs"][:1]

    assert {rule for rule, _ in refused(town, plan)} >= {"plan.output_column"}


def test_the_other_classes_do_not_know_subjects(town: Town) -> None:
    plan = loan_plan()
    plan["outputs"][0]["schema"][0] |= {
        "function": "subject",
        "measure": "loan_id",
        "dimension": "",
    }

    assert ("plan.output_column", "$.outputs[0].schema[0].function") in refused(town, plan)
