"""How an active scenario stops: suspended, lifted, revoked, withdrawn or run out; its grant with it."""

from dataclasses import dataclass

from gateway.governance.errors import RoleError
from gateway.governance.machine import Machine
from gateway.governance.office import (
    Filed,
    Judgement,
    Office,
    day_of,
    decision,
    demand_read,
    noted,
    opened,
    put_back,
    unlocked,
    with_decision,
)
from gateway.governance.parties import Caller
from gateway.governance.scenario import Scenario
from jobs.errors import OutOfOrderError
from jobs.grant import GrantState, ScenarioId
from jobs.job import JobId
from jobs.record import documents, grants
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.steps import revoke as grant_steps
from jobs.steps.stop import Stopper, begin

_RAISE = "raise_stop"
_LIFT = "lift_stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One way to stop, or to go on."""

    events: tuple[str, ...]
    """The machine's events that it may be, one for each role."""
    action: str
    """What it is called in the table of duties, for the conflicts."""
    grant: GrantState
    done: str


_SUSPEND = _Turn(
    events=("suspend", "suspend_by_implementer"),
    action=_RAISE,
    grant=GrantState.SUSPENDED,
    done="suspended",
)
_GO_ON = _Turn(events=("lift",), action=_LIFT, grant=GrantState.LIVE, done="lifted")
_REVOKE = _Turn(events=("revoke",), action="revoke", grant=GrantState.ENDED, done="revoked")
_WITHDRAW = _Turn(events=("withdraw",), action="withdraw", grant=GrantState.ENDED, done="withdrawn")


def suspend(office: Office, scenario: ScenarioId, *, by: Caller, opinion: str) -> Scenario:
    """Stop queued and running jobs for now (requirements E-15, K-01).

    A security officer or the implementing institution's lead may. Raises `RoleError`,
    `OutOfOrderError`, `NotFoundError`, and `SeatRefusedError` where the opinion is missing.
    """
    return _turned(office, scenario, _SUSPEND, by=by, opinion=opinion)


def suspend_in(
    tx: Writing, office: Office, scenario: ScenarioId, *, by: Caller, opinion: str
) -> tuple[JobId, ...]:
    """Suspend a scenario in the caller's transaction; return the jobs that this stopped."""
    _, stopped = _turned_in(tx, office, scenario, _SUSPEND, said=(by, opinion))
    return stopped


def demand_stopper(office: Office, by: Caller) -> None:
    """Raise `RoleError` where no role of the caller may suspend a scenario."""
    may = {each.by for each in office.rules.scenario.table if each.event in _SUSPEND.events}
    if may.isdisjoint(by.roles):
        raise RoleError("none of your roles may stop what runs")


def lift(office: Office, scenario: ScenarioId, *, by: Caller, opinion: str) -> Scenario:
    """Let a suspended scenario go on; never the person who suspended it. Raises as `suspend`."""
    return _turned(office, scenario, _GO_ON, by=by, opinion=opinion)


def revoke(office: Office, scenario: ScenarioId, *, by: Caller, opinion: str) -> Scenario:
    """End an active or suspended scenario for good, for its institution. Raises as `suspend`."""
    return _turned(office, scenario, _REVOKE, by=by, opinion=opinion)


def withdraw(office: Office, scenario: ScenarioId, *, by: Caller, opinion: str) -> Scenario:
    """End an active scenario for good, for its developer. Raises as `suspend`."""
    return _turned(office, scenario, _WITHDRAW, by=by, opinion=opinion)


def expire(office: Office, scenario: ScenarioId) -> Scenario:
    """End a scenario whose last day is over; raise `OutOfOrderError` before that."""
    with office.record.writing() as tx:
        was = unlocked(tx, scenario)
        moved = was.scenario.moved(office.rules.scenario, "expire")
        if not _is_over(tx, moved):
            raise OutOfOrderError("the scenario's last day is not over")
        facts: dict[str, str | int] = {"state": moved.state, "plan": moved.digest}
        put_back(tx, was, moved, Event("scenario.expired", moved.id, "timer", facts))
        _move_grant(tx, moved, GrantState.ENDED, "timer")
        return moved


def expire_due(office: Office) -> tuple[Scenario, ...]:
    """End every scenario whose last day is over, each in its own transaction."""
    with office.record.reading() as tx:
        files = [
            unlocked(tx, ScenarioId(paper.id))
            for state in ("active", "suspended")
            for paper in documents.listed(tx, "scenario", state=state)
        ]
        due = [filed.scenario.id for filed in files if _is_over(tx, filed.scenario)]
    return tuple(expire(office, each) for each in due)


def _turned(
    office: Office, scenario: ScenarioId, turn: _Turn, *, by: Caller, opinion: str
) -> Scenario:
    with office.record.writing() as tx:
        after, stopped = _turned_in(tx, office, scenario, turn, said=(by, opinion))
        if stopped:
            who = Stopper(person=by.person, party=by.party, opinion=opinion)
            begin(tx, scope="scenario", target=scenario, stopped=stopped, by=who)
        return after


def _turned_in(
    tx: Writing, office: Office, scenario: ScenarioId, turn: _Turn, *, said: tuple[Caller, str]
) -> tuple[Scenario, tuple[JobId, ...]]:
    """Take one turn in the caller's transaction; return also the jobs that it stopped."""
    by, opinion = said
    was = opened(tx, scenario, by)
    judgement = Judgement(by=by, opinion=opinion, plan=was.scenario.digest)
    event = _event(office.rules.scenario, turn, was, by)
    if turn is _GO_ON:
        raised = [act for act in was.scenario.acts if act.action == _RAISE]
        office.demand_no_conflict(tx, by, _LIFT, tuple(raised[-1:]))
    demand_read(was.scenario, judgement)
    moved = was.scenario.moved(office.rules.scenario, event)
    last = decision(moved, judgement, acts=(event, turn.action), at=tx.now)
    after = with_decision(moved, last)
    put_back(tx, was, after, noted(turn.done, after, last))
    return after, _move_grant(tx, after, turn.grant, by.person)


def _event(machine: Machine, turn: _Turn, was: Filed, by: Caller) -> str:
    """Return the event of `turn` that the caller's roles may fire from where the scenario stands."""
    mine = [each for each in machine.table if each.event in turn.events and each.by in by.roles]
    if not mine:
        raise RoleError(f"none of your roles may {turn.events[0]} a scenario")
    here = [each.event for each in mine if each.source == was.scenario.state]
    return here[0] if here else machine.step(was.scenario.state, mine[0].event).event


def _is_over(tx: Reading, scenario: Scenario) -> bool:
    assert scenario.grant is not None, "an active or suspended scenario has its grant"
    last_day = grants.get(tx, scenario.grant).signed.grant.valid_to
    return day_of(tx.now) > last_day


def _move_grant(
    tx: Writing, scenario: Scenario, state: GrantState, actor: str
) -> tuple[JobId, ...]:
    """Move the grant, and stop in the same transaction every job that its new state stops."""
    assert scenario.grant is not None, "an active or suspended scenario has its grant"
    match state:
        case GrantState.LIVE:
            grant_steps.lift(tx, scenario.grant, actor=actor)
            return ()
        case GrantState.SUSPENDED:
            return grant_steps.suspend(tx, scenario.grant, actor=actor)
        case GrantState.ENDED:
            return grant_steps.end(tx, scenario.grant, actor=actor)
