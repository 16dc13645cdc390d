"""Submits a job: writes down what was asked, and checks it against its grant."""

import base64
import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from jobs.errors import ConflictError, NotFoundError
from jobs.grant import GrantState, PartyId, PersonId, ScenarioId
from jobs.job import CodedWork, Job, JobId, JobState, Work
from jobs.proof import bodies
from jobs.record import blobs, grants, jobs
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.record.grants import Granted
from jobs.rules.admit import Refused, admit
from jobs.rules.sentences import reason
from jobs.steps.facts import Clock, facts
from jobs.steps.stop import RULE, stopped
from sandbox.asset import AssetId, Digest
from sandbox.order import LATER

CODE_BYTES = 1 << 20
"""The most that one code bundle may hold, in bytes."""
CODE_FILES = 200
_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_NAME = re.compile(rf"{_PART}(/{_PART}){{0,3}}")
_PARAMETERS = "parameters.json"
"""The file under which a job finds its parameters."""


class BadBundleError(ConflictError):
    """A code bundle is too large, or one of its names could not lie in a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Who asks, and for which developer entity."""

    person: PersonId
    party: PartyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The developer's own files, in the order of their names."""

    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a developer entity asks for."""

    scenario: ScenarioId
    work: Work
    assets: tuple[AssetId, ...] = ()
    columns: tuple[str, ...] = ()
    bundle: Bundle = Bundle()
    key: str = ""
    """The idempotency key: asking again with the same key answers with the same job."""
    asked: Digest | None = field(default=None, metadata=LATER)
    """What `jobs.steps.ask` answered, where it is asked about certain subjects alone."""


def submit(asked: Submission, *, by: Submitter, record: Record, clock: Clock) -> Job:
    """Write down `asked`, then queue or refuse it; either way the log tells why.

    Raises:
        NotFoundError: the party holds no grant of that scenario.
        ConflictError: the idempotency key came with another body before.
        BadBundleError: the code bundle cannot be taken.

    """
    _check_bundle(asked.bundle)
    asking = hashlib.sha256(bodies.dump(asked).encode()).hexdigest()
    with record.writing() as tx:
        before = jobs.remembered(tx, by.person, asked.key) if asked.key else None
        if before is not None:
            return _same(tx, before, asking)
        granted = _granted(tx, asked.scenario, by.party)
        job = _written(tx, asked, by=by, granted=granted, clock=clock)
        if asked.key:
            jobs.remember(tx, by.person, asked.key, asking, job.id)
        return _judged(tx, job, granted, clock)


def _check_bundle(bundle: Bundle) -> None:
    if len(bundle.files) > CODE_FILES:
        raise BadBundleError(f"a code bundle holds at most {CODE_FILES} files")
    if sum(len(content) for _, content in bundle.files) > CODE_BYTES:
        raise BadBundleError(f"a code bundle holds at most {CODE_BYTES} bytes")
    names = [name for name, _ in bundle.files]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise BadBundleError(
            "a file's name is given twice, or is not a plain relative path of ASCII letters"
        )
    if _PARAMETERS in names:
        raise BadBundleError(f"{_PARAMETERS} is the name under which a job finds its parameters")
    if any(_folders(name) & {*names, _PARAMETERS} for name in names):
        raise BadBundleError("a file bears the name of a folder")


def _folders(name: str) -> set[str]:
    return {str(folder) for folder in PurePosixPath(name).parents}


def _same(tx: Reading, before: tuple[str, JobId], asking: str) -> Job:
    digest, job = before
    if digest != asking:
        raise ConflictError("the idempotency key was used for another submission")
    return jobs.get(tx, job)


def _granted(tx: Reading, scenario: ScenarioId, party: PartyId) -> Granted:
    mine = [each for each in grants.listed(tx, developer=party) if _is_of(each, scenario)]
    if not mine:
        raise NotFoundError(f"no scenario {scenario} was granted to {party}")
    # an ended version must not hide the one that replaced it
    return max(
        mine, key=lambda each: (each.state is not GrantState.ENDED, each.signed.grant.version)
    )


def _is_of(granted: Granted, scenario: ScenarioId) -> bool:
    return granted.signed.grant.scenario == scenario


def _written(
    tx: Writing, asked: Submission, *, by: Submitter, granted: Granted, clock: Clock
) -> Job:
    work = asked.work
    if isinstance(work, CodedWork) and asked.bundle.files:
        work = replace(work, code=blobs.put(tx, bodies.dump(asked.bundle).encode()))
    now = clock()
    job = Job(
        id=new_id(int(now.timestamp() * 1000)),
        grant=granted.signed.grant.id,
        developer=by.party,
        submitted_by=by.person,
        assets=asked.assets,
        columns=asked.columns,
        work=work,
        submitted_at=now,
        asked=asked.asked,
    )
    facts_told = {"grant": job.grant, "party": by.party, "kind": work.kind}
    jobs.add(tx, job, Event("job.submitted", job.id, by.person, facts_told))
    return job


def _judged(tx: Writing, job: Job, granted: Granted, clock: Clock) -> Job:
    closed = Refused((reason(RULE),)) if stopped(tx) else None
    admission = closed or admit(job, granted.signed.grant, facts(tx, granted, clock=clock))
    if isinstance(admission, Refused):
        refused = job.to(JobState.REFUSED, reasons=admission.reasons)
        rules = ",".join(sorted({reason.rule for reason in admission.reasons}))
        event = Event("job.refused", job.id, "system", {"rules": rules})
        jobs.move(tx, refused, was=job, event=event)
        return refused
    queued = job.to(JobState.QUEUED)
    jobs.move(tx, queued, was=job, event=Event("job.queued", job.id, "system", {}))
    return queued


def new_id(milliseconds: int) -> JobId:
    """Return a new job id: 48 bits of time and 80 random bits, in 26 sortable characters (ULID)."""
    raw = milliseconds.to_bytes(6, "big") + os.urandom(10)
    # base32 with the digits first sorts as the bytes do
    text = base64.b32hexencode(raw).decode().rstrip("=")
    return JobId(f"J-{text}")
