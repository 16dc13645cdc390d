"""Bad plans, each with the rule and the place that its developer reads."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.governance import scenarios
from gateway.governance.errors import RoleError
from gateway.governance.form import formed
from gateway.governance.plan import Plan, PlanError, read_plan
from gateway.governance.refusal import Refused
from gateway.governance.rules import Rules
from sandbox.reason import Reason
from tests.gateway.governance.town import CANARY, Clock, Town, loan_plan

Change = Callable[[dict[str, Any]], object]
HUGE = 10**400


def at(path: str, value: object) -> Change:
    """Return a change that puts `value` at a dotted path."""

    def change(plan: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        found: Any = plan
        for part in way:
            found = found[part]
        found[last] = value

    return change


def without(path: str) -> Change:
    """Return a change that takes away what is at a dotted path."""

    def change(plan: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        found: Any = plan
        for part in way:
            found = found[part]
        del found[last]

    return change


def refusals(town: Town, plan: Mapping[str, Any]) -> tuple[Reason, ...]:
    answer = scenarios.submit(town.office, plan, by=town.by("u-bank-lead"))
    assert isinstance(answer, Refused), "the plan was taken in"
    return answer.reasons


FORM = [
    (without("purpose"), "required", "$.purpose"),
    (without("assets.0.columns.0.why"), "required", "$.assets[0].columns[0].why"),
    (at("version", "1"), "type", "$.version"),
    (at("version", 0), "minimum", "$.version"),
    (at("scenario", "SC-1"), "pattern", "$.scenario"),
    (at("scenario", "SC-SH-2026-0001\n"), "pattern", "$.scenario"),
    (at("scenario", "SC-SH-２０２６-0001"), "pattern", "$.scenario"),
    (at("jurisdiction", "atlantis"), "enum", "$.jurisdiction"),
    (at("purpose.text", "短"), "minLength", "$.purpose.text"),
    (at("term.end", "2026-02-30"), "format", "$.term.end"),
    (at("statements.no_raw_export", False), "const", "$.statements.no_raw_export"),
    (at("outputs", []), "minItems", "$.outputs"),
    (at("privacy.epsilon_total", 0), "exclusiveMinimum", "$.privacy.epsilon_total"),
    (at("hidden_wish", 1), "additionalProperties", "$"),
    (at("Odd Name", 1), "additionalProperties", "$"),
    (at("privacy.epsilon_total", float("nan")), "number", "$.privacy.epsilon_total"),
    (at("privacy.delta", float("inf")), "number", "$.privacy.delta"),
    (at("outputs.0.max_rows", HUGE), "number", "$.outputs[0].max_rows"),
    (at("title_zh", "普惠\ud800贷款"), "characters", "$.title_zh"),
    (at("title_zh", "普惠\x00贷款"), "characters", "$.title_zh"),
    (at("outputs.0.schema.0.dimension", 5), "type", "$.outputs[0].columns[0].dimension"),
    (at("type", "pilot"), "required", "$.pilot"),
]


@pytest.mark.req("E-02")
@pytest.mark.parametrize(("change", "rule", "place"), FORM)
def test_a_plan_of_the_wrong_form_is_refused_at_its_place(
    change: Change, rule: str, place: str, rules: Rules
) -> None:
    plan = loan_plan()
    change(plan)

    answer = formed(plan, rules.schema)

    assert isinstance(answer, Refused)
    assert (f"plan.form.{rule}", place) in {(each.rule, each.place) for each in answer.reasons}


DOMAIN = [
    (at("applicant.party", "P-OTHER"), "plan.applicant", "$.applicant"),
    (at("applicant.uscc", "91310115MA1K30000A"), "plan.applicant", "$.applicant"),
    (at("operator.party", "P-NOBODY"), "plan.operator", "$.operator"),
    (at("operator.name_zh", "别名"), "plan.operator", "$.operator"),
    (at("operator.party", "P-BANK"), "plan.affiliation", "$.applicant"),
    (at("statements.no_operator_affiliation", False), "plan.affiliation", "$.applicant"),
    (at("term.end", "2025-01-01"), "plan.term", "$.term"),
    (at("term.end", "2031-01-01"), "plan.term", "$.term"),
    (at("assets.0.version", 9), "plan.asset", "$.assets[0]"),
    (at("assets.0.asset", "RS-LOANS"), "plan.tier", "$.assets[0].kind"),
    (at("assets.0.kind", "resource"), "plan.catalogue", "$.assets[0].kind"),
    (at("assets.0.authority_level", "district"), "plan.catalogue", "$.assets[0].authority_level"),
    (at("assets.0.columns.1.name", "salary"), "plan.column", "$.assets[0].columns[1].name"),
    (at("assets.0.columns.1.name", "grade"), "plan.column", "$.assets[0].columns[2].name"),
    (
        at("assets.0.columns.0.precision", "原值"),
        "plan.pseudonym",
        "$.assets[0].columns[0].precision",
    ),
    (at("assets.0.columns.1.name", "holder"), "plan.pseudonym", "$.assets[0].columns[1].precision"),
    (at("assets.0.rows.sample_rate", 0.1), "plan.rows", "$.assets[0].rows"),
    (at("assets.0.rows.time_from", "2024-01"), "plan.rows", "$.assets[0].rows"),
    (
        at("assets.0.rows.predicate", "loan_id = 7"),
        "predicate.identifier",
        "$.assets[0].rows.predicate, line 1, column 1",
    ),
    (at("privacy.unit", "enterprise"), "plan.unit", "$.privacy.unit"),
    (
        at(
            "outside_data",
            [
                {
                    "name": "x",
                    "origin": "x",
                    "legal_basis": "合同约定条款",
                    "contents": "x",
                    "contains_pi": False,
                    "size_bytes": 1,
                }
            ],
        ),
        "plan.outside_data",
        "$.outside_data",
    ),
    (
        at("personal_information.contains", "none"),
        "plan.personal",
        "$.personal_information.contains",
    ),
    (without("personal_information.routes.0"), "plan.route", "$.assets[0].columns[0]"),
    (
        at("personal_information.routes.0.route", "anonymised"),
        "plan.route_pseudonym",
        "$.assets[0].columns[0]",
    ),
    (
        at("personal_information.routes.1.route", "excluded"),
        "plan.route_excluded",
        "$.assets[0].columns[1]",
    ),
    (
        lambda plan: plan["personal_information"]["routes"].append(
            {"asset": "BP-LOANS", "columns": ["state"], "route": "consented"}
        ),
        "plan.route_consented",
        "$.assets[0].columns[2]",
    ),
    (
        without("personal_information.routes.1.evidence"),
        "plan.evidence",
        "$.personal_information.routes[1].evidence",
    ),
    (
        lambda plan: plan["personal_information"].update(automated_decision=True, pia=None),
        "plan.pia",
        "$.personal_information.pia",
    ),
    (
        at("processing.steps.1.image_or_template", "python:3.12"),
        "plan.image",
        "$.processing.steps[1].image_or_template",
    ),
    (
        at("processing.steps.1.image_or_template", "sha256:" + "A" * 64),
        "plan.image",
        "$.processing.steps[1].image_or_template",
    ),
    (
        at("processing.steps.1.inputs", ["BP-OTHER"]),
        "plan.inputs",
        "$.processing.steps[1].inputs",
    ),
    (
        at("processing.resources.memory_gib", -1),
        "plan.memory",
        "$.processing.resources.memory_gib",
    ),
    (at("outputs.0.recipients", ["P-X"]), "plan.recipients", "$.outputs[0].recipients"),
    (at("recipients.0.party", "P-X"), "plan.recipients", "$.recipients[0]"),
    (at("outputs.1.id", "O1"), "plan.output_name", "$.outputs[1].id"),
    (at("outputs.1.id", "../x"), "plan.output_name", "$.outputs[1].id"),
    (at("outputs.0.max_rows", 0), "plan.output_size", "$.outputs[0].max_rows"),
    (at("outputs.0.max_bytes", 2**40), "plan.output_size", "$.outputs[0].max_bytes"),
    (at("outputs.0.max_bytes", 8 * 2**20 + 1), "plan.output_size", "$.outputs[0].max_bytes"),
    (
        at("outputs.0.release_class", "review"),
        "plan.output_class",
        "$.outputs[0].privacy_method",
    ),
    (
        at("outputs.2.release_class", "auto_if_clean"),
        "plan.output_form",
        "$.outputs[2].form",
    ),
    (at("outputs.0.form", "model"), "plan.output_form", "$.outputs[0].form"),
    (
        at("outputs.1.privacy_method.name", "none_open_data"),
        "plan.output_class",
        "$.outputs[1].privacy_method",
    ),
    (
        at("outputs.0.privacy_method.epsilon", 1.5),
        "plan.output_epsilon",
        "$.outputs[0].privacy_method.epsilon",
    ),
    (
        without("outputs.0.privacy_method.epsilon"),
        "plan.output_epsilon",
        "$.outputs[0].privacy_method.epsilon",
    ),
    (
        at("privacy.epsilon_total", 0.25),
        "plan.epsilon_total",
        "$.outputs[0].privacy_method.epsilon",
    ),
    (
        at("outputs.1.schema.0.dimension", "annual_income"),
        "plan.output_column",
        "$.outputs[1].schema[0].dimension",
    ),
    (
        at("outputs.1.schema.3.measure", "grade"),
        "plan.output_column",
        "$.outputs[1].schema[3].measure",
    ),
    (
        at("outputs.1.schema.1.function", "mode"),
        "plan.output_column",
        "$.outputs[1].schema[1].function",
    ),
    (
        without("outputs.1.schema.1.function"),
        "plan.output_column",
        "$.outputs[1].schema[1].function",
    ),
    (
        at("outputs.1.schema.1.type", "string"),
        "plan.output_column",
        "$.outputs[1].schema[1].type",
    ),
    (
        at("outputs.1.schema.1.name", "grade"),
        "plan.output_column",
        "$.outputs[1].schema[0].name",
    ),
    (
        lambda plan: plan["outputs"][1].update(schema=plan["outputs"][1]["schema"][:1]),
        "plan.output_columns",
        "$.outputs[1].schema",
    ),
    (at("outputs.1.privacy_method.k", 3), "plan.cohort", "$.outputs[1].privacy_method.k"),
    (at("privacy.epsilon_total", 10.5), "plan.epsilon", "$.privacy.epsilon_total"),
    (at("privacy.delta", 0.001), "plan.delta", "$.privacy.delta"),
    (at("privacy.delta", -0.1), "plan.delta", "$.privacy.delta"),
    (at("privacy.min_cohort", 9), "plan.cohort", "$.privacy.min_cohort"),
    (at("privacy.k", 2), "plan.k", "$.privacy.k"),
    (at("privacy.dominance_percent", 95), "plan.dominance", "$.privacy.dominance_percent"),
    (at("people.1.person", "u-other-lead"), "plan.person", "$.people[1]"),
    (at("people.1.person", "u-bank-lead"), "plan.person", "$.people[1]"),
    (at("people.1.role", "developer_lead"), "plan.person", "$.people[1]"),
    (at("people.1.training_until", "2026-11-22"), "plan.training", "$.people[1].training_until"),
    (at("jurisdiction", "weifang"), "rulebook.draft", "weifang"),
    (at("jurisdiction", "lingang"), "plan.tier", "$.assets[0].kind"),
]


@pytest.mark.req("E-03")
@pytest.mark.parametrize(("change", "rule", "place"), DOMAIN)
def test_a_plan_that_asks_for_what_may_not_be_is_refused_at_its_place(
    change: Change, rule: str, place: str, quiet_town: Town
) -> None:
    plan = loan_plan()
    change(plan)

    found = refusals(quiet_town, plan)

    assert (rule, place) in {(each.rule, each.place) for each in found}
    assert all(each.why.zh and each.why.en and each.fix.zh and each.fix.en for each in found)


def test_the_example_plan_itself_passes(town: Town) -> None:
    assert town.submitted().state == "with_operator"


def test_a_refused_plan_leaves_nothing_in_the_record(town: Town) -> None:
    plan = loan_plan()
    at("privacy.min_cohort", 2)(plan)

    refusals(town, plan)

    with town.office.record.reading() as tx:
        assert scenarios.listed(tx, by=town.by("u-lead")) == ()


def test_every_fault_is_told_at_once_and_none_quotes_the_plan_or_the_data(town: Town) -> None:
    plan = loan_plan()
    for path in ("applicant.name_zh", "outputs.0.id", "assets.0.columns.1.name"):
        at(path, CANARY)(plan)
    at("assets.0.rows.predicate", f"grade ~~ '{CANARY}'")(plan)

    found = refusals(town, plan)

    assert len({each.rule for each in found}) >= 4
    assert CANARY not in repr([(each.why, each.fix, each.clause) for each in found])


def test_a_developers_user_cannot_submit_a_plan(town: Town) -> None:
    with pytest.raises(RoleError):
        scenarios.submit(town.office, loan_plan(), by=town.by("u-bank-dev"))


@pytest.mark.req("N-02")
def test_a_rulebook_that_ends_while_the_plan_waits_sends_it_back(town: Town, clock: Clock) -> None:
    plan = loan_plan() | {
        "jurisdiction": "pudong",
        "term": {"start": "2026-12-01", "end": "2027-01-31"},
    }
    submitted = town.submitted(plan)
    clock.forward(days=100)

    back = scenarios.forward(town.office, submitted.id, town.says("u-op", submitted))

    assert back.state == "draft"
    assert "rulebook.ended" in {each.rule for each in back.reasons}


@pytest.mark.parametrize(
    "text",
    ["- a list", "a: [1", "a: &x {b: 1}\nc: *x", "text", "", "!!python/object:os.system {}"],
)
def test_a_file_that_holds_no_plan_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(PlanError) as refused:
        read_plan(text + f"\n# {CANARY}")

    assert CANARY not in str(refused.value)


def test_a_plan_file_keeps_dates_as_texts_so_that_it_can_travel_as_json(rules: Rules) -> None:
    term = read_plan("{start: 2026-01-01, end: 2026-12-31}")

    plan = {**read_plan(json.dumps(loan_plan())), "term": term}

    assert plan["term"]["start"] == "2026-01-01"
    assert isinstance(formed(plan, rules.schema), Plan)
