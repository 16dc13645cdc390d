"""The seats decide: approve, refuse or return; the last yes issues the grant. Silence decides nothing."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.governance.assessment import assess
from gateway.governance.evidence import evidence_of, unjudged
from gateway.governance.grants import compile_grant, sign
from gateway.governance.office import (
    Filed,
    Judgement,
    Office,
    decision,
    noted,
    plan_of,
    put_back,
    seated,
    with_decision,
)
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Decision, Scenario
from gateway.governance.sentences import reason
from jobs.grant import ScenarioId, SignedGrant
from jobs.record import grants, signers
from jobs.record.database import Writing
from jobs.record.event import Event
from sandbox.reason import Reason

_YES = "all_seats_approve"
_NO = "any_seat_refuses"
_BACK = "return"
_NOTED: Mapping[str, str] = MappingProxyType({_NO: "refused", _BACK: "returned"})


def approve(
    office: Office, scenario: ScenarioId, judgement: Judgement, *, seat: str
) -> Scenario | Refused:
    """Say one seat's yes; the last one makes the scenario active and issues its signed grant.

    `Refused` where the last yes finds that the plan no longer passes: it must be returned; or that a view was not judged.
    Raises `RoleError`, `SeatRefusedError`, `StaleError`, `OutOfOrderError`, `NotFoundError`.
    """
    with office.record.writing() as tx:
        was = seated(tx, office, scenario, judgement, acts=(_YES, seat))
        last = decision(was.scenario, judgement, acts=("seat_approve", seat), at=tx.now)
        after = with_decision(was.scenario, last)
        if not after.open_seats:
            return _activated(tx, office, was, after, last=last)
        put_back(tx, was, after, noted("seat_approved", after, last))
        return after


def refuse(office: Office, scenario: ScenarioId, judgement: Judgement, *, seat: str) -> Scenario:
    """Say one seat's no, which is final; raises as `approve` does."""
    return _ended(office, scenario, judgement, acts=(_NO, seat))


def return_(office: Office, scenario: ScenarioId, judgement: Judgement, *, seat: str) -> Scenario:
    """Send the plan back to its developer with an opinion; raises as `approve` does.

    The operator may before it forwards, as the seat `forward_scenario`, and each seat of the panel.
    """
    return _ended(office, scenario, judgement, acts=(_BACK, seat))


def _ended(
    office: Office, scenario: ScenarioId, judgement: Judgement, *, acts: tuple[str, str]
) -> Scenario:
    event, _ = acts
    with office.record.writing() as tx:
        was = seated(tx, office, scenario, judgement, acts=acts)
        moved = was.scenario.moved(office.rules.scenario, event)
        last = decision(moved, judgement, acts=acts, at=tx.now)
        after = replace(with_decision(moved, last), seats=())
        put_back(tx, was, after, noted(_NOTED[event], after, last))
        return after


def _activated(
    tx: Writing, office: Office, was: Filed, approved: Scenario, *, last: Decision
) -> Scenario | Refused:
    """Issue the grant: scenario, grant and budgets change in one transaction, or none does."""
    plan = plan_of(approved)
    facts = office.facts(tx, approved.jurisdiction, approved.developer)
    reasons: list[Reason] = [*assess(plan, facts)]
    if facts.rulebook.reference != approved.rulebook:
        reasons.append(reason("plan.rulebook_changed"))
    evidence = evidence_of(tx, approved)
    reasons += unjudged(plan, evidence)
    if reasons:
        return Refused(tuple(reasons))
    grant = replace(compile_grant(plan, approved, facts), evidence=evidence)
    active = replace(approved.moved(office.rules.scenario, _YES), grant=grant.id)
    signers.demand(tx, "grant", office.key.id)
    tx.note(noted("seat_approved", approved, last))
    put_back(tx, was, active, noted("active", active, last))
    signed = sign(grant, office.key)
    grants.add(tx, signed, _issued(signed, last))
    office.charge_limits(tx, grant)
    return active


def _issued(signed: SignedGrant, last: Decision) -> Event:
    grant = signed.grant
    facts: dict[str, str | int] = {
        "scenario": grant.scenario,
        "developer": grant.developer,
        "plan": grant.plan,
        "rulebook": grant.rulebook,
        "approvals": len(grant.approvals),
        "valid_to": grant.valid_to.isoformat(),
        "key": signed.key,
    }
    return Event("grant.issued", grant.id, last.person, facts)
