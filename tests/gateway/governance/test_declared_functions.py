"""A scenario may declare every function of the lane, and nothing that the gate could not compute."""

from typing import Any

import pytest

from gateway.governance import scenarios
from gateway.governance.refusal import Refused
from gateway.governance.seats import IMPLEMENTER, PROVIDER
from jobs.grant import GrantId
from jobs.record import grants
from sandbox.order import Function
from tests.gateway.governance.town import CANARY, Town, loan_plan

IS = f"loan_status = '{CANARY}'"
MODEL = f"{IS} ~ annual_income + grade + clip(debt_to_income, 0, 0.5)"
TOTAL = {"name": "state", "type": "string", "dimension": "state", "function": "total"}
TERM = {"name": "term", "type": "string", "function": "term"}
COUNT = {"name": "n", "type": "int", "function": "count"}


def number(function: str, measure: str, name: str = "x") -> dict[str, str]:
    return {"name": name, "type": "float", "function": function, "measure": measure}


TABLE = [
    TOTAL,
    COUNT,
    number("sum", "clip(annual_income, 0, 0.5)", "s"),
    number("ratio", "s / n", "r"),
    number("avg", IS, "share"),
    number("quantile", "quantile(annual_income, 0.9)", "q"),
    number("median", "annual_income", "m"),
    number("weighted_avg", "weighted(interest_rate, loan_amount)", "w"),
    number("variance", "interest_rate", "v"),
    number("stddev", "interest_rate", "d"),
]
FIT = [TERM, number("logistic", MODEL, "b"), number("standard_error", MODEL, "se")]


def asked(schema: list[dict[str, str]]) -> dict[str, Any]:
    plan = loan_plan()
    plan["outputs"][1]["schema"] = schema
    return plan


@pytest.mark.parametrize("schema", [TABLE, FIT])
def test_a_scenario_may_declare_every_function_of_the_lane(
    schema: list[dict[str, str]], town: Town
) -> None:
    half = town.approved(town.forwarded(asked(schema)), "u-prov", PROVIDER)
    town.approved(half, "u-impl", IMPLEMENTER)

    with town.office.record.reading() as tx:
        grant = grants.get(tx, GrantId("SC-SH-2026-0001.v1")).signed.grant
    granted = grant.outputs[1]
    assert granted.asset == "BP-LOANS"
    assert [column.source for column in granted.columns] == [
        each.get("dimension") or each.get("measure", "") for each in schema
    ]
    assert granted.columns[0].function in {Function.DIMENSION_TOTAL, Function.TERM}


@pytest.mark.parametrize(
    ("schema", "rule", "place"),
    [
        ([TOTAL, number("sum", "clip(annual_income, 0, 9)")], "output_column", "[1].measure"),
        ([TOTAL, number("sum", "annual_income * 2")], "output_column", "[1].measure"),
        ([TOTAL, number("avg", "grade = 'boat'")], "output_column", "[1].measure"),
        ([TOTAL, number("avg", "annual_income = '1'")], "output_column", "[1].measure"),
        ([TOTAL, number("median", "loan_id")], "output_column", "[1].measure"),
        ([TOTAL, number("quantile", "annual_income")], "output_column", "[1].measure"),
        ([TOTAL, number("weighted_avg", "annual_income")], "output_column", "[1].measure"),
        ([{**TOTAL, "function": "sum"}, COUNT], "output_column", "[0].function"),
        ([{**TOTAL, "dimension": "merged(state, 'a' + 'b')"}, COUNT], "output_column", "[0].dimension"),
        ([TOTAL, number("ratio", "n / n")], "output_table", ""),
        ([TOTAL, number("linear", "interest_rate ~ annual_income")], "output_table", ""),
        ([TERM, *FIT[1:], COUNT], "output_table", ""),
        ([TERM, number("linear", f"{IS} ~ annual_income")], "output_table", ""),
    ],
)  # fmt: skip
def test_what_the_gate_could_not_compute_is_refused_before_it_is_granted(
    schema: list[dict[str, str]], rule: str, place: str, quiet_town: Town
) -> None:
    by = quiet_town.by("u-bank-lead")

    answer = scenarios.submit(quiet_town.office, asked(schema), by=by)

    assert isinstance(answer, Refused)
    found = {(each.rule, each.place) for each in answer.reasons}
    assert (f"plan.{rule}", f"$.outputs[1].schema{place}") in found
    assert CANARY not in repr([(each.why, each.fix) for each in answer.reasons])


def test_a_private_output_has_only_what_the_planner_can_answer(quiet_town: Town) -> None:
    plan = loan_plan()
    plan["outputs"][0]["schema"] = [TOTAL, number("median", "annual_income")]

    answer = scenarios.submit(quiet_town.office, plan, by=quiet_town.by("u-bank-lead"))

    assert isinstance(answer, Refused)
    found = {(each.rule, each.place) for each in answer.reasons}
    assert ("plan.output_column", "$.outputs[0].schema[1].function") in found
