"""Scenarios on the wire: the plan, who has decided what, and which seats are still open."""

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from gateway.api.shapes import Asked, ReasonOut, SaidOut, Shape
from gateway.governance.office import MAX_OPINION, Judgement
from gateway.governance.parties import Caller
from gateway.governance.scenario import Decision, Scenario
from sandbox.asset import Digest
from sandbox.reason import Said

Opinion = Annotated[str, StringConstraints(max_length=MAX_OPINION)]
PlanDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class JudgementIn(Asked):
    """What a person says about a scenario, and the digest of the plan that the person has read."""

    opinion: Opinion
    plan: PlanDigest

    def judgement(self, by: Caller) -> Judgement:
        """Say the same in the office's own words."""
        return Judgement(by=by, opinion=self.opinion, plan=Digest(self.plan))


class SeatedIn(JudgementIn):
    """A judgement from one seat."""

    seat: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]
    """An action of the duties table, such as `approve_scenario_provider`."""


class SeatOut(Shape):
    """A seat that has not said yes yet; silence is never a yes."""

    action: str
    party: str | None


class DecisionOut(Shape):
    """One thing that was decided."""

    event: str
    action: str
    party: str
    at: datetime
    opinion: str
    plan: str

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Show `decision`; who the person was stays in the log."""
        return cls(
            event=decision.event,
            action=decision.action,
            party=decision.party,
            at=decision.at,
            opinion=decision.opinion,
            plan=decision.plan,
        )


class ScenarioLine(Shape):
    """One scenario in a list."""

    id: str
    version: int
    state: str
    title: SaidOut
    developer: str
    operator: str
    grant: str | None

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Show `scenario` in one line."""
        return cls(
            id=scenario.id,
            version=scenario.version,
            state=scenario.state,
            title=SaidOut.of(Said(zh=scenario.title_zh, en=scenario.title_en)),
            developer=scenario.developer,
            operator=scenario.operator,
            grant=scenario.grant,
        )


class ScenarioOut(Shape):
    """One scenario in full."""

    id: str
    version: int
    state: str
    title: SaidOut
    jurisdiction: str
    developer: str
    operator: str
    providers: tuple[str, ...]
    rulebook: str
    plan: dict[str, Any]
    digest: str
    """What a judgement names as the plan that was read."""
    open_seats: tuple[SeatOut, ...]
    decisions: tuple[DecisionOut, ...]
    reasons: tuple[ReasonOut, ...]
    grant: str | None

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Show `scenario` in full."""
        return cls(
            id=scenario.id,
            version=scenario.version,
            state=scenario.state,
            title=SaidOut.of(Said(zh=scenario.title_zh, en=scenario.title_en)),
            jurisdiction=scenario.jurisdiction,
            developer=scenario.developer,
            operator=scenario.operator,
            providers=scenario.providers,
            rulebook=scenario.rulebook,
            plan=json.loads(scenario.plan),
            digest=scenario.digest,
            open_seats=tuple(
                SeatOut(action=seat.action, party=seat.party) for seat in scenario.open_seats
            ),
            decisions=tuple(DecisionOut.of(each) for each in scenario.decisions),
            reasons=tuple(ReasonOut.of(reason) for reason in scenario.reasons),
            grant=scenario.grant,
        )
