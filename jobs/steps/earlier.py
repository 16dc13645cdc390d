"""What reviewers see beside the bytes: their lay-out, the last version of an output under its scenario, and the releases that tell of the same data."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.errors import NotFoundError, RecordBrokenError
from jobs.grant import Grant
from jobs.job import Job, JobId
from jobs.record import grants, holds, jobs, releases
from jobs.record.database import Reading
from jobs.record.holds import Hold
from jobs.record.shelf import Shelf
from jobs.release import Release, ReleasedFile
from jobs.rules.differences import Difference, difference
from jobs.rules.sheets import View, view
from jobs.steps import ledger
from sandbox.asset import Digest
from sandbox.egress.preview import preview
from sandbox.order import Function, OutputTerms

MaySee = Callable[[Grant], bool]
"""Whether the reader may see what was made under a grant."""
_KEYS = frozenset({Function.DIMENSION, Function.DIMENSION_TOTAL, Function.TERM, Function.SUBJECT})
_READ = ("text/csv", "text/plain", "application/json")
"""Media types whose files are compared; of a picture the digest is."""
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A file of the same output, made before."""

    of: str
    """The release; the job, where it is held."""
    is_released: bool
    at: datetime
    digest: Digest
    difference: Difference | None
    """Nothing where the two are no texts of one kind, or the file is destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A release, or what may become one, that tells of the same data or is of the same scenario."""

    release: str
    scenario: str
    at: datetime | None
    """When it left; nothing while it has not."""
    dimensions: tuple[str, ...]
    snapshots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """The related releases, the newest first; of those that the reader may not see, only how many."""

    shown: tuple[Related, ...]
    hidden: int


def seen(hold: Hold) -> View:
    """Lay a held output out for people, the findings at their places."""
    found = [each["reason"] for each in json.loads(hold.findings_json)]
    places = [(str(each.get("place", "")), str(each["rule"])) for each in found]
    return view(hold.preview, hold.media_type, places)


def last_version(tx: Reading, hold: Hold, *, shelf: Shelf, may_see: MaySee) -> Version | None:
    """Return the last released file of a held output under its scenario, else the last that is held.

    Nothing where there is none, or none under a grant that the reader may see.
    """
    job = jobs.get(tx, hold.job)
    readable = [grant for grant in _of_scenario(tx, job) if may_see(grant)]
    left = _last_release(tx, readable, hold)
    terms = grants.get(tx, job.grant).signed.grant.output(hold.output)
    if left is not None:
        return _released(*left, hold, terms, shelf)
    return _held(tx, readable, hold, terms)


def related(tx: Reading, job: Job, *, may_see: MaySee) -> Kin:
    """Return what the ledger holds of the data of `job`, and the releases of its scenario."""
    grant = grants.get(tx, job.grant).signed.grant
    found: dict[str, tuple[set[str], set[str]]] = {}
    for each in ledger.before(tx, job, grant):
        dimensions, snapshots = found.setdefault(each.release, (set(), set()))
        dimensions.update(each.span.dimensions)
        snapshots.add(each.span.snapshot)
    left: dict[str, Release] = {
        release.id: release
        for one in _of_scenario(tx, job)
        for release in releases.listed(tx, grant=one.id, limit=_PAGE)
    }
    shown: list[Related] = []
    names = sorted(found.keys() | left.keys(), reverse=True)
    for name in names:
        release, under = _made(tx, name, left)
        if under is None or not may_see(under):
            continue
        dimensions, snapshots = found.get(name, (set(), set()))
        shown.append(
            Related(
                release=name,
                scenario=under.scenario,
                at=release.at if release else None,
                dimensions=tuple(sorted(dimensions)),
                snapshots=tuple(sorted(snapshots)),
            )
        )
    return Kin(shown=tuple(shown), hidden=len(names) - len(shown))


def _made(
    tx: Reading, name: str, left: Mapping[str, Release]
) -> tuple[Release | None, Grant | None]:
    """Return a release and the grant that it is under, where they are known."""
    if name in left:
        return left[name], grants.get(tx, left[name].grant).signed.grant
    try:
        job = jobs.get(tx, JobId("J-" + name.removeprefix("R-")))
    except NotFoundError:
        return None, None
    return releases.of_job(tx, job.id), grants.get(tx, job.grant).signed.grant


def _of_scenario(tx: Reading, job: Job) -> Iterator[Grant]:
    """Yield the grants of a job's scenario, in every version."""
    own = grants.get(tx, job.grant).signed.grant
    for each in grants.listed(tx, developer=job.developer):
        if each.signed.grant.scenario == own.scenario:
            yield each.signed.grant


def _last_release(
    tx: Reading, readable: list[Grant], hold: Hold
) -> tuple[Release, ReleasedFile] | None:
    found = [
        (release, file)
        for grant in readable
        for release in releases.listed(tx, grant=grant.id, limit=_PAGE)
        for file in release.files
        if file.name == hold.output
    ]
    return max(found, key=lambda pair: (pair[0].at, pair[0].id), default=None)


def _released(
    release: Release, file: ReleasedFile, hold: Hold, terms: OutputTerms | None, shelf: Shelf
) -> Version:
    try:
        old = preview(shelf.fetch(file.digest))
    except (NotFoundError, RecordBrokenError):
        old = None
    return Version(
        of=release.id,
        is_released=True,
        at=release.at,
        digest=file.digest,
        difference=_compared(old, file.media_type, hold, terms),
    )


def _held(
    tx: Reading, readable: list[Grant], hold: Hold, terms: OutputTerms | None
) -> Version | None:
    under = {grant.id for grant in readable}
    older = [job for job in holds.queue(tx) if job.grant in under and job.id < hold.job]
    for job in reversed(older):
        for other in holds.holds(tx, job.id):
            if other.output == hold.output:
                return Version(
                    of=job.id,
                    is_released=False,
                    at=job.submitted_at,
                    digest=other.digest,
                    difference=_compared(other.preview, other.media_type, hold, terms),
                )
    return None


def _compared(
    old: str | None, media_type: str, hold: Hold, terms: OutputTerms | None
) -> Difference | None:
    kind = hold.media_type.partition(";")[0].strip()
    if old is None or kind not in _READ or kind != media_type.partition(";")[0].strip():
        return None
    columns = terms.columns if terms else ()
    keys = tuple(column.name for column in columns if column.function in _KEYS)
    return difference(old, hold.preview, kind, keys=keys)
