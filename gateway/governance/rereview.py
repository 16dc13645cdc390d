"""The second look at drawn releases: who may take it, what they see, and what they say."""

from dataclasses import dataclass

from gateway.governance.duties import Act
from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.office import Office
from gateway.governance.parties import Caller, affiliates, parties
from gateway.governance.rules import Rules
from jobs.errors import NotFoundError, RecordBrokenError
from jobs.grant import Grant
from jobs.job import Job
from jobs.record import grants, jobs, releases
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.shelf import Shelf
from jobs.release import Release, ReleasedFile, ReleaseId
from jobs.rules.sheets import View, view
from jobs.steps import rereview
from jobs.steps.rereview import Opinion, SecondLook
from sandbox.egress.preview import preview
from sandbox.reason import Reason

ACTION = "sample_rereview"
"""The duties table's word for the second look."""
_READ = ("text/", "application/json", "image/svg+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """One released file, as it is looked at again."""

    file: ReleasedFile
    view: View | None
    """Nothing where the bytes are destroyed, altered, still on their way, or no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """All that somebody sees who looks again at one release."""

    look: SecondLook
    release: Release
    grant: Grant
    files: tuple[SeenFile, ...]
    barred: tuple[Reason, ...]
    """Why this reader may not judge it; who may not judge sees no file."""


def waiting(tx: Reading, office: Office, by: Caller) -> list[SecondLook]:
    """Return the drawn releases, those that wait first; none of the reader's own party. Raise `RoleError`."""
    office.demand_role(by, ACTION)
    found = [look for look in rereview.drawn(tx) if _release(tx, look).developer != by.party]
    return sorted(found, key=lambda look: (look.opinion is not None, look.drawn_at, look.release))


def looked_at(
    tx: Writing, office: Office, shelf: Shelf, *, release: ReleaseId, by: Caller
) -> Drawn:
    """Return a drawn release with its files, noting in the log who saw them.

    Raise `RoleError`, and `NotFoundError` for one that was not drawn or is of the reader's own party.
    """
    office.demand_role(by, ACTION)
    look = rereview.get(tx, release)
    of = _release(tx, look)
    if of.developer == by.party:
        raise NotFoundError(f"no release {release} was drawn")
    job, grant = _under(tx, look)
    reasons = barred(tx, office.rules, by, job=job, grant=grant)
    told = {"release": release, "party": by.party}
    tx.note(Event("rereview.viewed", look.job, by.person, told))
    files = () if reasons else tuple(_seen(file, shelf) for file in of.files)
    return Drawn(look=look, release=of, grant=grant, files=files, barred=reasons)


def give(office: Office, opinion: Opinion, *, by: Caller) -> SecondLook:
    """Say what came of a second look.

    Raises `RoleError`, `NotFoundError`, `SeatRefusedError` with every reason, and what
    `jobs.steps.rereview.judge` raises.
    """
    if (opinion.person, opinion.party) != (by.person, by.party):
        raise RoleError("nobody gives another person's opinion")
    office.demand_role(by, ACTION)
    with office.record.writing() as tx:
        job, grant = _under(tx, rereview.get(tx, opinion.release))
        reasons = barred(tx, office.rules, by, job=job, grant=grant)
        if reasons:
            raise SeatRefusedError(reasons)
        return rereview.judge(tx, opinion)


def barred(tx: Reading, rules: Rules, by: Caller, *, job: Job, grant: Grant) -> tuple[Reason, ...]:
    """Return why `by` may not look again at what a job released, by the table of duties."""
    earlier = (
        Act(action="submit_job", person=job.submitted_by, party=job.developer),
        *(Act(action=yes.seat, person=yes.person, party=yes.party) for yes in grant.approvals),
    )
    who = Act(action=ACTION, person=by.person, party=by.party)
    tied = affiliates(parties(tx), by.party)
    return rules.duties.conflicts(ACTION, earlier, by=who, affiliates=tied)


def _under(tx: Reading, look: SecondLook) -> tuple[Job, Grant]:
    job = jobs.get(tx, look.job)
    return job, grants.get(tx, job.grant).signed.grant


def _release(tx: Reading, look: SecondLook) -> Release:
    return releases.get(tx, look.release)


def _seen(file: ReleasedFile, shelf: Shelf) -> SeenFile:
    if not file.media_type.startswith(_READ):
        return SeenFile(file=file, view=None)
    try:
        text = preview(shelf.held(file.digest))
    except (NotFoundError, RecordBrokenError):
        return SeenFile(file=file, view=None)
    return SeenFile(file=file, view=view(text, file.media_type))
