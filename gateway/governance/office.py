"""The office: what its steps work with, and how a scenario's file is opened and put back."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone

from gateway.governance.assets import catalogue
from gateway.governance.duties import Act
from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.facts import Ceilings, Facts
from gateway.governance.parties import Caller, affiliates, parties, people
from gateway.governance.plan import Plan, parsed
from gateway.governance.rulebook import Mode
from gateway.governance.rules import Rules
from gateway.governance.scenario import Decision, Scenario
from gateway.governance.seating import seat_reasons
from gateway.governance.sentences import reason
from jobs.errors import NotFoundError, StaleError
from jobs.grant import Grant, PartyId, ScenarioId
from jobs.proof import bodies
from jobs.proof.keys import SigningKey
from jobs.record import documents
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from sandbox.asset import Digest

MAX_OPINION = 4000
"""The longest opinion, in characters."""
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What every step of the office takes."""

    record: Record
    rules: Rules
    mode: Mode
    key: SigningKey
    """The key that signs grants."""
    charge_limits: Callable[[Writing, Grant], None]
    """Sets the budgets that a new grant opens, in the transaction that issues it."""
    ceilings: Ceilings = Ceilings()  # noqa: RUF009 - a frozen word of constants

    def facts(self, tx: Reading, jurisdiction: str, applicant: PartyId) -> Facts:
        """Return what the assessment must know."""
        return Facts(
            rulebook=self.rules.rulebooks[jurisdiction],
            mode=self.mode,
            today=day_of(tx.now),
            applicant=applicant,
            catalogue=catalogue(tx),
            parties=parties(tx),
            people={person.id: person for person in people(tx, party=applicant)},
            ceilings=self.ceilings,
        )

    def demand_role(self, by: Caller, action: str) -> None:
        """Raise `RoleError` where none of the caller's roles may take `action`."""
        if not self.rules.duties.may(by.roles, action):
            raise RoleError(f"none of your roles may take {action}")

    def demand_no_conflict(
        self, tx: Reading, by: Caller, action: str, earlier: tuple[Act, ...]
    ) -> None:
        """Raise `SeatRefusedError` where an earlier act on this matter excludes this one."""
        clashes = self.rules.duties.conflicts(
            action,
            earlier,
            by=Act(action=action, person=by.person, party=by.party),
            affiliates=affiliates(parties(tx), by.party),
        )
        if clashes:
            raise SeatRefusedError(clashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person says about a plan, and which plan that person has read."""

    by: Caller
    opinion: str
    plan: Digest
    """The digest of the plan as it was shown: a yes never goes to a plan that came later."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A scenario with the version under which the record has it."""

    scenario: Scenario
    version: int


def day_of(now: datetime) -> date:
    """Return the day in China (UTC+8, no summer time): terms and rulebooks count by it."""
    return now.astimezone(_CHINA).date()


def opened(tx: Reading, scenario: ScenarioId, by: Caller) -> Filed:
    """Return a scenario; raise `NotFoundError` without one that this caller may know of."""
    filed = unlocked(tx, scenario)
    if not filed.scenario.seen_by(by):
        raise NotFoundError("no such scenario")
    return filed


def unlocked(tx: Reading, scenario: ScenarioId) -> Filed:
    """Return a scenario, whoever asks: for the program itself."""
    paper = documents.get(tx, "scenario", scenario)
    return Filed(bodies.load(Scenario, paper.body), paper.version)


def filed_anew(tx: Writing, scenario: Scenario, event: Event) -> None:
    """Keep a new scenario; raise `ConflictError` where the id is taken."""
    documents.add(tx, _paper(tx, scenario), event)


def put_back(tx: Writing, was: Filed, scenario: Scenario, event: Event) -> Filed:
    """Keep a scenario in the place of what was opened; raise `StaleError` where somebody was first."""
    kept = documents.replace(tx, _paper(tx, scenario), was_version=was.version, event=event)
    return Filed(scenario, kept.version)


def seated(
    tx: Reading,
    office: Office,
    scenario: ScenarioId,
    judgement: Judgement,
    *,
    acts: tuple[str, str],
) -> Filed:
    """Open a scenario for somebody who may take a seat of it now, and has read its plan.

    `acts` are the machine's event and the seat. Raises `RoleError`, `NotFoundError`,
    `OutOfOrderError`, `SeatRefusedError`, and `StaleError` where another plan has come.
    """
    event, seat = acts
    office.demand_role(judgement.by, seat)
    was = opened(tx, scenario, judgement.by)
    was.scenario.moved(office.rules.scenario, event)
    reasons = seat_reasons(was.scenario, judgement.by, seat)
    if reasons:
        raise SeatRefusedError(reasons)
    office.demand_no_conflict(tx, judgement.by, seat, was.scenario.acts)
    demand_read(was.scenario, judgement)
    return was


def plan_of(scenario: Scenario) -> Plan:
    """Return the plan of a scenario as words."""
    return parsed(json.loads(scenario.plan))


def demand_read(scenario: Scenario, judgement: Judgement) -> None:
    """Raise where the opinion is missing, or was formed on another plan than the present one."""
    said = judgement.opinion
    if not said.strip() or len(said) > MAX_OPINION:
        raise SeatRefusedError((reason("seat.opinion", place="opinion", most=MAX_OPINION),))
    if judgement.plan != scenario.digest:
        raise StaleError("the plan was replaced since you read it")


def decision(
    scenario: Scenario, judgement: Judgement, *, acts: tuple[str, str], at: datetime
) -> Decision:
    """Return the decision to keep; `acts` are the machine's event and the duties table's action."""
    event, action = acts
    return Decision(
        event=event,
        action=action,
        person=judgement.by.person,
        party=judgement.by.party,
        at=at,
        opinion=judgement.opinion,
        plan=judgement.plan,
        rulebook=scenario.rulebook,
    )


def noted(kind: str, scenario: Scenario, last: Decision) -> Event:
    """Return the event of a scenario's last decision: names and digests, never the opinion."""
    facts: Mapping[str, str | int] = {
        "state": scenario.state,
        "version": scenario.version,
        "party": last.party,
        "seat": last.action,
        "plan": last.plan,
        "rulebook": last.rulebook,
        "opinion": f"sha256:{hashlib.sha256(last.opinion.encode()).hexdigest()}",
    }
    return Event(f"scenario.{kind}", scenario.id, last.person, facts)


def with_decision(scenario: Scenario, last: Decision) -> Scenario:
    """Return the scenario with its last decision, and no faults of an earlier version."""
    return replace(scenario.decided(last), reasons=())


def _paper(tx: Writing, scenario: Scenario) -> documents.Document:
    return documents.Document(
        kind="scenario",
        id=scenario.id,
        state=scenario.state,
        org=scenario.developer,
        body=bodies.dump(scenario),
        at=tx.now,
    )
