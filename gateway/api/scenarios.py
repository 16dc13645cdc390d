"""Scenarios: plans come in, the seats decide, and an active one can be stopped."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, status

from gateway.api.problems import RefusedError
from gateway.api.shapes import Asked, Listing, Name
from gateway.api.shapes.scenarios import JudgementIn, Opinion, ScenarioLine, ScenarioOut, SeatedIn
from gateway.governance import scenarios
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from gateway.identity import Calling
from gateway.rooms import TheOffice, TheRecord
from jobs.grant import ScenarioId

router = APIRouter(prefix="/scenarios", tags=["scenarios"])


class OpinionIn(Asked):
    """Why a scenario is stopped, or may go on."""

    opinion: Opinion


@router.post("", status_code=status.HTTP_201_CREATED)
def submit_plan(
    plan: Annotated[dict[str, Any], Body()], caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Submit a scenario plan, new or after a return; its form is the scenario schema."""
    return _answered(scenarios.submit(office, plan, by=caller))


@router.get("")
def list_scenarios(
    caller: Calling, record: TheRecord, state: Name | None = None
) -> Listing[ScenarioLine]:
    """List the scenarios that the caller may know of."""
    with record.reading() as tx:
        found = scenarios.listed(tx, by=caller, state=state)
    return Listing(items=tuple(ScenarioLine.of(each) for each in found))


@router.get("/{scenario_id}")
def show_scenario(scenario_id: Name, caller: Calling, record: TheRecord) -> ScenarioOut:
    """Show a scenario: its plan, what was decided, and the seats that are open."""
    with record.reading() as tx:
        return ScenarioOut.of(scenarios.get(tx, ScenarioId(scenario_id), by=caller))


@router.post("/{scenario_id}/forward")
def forward_plan(
    scenario_id: Name, said: JudgementIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Forward a plan with the operator's opinion; the machine then checks it once more."""
    return _answered(scenarios.forward(office, ScenarioId(scenario_id), said.judgement(caller)))


@router.post("/{scenario_id}/approve")
def approve_plan(
    scenario_id: Name, said: SeatedIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Say one seat's yes; the last one issues the grant."""
    judgement = said.judgement(caller)
    return _answered(scenarios.approve(office, ScenarioId(scenario_id), judgement, seat=said.seat))


@router.post("/{scenario_id}/refuse")
def refuse_plan(
    scenario_id: Name, said: SeatedIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Say one seat's no, which is final."""
    judgement = said.judgement(caller)
    return _answered(scenarios.refuse(office, ScenarioId(scenario_id), judgement, seat=said.seat))


@router.post("/{scenario_id}/return")
def return_plan(
    scenario_id: Name, said: SeatedIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Send a plan back to its developer."""
    judgement = said.judgement(caller)
    return _answered(scenarios.return_(office, ScenarioId(scenario_id), judgement, seat=said.seat))


@router.post("/{scenario_id}/suspend")
def suspend_scenario(
    scenario_id: Name, said: OpinionIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Stop a scenario for now, with every job that is queued or running under it."""
    scenario = ScenarioId(scenario_id)
    return _answered(scenarios.suspend(office, scenario, by=caller, opinion=said.opinion))


@router.post("/{scenario_id}/lift")
def lift_scenario(
    scenario_id: Name, said: OpinionIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """Let a suspended scenario go on; another person than the one who suspended it must."""
    scenario = ScenarioId(scenario_id)
    return _answered(scenarios.lift(office, scenario, by=caller, opinion=said.opinion))


@router.post("/{scenario_id}/revoke")
def revoke_scenario(
    scenario_id: Name, said: OpinionIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """End a scenario for good, with every job under it."""
    scenario = ScenarioId(scenario_id)
    return _answered(scenarios.revoke(office, scenario, by=caller, opinion=said.opinion))


@router.post("/{scenario_id}/withdraw")
def withdraw_scenario(
    scenario_id: Name, said: OpinionIn, caller: Calling, office: TheOffice
) -> ScenarioOut:
    """End one's own active scenario for good."""
    scenario = ScenarioId(scenario_id)
    return _answered(scenarios.withdraw(office, scenario, by=caller, opinion=said.opinion))


def _answered(found: Scenario | Refused) -> ScenarioOut:
    if isinstance(found, Refused):
        raise RefusedError(found.reasons)
    return ScenarioOut.of(found)
