"""The emergency stop: of the whole domain until another person resumes it, or of all that reads one asset."""

from gateway.governance.duties import Act
from gateway.governance.errors import SeatRefusedError
from gateway.governance.office import MAX_OPINION, Office
from gateway.governance.parties import Caller
from gateway.governance.sentences import reason
from gateway.governance.stop import demand_stopper, suspend_in
from jobs.errors import NotFoundError
from jobs.grant import GrantState, ScenarioId
from jobs.job import JobId
from jobs.record import grants
from jobs.record.database import Reading
from jobs.steps import stop
from jobs.steps.stop import Halt, Stopper
from sandbox.asset import AssetId

RAISE, LIFT = "raise_stop", "lift_stop"
"""What stopping and resuming are called in the table of duties: they exclude each other (K-01)."""


def stop_domain(office: Office, *, by: Caller, opinion: str) -> Halt:
    """End all that runs or waits, and let nothing in, start or leave until `resume_domain`.

    Whoever may suspend a scenario may. Raises `RoleError`, `SeatRefusedError` without an opinion, and
    `OutOfOrderError` where the domain is stopped already.
    """
    demand_stopper(office, by)
    return stop.close(office.record, by=_stopper(by, opinion))


def resume_domain(office: Office, *, by: Caller, opinion: str) -> None:
    """Open the domain again; never the person who stopped it (requirement K-01). Raises as `stop_domain`."""
    office.demand_role(by, LIFT)
    with office.record.writing() as tx:
        closed = stop.closed_by(tx)
        if closed is not None:
            raised = Act(action=RAISE, person=closed.person, party=closed.party)
            office.demand_no_conflict(tx, by, LIFT, (raised,))
        stop.resume(tx, by=_stopper(by, opinion))


def stop_scenario(office: Office, scenario: ScenarioId, *, by: Caller, opinion: str) -> Halt:
    """Suspend one scenario; raises as `scenarios.suspend` does, and `SeatRefusedError`."""
    who = _stopper(by, opinion)
    with office.record.writing() as tx:
        stopped = suspend_in(tx, office, scenario, by=by, opinion=opinion)
        return stop.begin(tx, scope="scenario", target=scenario, stopped=stopped, by=who)


def stop_asset(office: Office, asset: AssetId, *, by: Caller, opinion: str) -> Halt:
    """Suspend every active scenario whose grant reads `asset`, in one transaction.

    Raises `RoleError`, `SeatRefusedError`, and `NotFoundError` where no live grant reads it.
    """
    demand_stopper(office, by)
    who = _stopper(by, opinion)
    with office.record.writing() as tx:
        stopped: list[JobId] = []
        for scenario in _reading(tx, asset):
            stopped += suspend_in(tx, office, scenario, by=by, opinion=opinion)
        return stop.begin(tx, scope="asset", target=asset, stopped=stopped, by=who)


def demand_reader(office: Office, by: Caller) -> None:
    """Raise `RoleError` for whoever may neither stop nor resume."""
    if not office.rules.duties.may(by.roles, LIFT):
        demand_stopper(office, by)


def _reading(tx: Reading, asset: AssetId) -> tuple[ScenarioId, ...]:
    live = [each.signed.grant for each in grants.listed(tx) if each.state is GrantState.LIVE]
    found = tuple(grant.scenario for grant in live if grant.view(asset) is not None)
    if not found:
        raise NotFoundError(f"no live grant reads {asset}")
    return found


def _stopper(by: Caller, opinion: str) -> Stopper:
    if not opinion.strip() or len(opinion) > MAX_OPINION:
        raise SeatRefusedError((reason("seat.opinion", place="opinion", most=MAX_OPINION),))
    return Stopper(person=by.person, party=by.party, opinion=opinion)
