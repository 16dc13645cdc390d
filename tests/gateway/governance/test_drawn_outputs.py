"""A scenario can declare charts, reports and models, and its grant has the terms that the gate judges them by."""

from typing import Any

import pytest

from gateway.governance.rules import Rules
from sandbox.order import OutputForm, OutputTerms, ReleaseClass
from tests.gateway.governance.test_bad_plans import refusals
from tests.gateway.governance.test_compiled import compiled
from tests.gateway.governance.town import Town, loan_plan

REVIEW = {"release_class": "review", "privacy_method": {"name": "k_threshold", "k": 10}}
TESTED = {"release_class": "review", "privacy_method": {"name": "model_tests"}}
AUTOMATIC = {"release_class": "auto_if_clean", "privacy_method": {"name": "k_threshold", "k": 10}}


def with_output(form: str, **more: object) -> dict[str, Any]:
    plan = loan_plan()
    plan["outputs"].append(plan["outputs"][2] | {"id": "O4", "form": form, "schema": []} | more)
    return plan


@pytest.mark.parametrize(
    ("form", "declared", "release"),
    [
        ("chart", AUTOMATIC, ReleaseClass.SDC),
        ("chart", REVIEW, ReleaseClass.REVIEWED),
        ("report", REVIEW, ReleaseClass.REVIEWED),
        ("model", TESTED, ReleaseClass.REVIEWED),
    ],
)
def test_a_scenario_declares_what_is_drawn_and_what_is_fitted(
    form: str, declared: dict[str, Any], release: ReleaseClass, rules: Rules
) -> None:
    terms = compiled(rules, with_output(form, **declared)).outputs[-1]

    assert (terms.form, terms.release) == (OutputForm(form), release)
    assert isinstance(terms, OutputTerms)
    assert terms.columns == ()


@pytest.mark.parametrize("form", ["report", "model"])
def test_what_people_must_read_never_leaves_by_itself(form: str, quiet_town: Town) -> None:
    found = refusals(quiet_town, with_output(form, **AUTOMATIC))

    assert ("plan.output_form", "$.outputs[3].form") in {(one.rule, one.place) for one in found}


def test_a_plan_with_a_chart_is_taken_in(town: Town) -> None:
    assert town.submitted(with_output("chart", **AUTOMATIC)).state == "with_operator"
