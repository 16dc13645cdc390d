"""Suspends, lifts or ends a grant, and stops at once whatever ran or waited under it."""

from jobs.grant import GrantId, GrantState
from jobs.job import JobId
from jobs.record import grants
from jobs.record.database import Writing
from jobs.record.event import Event
from jobs.steps.cancel import stop_all


def suspend(tx: Writing, grant: GrantId, *, actor: str) -> tuple[JobId, ...]:
    """Suspend a grant until it is lifted; return the jobs that this stopped."""
    event = Event("grant.suspended", grant, actor, {})
    grants.move(tx, grant, GrantState.SUSPENDED, event)
    return stop_all(tx, grant, rule="admit.suspended", actor=actor)


def lift(tx: Writing, grant: GrantId, *, actor: str) -> None:
    """Make a suspended grant live again; what it stopped stays stopped."""
    event = Event("grant.lifted", grant, actor, {})
    grants.move(tx, grant, GrantState.LIVE, event)


def end(tx: Writing, grant: GrantId, *, actor: str) -> tuple[JobId, ...]:
    """End a grant for good; return the jobs that this stopped."""
    event = Event("grant.ended", grant, actor, {})
    grants.move(tx, grant, GrantState.ENDED, event)
    return stop_all(tx, grant, rule="admit.ended", actor=actor)
