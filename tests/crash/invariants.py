"""What must be so whatever was killed: nothing lost, released or charged twice, or left lying about."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jobs.errors import JobsError
from jobs.job import ENDS, NEXT, Job, JobId, JobState, QueryWork
from jobs.proof.certificate import verify
from jobs.proof.trusted import TrustedKeys
from jobs.record import budgets, jobs, log, releases
from jobs.record.audit import verify_log
from jobs.record.budgets import ChargeState
from jobs.record.database import Reading, Record
from jobs.record.log import Entry, Filter
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.release import Release

_ALL = 10**6
_STATE_OF = {f"job.{state}": state for state in JobState} | {
    "job.started": JobState.RUNNING,
    "job.cancelled": JobState.STOPPED,
}


_OPENING = frozenset({"budget.set", "budget.opened"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A domain after a crash: its record and its folders."""

    record: Record
    folder: Path
    keys: TrustedKeys

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder / "shelf")

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.folder / "quarantine")


def wrongs(scene: Scene) -> list[str]:
    """Name all that is wrong at any time, whatever runs now."""
    try:
        verify_log(scene.record, scene.keys.log)
    except JobsError as error:
        return [f"the log is broken: {error}"]
    with scene.record.reading() as tx:
        known = jobs.listed(tx, limit=_ALL)
        out = {each.job: each for each in releases.listed(tx, limit=_ALL)}
        return [
            *(wrong for job in known for wrong in _of_job(tx, job, out.get(job.id))),
            *(f"release of no job {job}" for job in out.keys() - {job.id for job in known}),
            *_of_budgets(tx, {job.id: job for job in known}),
            *(wrong for each in out.values() for wrong in _of_release(scene, each)),
        ]


def leftovers(scene: Scene) -> list[str]:
    """Name all that lies about and should not, once nothing runs."""
    with scene.record.reading() as tx:
        known = {job.id: job for job in jobs.listed(tx, limit=_ALL)}
        named = {
            digest.removeprefix("sha256:")
            for each in releases.listed(tx, limit=_ALL)
            for digest in (each.certificate, *(file.digest for file in each.files))
        }
    return [
        *(f"job {job.id} is {job.state}" for job in known.values() if _is_on_its_way(job)),
        *(
            f"quarantine keeps {job}.{epoch}"
            for job, epoch in scene.quarantine.attempts()
            if JobId(job) not in known or known[JobId(job)].state in ENDS
        ),
        *_differing(scene.folder / "shelf", named),
        *(f"left behind: {path}" for path in _strays(scene.folder)),
    ]


def _is_on_its_way(job: Job) -> bool:
    return job.state not in ENDS and job.state is not JobState.HELD


def _of_job(tx: Reading, job: Job, release: Release | None) -> Iterator[str]:
    told = log.entries(tx, limit=_ALL, only=Filter(subject=job.id))
    counted = Counter(entry.event.kind for entry in told)
    for kind in (
        "job.submitted",
        "job.released",
        "release.made",
        "budget.reserved",
        "budget.spent",
    ):
        if counted[kind] > 1:
            yield f"job {job.id} has {counted[kind]} entries {kind}"
    yield from _of_life(job, told)
    if (release is None) != (job.state is not JobState.RELEASED):
        yield f"job {job.id} is {job.state}, and its release says otherwise"
    if release is not None:
        yield from _of_decision(job, told)
    wanted = isinstance(job.work, QueryWork) and job.epoch > 0
    if bool(counted["budget.reserved"]) != wanted:
        yield f"job {job.id} has started {job.epoch} times and was charged otherwise"
    if bool(counted["budget.spent"]) != (wanted and release is not None):
        yield f"job {job.id}: its charge was not spent with its release"


def _of_life(job: Job, told: list[Entry]) -> Iterator[str]:
    lived = [_STATE_OF[each.event.kind] for each in told if each.event.kind in _STATE_OF]
    for before, after in pairwise(lived):
        if after not in NEXT[before]:
            yield f"the log leads job {job.id} from {before} to {after}"
    if lived[-1:] != [job.state]:
        yield f"job {job.id} is {job.state}, and the log says {lived[-1:]}"


def _of_decision(job: Job, told: list[Entry]) -> Iterator[str]:
    places = {entry.event.kind: entry.seq for entry in reversed(told)}
    if places.get("release.decided", _ALL) > places["job.released"]:
        yield f"job {job.id} was released before the log said so"


def _of_budgets(tx: Reading, known: dict[JobId, Job]) -> Iterator[str]:
    told = log.entries(tx, limit=_ALL, only=Filter(kind="budget."))
    scopes = {each.event.subject for each in told if each.event.kind in _OPENING}
    for scope in sorted(scopes):
        charges = budgets.charges(tx, scope)
        twice = [
            job for job, times in Counter(each.charge.job for each in charges).items() if times > 1
        ]
        if twice:
            yield f"{scope} was charged twice for {twice}"
        sums = {
            state: sum(each.charge.rho for each in charges if each.state is state)
            for state in ChargeState
        }
        now = budgets.balance(tx, scope)
        if (now.reserved, now.spent) != (sums[ChargeState.RESERVED], sums[ChargeState.SPENT]):
            yield f"the balance of {scope} is not the sum of its charges"
        for each in charges:
            released = known[each.charge.job].state is JobState.RELEASED
            if released != (each.state is ChargeState.SPENT):
                yield f"job {each.charge.job}: its charge is {each.state}"


def _of_release(scene: Scene, release: Release) -> Iterator[str]:
    """Verify what lies on the shelf; what a crash has left staged, the worker has yet to lay out."""
    try:
        files = {file.file: scene.shelf.fetch(file.digest) for file in release.files}
        certificate = scene.shelf.fetch(release.certificate)
    except JobsError:
        waiting = set(scene.shelf.staged())
        for digest in (release.certificate, *(file.digest for file in release.files)):
            place = scene.folder / "shelf" / digest.removeprefix("sha256:")
            if digest not in waiting and not place.exists():
                yield f"release {release.id}: bytes are lost"
        return
    try:
        facts = verify(certificate, keys=scene.keys, files=files).facts
    except JobsError as error:
        yield f"release {release.id}: {error}"
        return
    if (facts.job, facts.release) != (release.job, release.id):
        yield f"release {release.id} has the certificate of another"


def _differing(shelf: Path, named: set[str]) -> Iterator[str]:
    lying = {path.name for path in shelf.iterdir() if path.is_file()}
    yield from (f"the shelf lacks {name[:8]}" for name in named - lying)
    yield from (f"the shelf holds {name[:8]} of no release" for name in lying - named)
    yield from (f"staged on the shelf: {path.name}" for path in (shelf / ".staged").iterdir())


def _strays(folder: Path) -> Iterator[Path]:
    for pattern in ("views/.staging-*", "data/.staging-*", "run/rooms/*"):
        yield from folder.glob(pattern)
    for place in mounts(folder):
        if not place.is_relative_to(folder / "run" / "warm"):
            yield place


def mounts(folder: Path) -> list[Path]:
    """Return every place below `folder` at which something is mounted."""
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    places = (Path(line.split()[1]) for line in lines)
    return [place for place in places if place.is_relative_to(folder)]
