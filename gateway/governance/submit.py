"""How a plan comes in: its developer submits it, its operator forwards it, the machine checks it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.governance.assessment import assess
from gateway.governance.form import formed
from gateway.governance.office import (
    Filed,
    Judgement,
    Office,
    decision,
    filed_anew,
    noted,
    plan_of,
    put_back,
    seated,
    unlocked,
    with_decision,
)
from gateway.governance.parties import Caller
from gateway.governance.plan import Plan, canonical, digest
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from gateway.governance.seats import OPERATOR, Panel, needed, panel
from gateway.governance.sentences import reason
from jobs.errors import ConflictError, NotFoundError
from jobs.grant import PartyId, ScenarioId
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from sandbox.reason import Reason

_SUBMIT = "submit_scenario"


def submit(office: Office, given: Mapping[str, Any], *, by: Caller) -> Scenario | Refused:
    """Take in a plan, new or after a return, and hand it to its operator.

    Raises `RoleError`, `ConflictError` for another organisation's scenario id, `OutOfOrderError`
    where the scenario is not open for a new plan.
    """
    office.demand_role(by, _SUBMIT)
    plan = formed(given, office.rules.schema)
    if isinstance(plan, Refused):
        return plan
    with office.record.writing() as tx:
        was = _earlier(tx, plan, by)
        reasons = [*assess(plan, office.facts(tx, plan.jurisdiction, by.party))]
        if was and plan.version <= was.scenario.version:
            reasons.append(reason("plan.version", place="$.version"))
        if reasons:
            return Refused(tuple(reasons))
        return _taken_in(tx, office, (plan, canonical(given)), was=was, by=by)


def forward(office: Office, scenario: ScenarioId, judgement: Judgement) -> Scenario:
    """Forward a plan with the operator's opinion; the machine then checks it once more.

    The answer is in assessment, or back in draft with the `reasons` why. The operator cooperates
    and has no vote (requirement B-16). Raises `RoleError`, `SeatRefusedError`, `StaleError`,
    `OutOfOrderError`, `NotFoundError`.
    """
    with office.record.writing() as tx:
        was = seated(tx, office, scenario, judgement, acts=("forward", OPERATOR))
        moved = was.scenario.moved(office.rules.scenario, "forward")
        last = decision(moved, judgement, acts=("forward", OPERATOR), at=tx.now)
        moved = with_decision(moved, last)
        filed = put_back(tx, was, moved, noted("forwarded", moved, last))
        return _checked(tx, office, filed)


def _earlier(tx: Reading, plan: Plan, by: Caller) -> Filed | None:
    try:
        filed = unlocked(tx, plan.scenario)
    except NotFoundError:
        return None
    if filed.scenario.developer != by.party:
        raise ConflictError("this scenario id is taken")
    return filed


def _taken_in(
    tx: Writing, office: Office, asked: tuple[Plan, str], *, was: Filed | None, by: Caller
) -> Scenario:
    plan, text = asked
    machine = office.rules.scenario
    book = office.rules.rulebooks[plan.jurisdiction]
    before = was.scenario if was else None
    draft = Scenario(
        id=plan.scenario,
        version=plan.version,
        state=before.state if before else machine.initial,
        jurisdiction=plan.jurisdiction,
        title_zh=plan.title_zh,
        title_en=plan.title_en or plan.title_zh,
        developer=plan.applicant.party,
        operator=plan.operator.party,
        providers=_providers(tx, office, plan),
        plan=text,
        digest=digest(text),
        rulebook=book.reference,
        decisions=before.decisions if before else (),
    ).moved(machine, "submit")
    judgement = Judgement(by=by, opinion="", plan=draft.digest)
    last = decision(draft, judgement, acts=("submit", _SUBMIT), at=tx.now)
    after = with_decision(draft, last)
    if was:
        put_back(tx, was, after, noted("submitted", after, last))
    else:
        filed_anew(tx, after, noted("submitted", after, last))
    return after


def _providers(tx: Reading, office: Office, plan: Plan) -> tuple[PartyId, ...]:
    facts = office.facts(tx, plan.jurisdiction, plan.applicant.party)
    return tuple(sorted({PartyId(asset.provider) for _, _, asset in facts.assets(plan)}))


def _checked(tx: Writing, office: Office, was: Filed) -> Scenario:
    """Fire the machine's check of a forwarded plan: what was sound may have changed since."""
    scenario = was.scenario
    plan = plan_of(scenario)
    facts = office.facts(tx, scenario.jurisdiction, scenario.developer)
    reasons = assess(plan, facts)
    assets = [asset for _, _, asset in facts.assets(plan)]
    joint = panel(facts.rulebook, assets) is Panel.JOINT
    event = "machine_check_pass_joint" if joint else "machine_check_pass"
    after = replace(
        scenario.moved(office.rules.scenario, "machine_check_fail" if reasons else event),
        rulebook=facts.rulebook.reference,
        seats=() if reasons else needed(facts.rulebook, assets),
        reasons=reasons,
    )
    done = "check_failed" if reasons else "check_passed"
    put_back(tx, was, after, _machine_noted(done, after, reasons))
    return after


def _machine_noted(kind: str, scenario: Scenario, reasons: tuple[Reason, ...]) -> Event:
    facts: dict[str, str | int] = {
        "state": scenario.state,
        "plan": scenario.digest,
        "rulebook": scenario.rulebook,
        "faults": len(reasons),
        "seats": len(scenario.seats),
    }
    return Event(f"scenario.{kind}", scenario.id, "system", facts)
