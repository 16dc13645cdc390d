"""Scenarios: who asked for what, which seats have spoken, and the steps open to the reader."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, StringConstraints

from gateway.console.door import ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.console.views import ScenarioRow, ScenarioStep
from gateway.governance import scenarios as steps
from gateway.governance.errors import SeatRefusedError
from gateway.governance.evidence import evidence_of
from gateway.governance.office import Judgement, Office
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from gateway.governance.seating import seats_for
from gateway.governance.seats import OPERATOR
from jobs.errors import NotFoundError
from jobs.grant import ScenarioId
from jobs.record.database import Reading
from sandbox.asset import Digest
from sandbox.reason import Reason, Said

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
STOPS: Mapping[str, Callable[..., Scenario]] = MappingProxyType(
    {
        "suspend": steps.suspend,
        "lift": steps.lift,
        "revoke": steps.revoke,
        "withdraw": steps.withdraw,
    }
)
_STOP_EVENTS: Mapping[str, str] = MappingProxyType(
    {name: name for name in STOPS} | {"suspend_by_implementer": "suspend"}
)
"""The events of the state machine that a person may fire from a page, and the step that each is."""
_PANEL = ("approve", "return", "refuse")
_OPERATOR = ("forward", "return")


class StepForm(BaseModel):
    """What somebody says about a scenario, the seat as which, and the plan that was on the page."""

    plan: Annotated[str, StringConstraints(max_length=80)] = ""
    seat: Annotated[str, StringConstraints(max_length=80)] = ""
    opinion: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


@router.get("/scenarios")
def list_scenarios(desk: TheDesk) -> Response:
    """List the scenarios that concern the reader; those that wait for the reader stand first."""
    with desk.record.reading() as tx:
        rows = [_row(desk, scenario) for scenario in steps.listed(tx, by=desk.caller)]
    rows.sort(key=lambda row: not row.yours)
    return desk.show("scenarios.html", rows=tuple(rows))


@router.get("/scenarios/{scenario_id}")
def show_scenario(desk: TheDesk, scenario_id: str) -> Response:
    """Show a scenario's plan, its seats, what was decided, and what the reader may do."""
    return _page(desk, ScenarioId(scenario_id))


@router.post("/scenarios/{scenario_id}/{step}")
def take_step(
    desk: TheDeskWithForm, scenario_id: str, step: str, said: Annotated[StepForm, Form()]
) -> Response:
    """Take one step; where the office says no, show why and keep what was written."""
    scenario = ScenarioId(scenario_id)
    refused = _taken(desk, scenario, step, said)
    if refused:
        return _page(desk, scenario, failed=refused.reasons, tried=(step, said))
    return RedirectResponse(f"/console/scenarios/{scenario_id}?done=scenario", status_code=303)


def waiting_for(tx: Reading, desk: Desk) -> int:
    """Return how many scenarios wait for a seat of the reader."""
    return sum(bool(_seats(desk, each)) for each in steps.listed(tx, by=desk.caller))


def _taken(desk: Desk, scenario: ScenarioId, step: str, said: StepForm) -> Refused | None:
    """Take the step; the answer is why not, or nothing."""
    office = desk.rooms.office
    judgement = Judgement(by=desk.caller, opinion=said.opinion, plan=Digest(said.plan))
    try:
        if step in STOPS:
            STOPS[step](office, scenario, by=desk.caller, opinion=said.opinion)
            return None
        answer = _judged(office, scenario, step, (judgement, said.seat))
    except SeatRefusedError as error:
        return Refused(error.reasons)
    return answer if isinstance(answer, Refused) else None


def _judged(
    office: Office, scenario: ScenarioId, step: str, said: tuple[Judgement, str]
) -> Scenario | Refused:
    judgement, seat = said
    match step:
        case "forward":
            return steps.forward(office, scenario, judgement)
        case "approve":
            return steps.approve(office, scenario, judgement, seat=seat)
        case "return":
            return steps.return_(office, scenario, judgement, seat=seat)
        case "refuse":
            return steps.refuse(office, scenario, judgement, seat=seat)
        case _:
            raise NotFoundError("no such step")


def _page(
    desk: Desk,
    scenario_id: ScenarioId,
    *,
    failed: tuple[Reason, ...] = (),
    tried: tuple[str, StepForm] | None = None,
) -> Response:
    with desk.record.reading() as tx:
        scenario = steps.get(tx, scenario_id, by=desk.caller)
        judged = {each.asset: each.sealed for each in evidence_of(tx, scenario)}
    return desk.show(
        "scenario.html",
        status=422 if failed else 200,
        scenario=scenario,
        judged=judged,
        title=_title(scenario),
        plan=json.loads(scenario.plan),
        steps=tuple(_steps(desk, scenario)),
        failed=failed,
        tried=tried[0] if tried else "",
        typed=tried[1].opinion if tried else "",
    )


def _steps(desk: Desk, scenario: Scenario) -> Iterator[ScenarioStep]:
    """Return the steps that a page may offer the reader; the office asks again when one is taken."""
    for seat in _seats(desk, scenario):
        for name in _OPERATOR if seat == OPERATOR else _PANEL:
            yield ScenarioStep(name=name, seat=seat)
    own = desk.caller.party == scenario.developer
    names = {
        _STOP_EVENTS[row.event]: row.event
        for row in desk.rules.scenario.table
        if row.source == scenario.state
        and row.event in _STOP_EVENTS
        and row.by in desk.caller.roles
        and (own or row.event != "withdraw")
    }
    for name in names:
        yield ScenarioStep(name=name, seat="")


def _seats(desk: Desk, scenario: Scenario) -> tuple[str, ...]:
    if desk.caller.party == scenario.developer:
        return ()
    return seats_for(scenario, desk.caller, desk.rules.duties)


def _row(desk: Desk, scenario: Scenario) -> ScenarioRow:
    plan = json.loads(scenario.plan)
    return ScenarioRow(
        id=scenario.id,
        title=_title(scenario),
        state=scenario.state,
        developer=scenario.developer,
        operator=scenario.operator,
        assets=tuple(asked["asset"] for asked in plan["assets"]),
        start=plan["term"]["start"],
        end=plan["term"]["end"],
        yours=bool(_seats(desk, scenario)),
    )


def _title(scenario: Scenario) -> Said:
    return Said(zh=scenario.title_zh, en=scenario.title_en or scenario.title_zh)
