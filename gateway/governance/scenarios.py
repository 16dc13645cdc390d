"""Scenarios: every step that moves one, and who may read which."""

from gateway.governance.decide import approve, refuse, return_
from gateway.governance.office import opened
from gateway.governance.parties import Caller
from gateway.governance.scenario import Scenario
from gateway.governance.stop import expire, expire_due, lift, revoke, suspend, withdraw
from gateway.governance.submit import forward, submit
from jobs.grant import ScenarioId
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.database import Reading

__all__ = [
    "approve",
    "expire",
    "expire_due",
    "forward",
    "get",
    "lift",
    "listed",
    "refuse",
    "return_",
    "revoke",
    "submit",
    "suspend",
    "withdraw",
]


def get(tx: Reading, scenario: ScenarioId, *, by: Caller) -> Scenario:
    """Return a scenario; raise `NotFoundError` without one that this caller may know of."""
    return opened(tx, scenario, by).scenario


def listed(tx: Reading, *, by: Caller, state: str | None = None) -> tuple[Scenario, ...]:
    """Return every scenario that this caller may know of, or those in one state, by id."""
    own = by.party if by.party_kind == "developer" else None
    papers = documents.listed(tx, "scenario", state=state, org=own)
    scenarios = (bodies.load(Scenario, paper.body) for paper in papers)
    return tuple(each for each in scenarios if each.seen_by(by))
