"""Jobs in the record: added once, moved only by whoever read them last."""

from collections.abc import Collection

from sqlalchemy import Select, bindparam, func, select, update

from jobs.errors import NotFoundError, OutOfOrderError, StaleError
from jobs.grant import GrantId, PartyId, PersonId
from jobs.job import NEXT, Job, JobId, JobState
from jobs.proof.bodies import dump, load
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import STARTED, idempotency
from jobs.record.schema import job as table

_ONE = select(table.c.body).where(table.c.id == bindparam("id"))
_STARTED = (
    select(func.count())
    .select_from(table)
    .where(table.c.grant_id == bindparam("grant_id"), STARTED)
)
_MOVED = (
    update(table)
    .where(
        table.c.id == bindparam("was_id"),
        table.c.state == bindparam("was_state"),
        table.c.epoch == bindparam("was_epoch"),
    )
    .values(state=bindparam("to_state"), epoch=bindparam("to_epoch"), body=bindparam("to_body"))
)
_REMEMBERED = select(idempotency.c.request, idempotency.c.job).where(
    idempotency.c.person == bindparam("person"), idempotency.c.key == bindparam("key")
)


def add(tx: Writing, job: Job, event: Event) -> None:
    """Keep a new job; raise `ConflictError` where its id is taken."""
    tx.insert(
        table,
        {
            "id": job.id,
            "grant_id": job.grant,
            "developer": job.developer,
            "state": job.state,
            "epoch": job.epoch,
            "body": dump(job),
        },
    )
    tx.note(event)


def get(tx: Reading, job: JobId) -> Job:
    """Return the job of this id; raise `NotFoundError` where there is none."""
    row = tx.one(_ONE, {"id": job})
    if row is None:
        raise NotFoundError(f"no job {job}")
    return load(Job, row.body)


def move(tx: Writing, job: Job, *, was: Job, event: Event) -> None:
    """Keep `job` in the place of `was`.

    Raise `StaleError` where the record's job no longer has the state and epoch of `was`, and
    `OutOfOrderError` where no step leads from the one state to the other.
    """
    if job.id != was.id or job.state not in NEXT[was.state]:
        raise OutOfOrderError(f"no step leads job {was.id} from {was.state} to {job.state}")
    same = {"was_id": was.id, "was_state": was.state, "was_epoch": was.epoch}
    after = {"to_state": job.state, "to_epoch": job.epoch, "to_body": dump(job)}
    if not tx.change(_MOVED, same | after):
        get(tx, was.id)
        raise StaleError(f"job {was.id} is no longer {was.state} in epoch {was.epoch}")
    tx.note(event)


def listed(  # noqa: PLR0913 - what a list of jobs may be narrowed by, each by name
    tx: Reading,
    *,
    developer: PartyId | None = None,
    grant: GrantId | None = None,
    states: Collection[JobState] | None = None,
    limit: int = 100,
    before: JobId | None = None,
) -> list[Job]:
    """Return the newest jobs first, those older than `before` where it is given."""
    wanted = select(table.c.body).order_by(table.c.id.desc()).limit(limit)
    if developer is not None:
        wanted = wanted.where(table.c.developer == developer)
    if grant is not None:
        wanted = wanted.where(table.c.grant_id == grant)
    if states is not None:
        wanted = wanted.where(table.c.state.in_([str(state) for state in states]))
    if before is not None:
        wanted = wanted.where(table.c.id < before)
    return _jobs(tx, wanted)


def oldest(tx: Reading, state: JobState, limit: int) -> list[Job]:
    """Return the jobs that have been in the queue of `state` the longest, by their ids."""
    wanted = select(table.c.body).where(table.c.state == state).order_by(table.c.id)
    return _jobs(tx, wanted.limit(limit))


def count_in(tx: Reading, state: JobState) -> int:
    """Return how many jobs are in `state`."""
    wanted = select(func.count()).select_from(table).where(table.c.state == state)
    return int(tx.rows(wanted)[0][0])


def count_started(tx: Reading, grant: GrantId) -> int:
    """Return how many jobs have ever started under `grant`; one that started twice counts once."""
    return int(tx.rows(_STARTED, {"grant_id": grant})[0][0])


def remembered(tx: Reading, person: PersonId, key: str) -> tuple[str, JobId] | None:
    """Return the request's digest and the job that `person` first sent under this idempotency key."""
    row = tx.one(_REMEMBERED, {"person": person, "key": key})
    return None if row is None else (row.request, JobId(row.job))


def remember(tx: Writing, person: PersonId, key: str, request_digest: str, job: JobId) -> None:
    """Tie `job` to this idempotency key; raise `ConflictError` where the key was used before.

    It belongs in the transaction that adds the job, and is noted by that one's event.
    """
    tx.insert(idempotency, {"person": person, "key": key, "request": request_digest, "job": job})


def _jobs(tx: Reading, wanted: Select[tuple[str]]) -> list[Job]:
    return [load(Job, row.body) for row in tx.rows(wanted)]
