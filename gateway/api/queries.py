"""Queries, priced without data: the same checks as a submission, and nothing is written down."""

from fastapi import APIRouter

from gateway.api.jobs import Developer
from gateway.api.problems import RefusedError, UnknownScenarioError
from gateway.api.shapes.queries import ExplainIn, ExplainOut
from gateway.rooms import TheClock, TheRecord
from jobs.grant import GrantState, PartyId
from jobs.record import grants
from jobs.record.database import Reading
from jobs.record.grants import Granted
from jobs.rules.admit import Refused
from jobs.steps.price import price
from jobs.steps.submit import Submitter

router = APIRouter(prefix="/queries", tags=["queries"])


@router.post("/explain")
def explain_query(
    asked: ExplainIn, caller: Developer, record: TheRecord, clock: TheClock
) -> ExplainOut:
    """Tell what a query would cost, what it would leave of each budget, and how exact it would be.

    A budget that falls short is told with the price; whatever else would refuse the query is a problem.
    """
    by = Submitter(person=caller.person, party=caller.party)
    with record.reading() as tx:
        granted = granted_to(tx, asked.scenario, caller.party)
        priced = price(tx, asked.work(), granted, by=by, clock=clock)
    if isinstance(priced, Refused):
        raise RefusedError(priced.reasons)
    return ExplainOut.of(priced)


def granted_to(tx: Reading, scenario: str, party: PartyId) -> Granted:
    """Return the party's grant of a scenario; raise `UnknownScenarioError` where it has none."""
    mine = [
        each
        for each in grants.listed(tx, developer=party)
        if each.signed.grant.scenario == scenario
    ]
    if not mine:
        raise UnknownScenarioError
    # as a submission does: an ended version must not hide the one that replaced it
    return max(
        mine, key=lambda each: (each.state is not GrantState.ENDED, each.signed.grant.version)
    )
