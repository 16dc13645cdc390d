"""Queries, priced without data: the same checks as a submission, and nothing is written down."""

from fastapi import APIRouter

from gateway.api.jobs import Developer
from gateway.api.problems import RefusedError, UnknownScenarioError
from gateway.api.shapes.queries import ExplainIn, ExplainOut
from gateway.identity import Caller
from gateway.rooms import TheClock, TheRecord
from jobs.grant import GrantState, PartyId
from jobs.job import Job, JobId, QueryWork
from jobs.record import grants
from jobs.record.database import Reading
from jobs.record.grants import Granted
from jobs.rules.admit import Admission, Refused, admit
from jobs.steps.facts import Clock, facts

router = APIRouter(prefix="/queries", tags=["queries"])


@router.post("/explain")
def explain_query(
    asked: ExplainIn, caller: Developer, record: TheRecord, clock: TheClock
) -> ExplainOut:
    """Tell what a query would cost and how exact it would be, or why it would be refused."""
    with record.reading() as tx:
        granted = _granted(tx, asked.scenario, caller.party)
        admission = _tried(tx, asked.work(), granted, by=caller, clock=clock)
    if isinstance(admission, Refused):
        raise RefusedError(admission.reasons)
    assert admission.plan is not None, "a query is admitted with its plan"
    return ExplainOut.of(admission.plan)


def _granted(tx: Reading, scenario: str, party: PartyId) -> Granted:
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


def _tried(
    tx: Reading, work: QueryWork, granted: Granted, *, by: Caller, clock: Clock
) -> Admission:
    """Hold a job that is never written down against the grant."""
    grant = granted.signed.grant
    job = Job(
        id=JobId("J-0"),
        grant=grant.id,
        developer=by.party,
        submitted_by=by.person,
        assets=(),
        work=work,
        submitted_at=clock(),
    )
    return admit(job, grant, facts(tx, granted, clock=clock))
