"""The seats that judge held outputs: whose they are, who may not take one, and the verdict given."""

from collections.abc import Iterable, Iterator

from gateway.governance.duties import Act, Duties
from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.office import Office
from gateway.governance.parties import Caller, affiliates, parties
from gateway.governance.rules import Rules
from gateway.governance.sentences import reason
from jobs.errors import NotFoundError
from jobs.grant import Grant, PartyId
from jobs.job import Job, JobId
from jobs.record import grants, holds, jobs
from jobs.record.database import Reading
from jobs.release import Seat, SeatVerdict
from jobs.rules.quorum import may_sit
from jobs.steps.review import take_verdict
from sandbox.reason import Reason


def give(office: Office, verdict: SeatVerdict, *, by: Caller) -> Job:
    """Give one seat's verdict on a held job, for somebody who may take that seat.

    Raises `RoleError`, `NotFoundError` for a job that does not concern the caller's seats,
    `SeatRefusedError` with every reason, and what `take_verdict` raises.
    """
    if (verdict.person, verdict.party) != (by.person, by.party):
        raise RoleError("nobody gives another person's verdict")
    office.demand_role(by, verdict.seat)
    with (
        office.record.writing() as tx
    ):  # one transaction: two officers may speak at the same moment
        job, _ = concerning(tx, office.rules.duties, by, job=verdict.job)
        reasons = barred(tx, office.rules, by, job=job, seat=verdict.seat)
        if reasons:
            raise SeatRefusedError(reasons)
        return take_verdict(tx, verdict)


def barred(tx: Reading, rules: Rules, by: Caller, *, job: Job, seat: Seat) -> tuple[Reason, ...]:
    """Return why `by` may not take `seat`: by the seats' rules, the table of duties, or the rulebook.

    What counts as done before is the job's submission, the scenario's approvals and the verdicts.
    """
    grant = grants.get(tx, job.grant).signed.grant
    spoken = holds.verdicts(tx, job.id, job.epoch)
    earlier = (
        Act(action="submit_job", person=job.submitted_by, party=job.developer),
        *(Act(action=yes.seat, person=yes.person, party=yes.party) for yes in grant.approvals),
        *(Act(action=said.seat, person=said.person, party=said.party) for said in spoken),
    )
    who = Act(action=seat, person=by.person, party=by.party)
    tied = affiliates(parties(tx), by.party)
    return (
        *may_sit(seat, person=by.person, party=by.party, grant=grant, earlier=spoken),
        *rules.duties.conflicts(seat, earlier, by=who, affiliates=tied),
        *(_apart(rules, grant, seat) if _kin(spoken) & {by.party, *tied} else ()),
    )


def _kin(spoken: Iterable[SeatVerdict]) -> set[PartyId]:
    """Return whose officers have spoken."""
    return {said.party for said in spoken if said.seat is not Seat.OPERATOR}


def _apart(rules: Rules, grant: Grant, seat: Seat) -> Iterator[Reason]:
    """Refuse a second officer of the first one's organisation, where the grant's rulebook asks for two."""
    book = rules.rulebooks.get(grant.rulebook.partition("@")[0])
    apart = book is None or book.text("review.officers_apart") == "organisation"
    if apart and seat is not Seat.OPERATOR:
        yield reason("seat.organisation", place=seat)


def concerning(tx: Reading, duties: Duties, by: Caller, *, job: JobId) -> tuple[Job, Grant]:
    """Return a job and its grant; raise `NotFoundError` where the caller's seats have no part."""
    found = jobs.get(tx, job)
    grant = grants.get(tx, found.grant).signed.grant
    if not concerns(grant, by, duties):
        raise NotFoundError(f"no job {job}")
    return found, grant


def concerns(grant: Grant, by: Caller, duties: Duties) -> bool:
    """Say whether the caller has a seat under this grant; its developer's people never have."""
    if by.party == grant.developer:
        return False
    seats = seats_open_to(by, duties)
    if by.party == grant.operator:
        return Seat.OPERATOR in seats
    return bool(seats - {Seat.OPERATOR})


def seats_open_to(by: Caller, duties: Duties) -> frozenset[Seat]:
    """Return the seats that the caller's roles may take, on whatever job."""
    return frozenset(seat for seat in Seat if duties.may(by.roles, seat))
