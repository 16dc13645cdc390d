"""The journeys at the level of the steps: one process that does the gateway's and the worker's part in turn."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jobs.grant import ScenarioId
from jobs.job import ENDS, ContainerWork, Job, JobState, QueryWork
from jobs.record import jobs, log, releases
from jobs.record.database import Record
from jobs.release import Vote
from jobs.steps import revoke
from jobs.steps.cancel import cancel
from jobs.steps.download import fetch, fetch_certificate
from jobs.steps.submit import Bundle, Submission
from jobs.steps.sweep import clear_quarantine, finish_releases, keep_to_terms, recover
from sandbox.asset import ImageDigest
from sandbox.egress.inspection import Inspected
from sandbox.order import Ended, Outcome
from tests.crash.blow import Blow
from tests.jobs.record.examples import IMAGE
from tests.jobs.steps.town import (
    COUNTING,
    DEVELOPER,
    GRANT,
    O2,
    QUERY,
    REPORT,
    REPORTING,
    TABLE,
    Keys,
    Town,
    block,
    clear,
    hold,
    name_of,
    officers,
    operators,
)
from tests.jobs.steps.town import Clock as TownClock

CODE = Bundle(files=(("main.py", b"print()"),))
STRAY = b"nobody's\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One way that a job can go."""

    end: JobState
    work: QueryWork | ContainerWork = REPORTING
    vote: Vote = Vote.PASS
    ended: Ended = Ended.FINISHED
    blocked: bool = False
    images: tuple[ImageDigest, ...] = (IMAGE,)
    stop: Callable[[Town, Job], None] | None = None
    """What stops it once it runs."""
    prepare: Callable[[Town, Submission], None] | None = None
    """What has happened before the blow falls."""


def _cancel(town: Town, job: Job) -> None:
    cancel(job.id, by=DEVELOPER, record=town.record)


def _suspend(town: Town, _job: Job) -> None:
    with town.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-sec")
    _lift(town)


def _lift(town: Town) -> None:
    with town.record.writing() as tx:
        revoke.lift(tx, GRANT.id, actor="P-lead")


def _revoke(town: Town, _job: Job) -> None:
    with town.record.writing() as tx:
        revoke.end(tx, GRANT.id, actor="P-lead")


def _cut(town: Town, asked: Submission) -> None:
    town.start(town.ask(asked), images=[IMAGE])


def _stray(town: Town, _asked: Submission) -> None:
    town.hands.shelf.stage(STRAY)


_FORBIDDEN = replace(QUERY, sql="SELECT person, COUNT(*) AS n FROM LOANS GROUP BY person")
_RELEASED, _STOPPED, _BLOCKED = JobState.RELEASED, JobState.STOPPED, JobState.BLOCKED
JOURNEYS: Mapping[str, Journey] = MappingProxyType(
    {
        "query": Journey(end=_RELEASED, work=QUERY),
        "forbidden query": Journey(end=JobState.REFUSED, work=_FORBIDDEN),
        "table": Journey(end=_RELEASED, work=COUNTING),
        "report": Journey(end=_RELEASED),
        "vetoed report": Journey(end=_BLOCKED, vote=Vote.BLOCK),
        "empty table": Journey(end=_BLOCKED, work=COUNTING, blocked=True),
        "broken program": Journey(end=JobState.FAILED, ended=Ended.FAILED),
        "missing image": Journey(end=JobState.REFUSED, images=()),
        "cancelled": Journey(end=_STOPPED, stop=_cancel),
        "suspended": Journey(end=_STOPPED, stop=_suspend),
        "cut report": Journey(end=_RELEASED, prepare=_cut),
        "stray table": Journey(end=_RELEASED, work=COUNTING, prepare=_stray),
        "revoked": Journey(end=_STOPPED, stop=_revoke),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One job on its journey; a walk that was cut is walked again from its beginning."""

    journey: Journey
    scenario: ScenarioId
    url: str
    folder: Path
    keys: Keys
    key: str = "one"

    @contextmanager
    def town(self) -> Iterator[Town]:
        """Open the town as a process does that has just started."""
        with closing(Record.open(self.url, clock=TownClock())) as record:
            yield Town(record=record, folder=self.folder, clock=TownClock(), keys=self.keys)

    @property
    def asked(self) -> Submission:
        work = self.journey.work
        code = CODE if isinstance(work, ContainerWork) else Bundle()
        return Submission(scenario=self.scenario, work=work, bundle=code, key=self.key)

    def prepared(self, town: Town) -> None:
        """Do what came before."""
        if self.journey.prepare is not None:
            self.journey.prepare(town, self.asked)

    def whole(self, town: Town) -> Job:
        """Sweep as a worker does that has just started, then take every step that is left, and sweep."""
        sweep(town)
        job = town.ask(self.asked)
        while job.state not in ENDS:
            self._step(town, job)
            job = town.now(job)
        if job.state is JobState.RELEASED:
            download(town, job)
        sweep(town)
        return job

    def struck(self, blow: Blow) -> None:
        """Walk in a process of its own, which the blow kills; fail where it does not."""
        child = os.fork()
        if child == 0:
            try:
                blow.install()
                with self.town() as town:
                    self.whole(town)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "no blow fell"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def _step(self, town: Town, job: Job) -> None:
        journey = self.journey
        if job.state is JobState.QUEUED:
            town.start(job, images=journey.images)
        elif job.state is JobState.RUNNING and journey.stop is not None:
            journey.stop(town, job)
        elif job.state is JobState.RUNNING:
            town.ran(job, self._outcome(job))
        elif job.state is JobState.QUARANTINED:
            town.decided(job, Inspected((self._verdict(),)))
        elif job.state is JobState.HELD:
            review(town, job, journey.vote)
        else:
            town.release(job)

    def _outcome(self, job: Job) -> Outcome | None:
        if self.journey.ended is Ended.FINISHED:
            return None
        return Outcome(ended=self.journey.ended, note=f"job {job.id} said this")

    def _verdict(self) -> Any:  # noqa: ANN401 - any of the three
        name = name_of(self.journey.work)
        if self.journey.blocked:
            return block(name)
        return hold(name) if name == O2 else clear(name)


def sweep(town: Town) -> None:
    """Put right what a crash left, as the worker does every two seconds."""
    recover(town.hands)
    clear_quarantine(town.hands)
    keep_to_terms(town.hands)
    town.hands.shelf.forget_halves()
    finish_releases(town.hands)
    with town.record.reading() as tx:
        last, size = log.last_checkpoint(tx, town.seals.ring), log.head(tx).size
    if last is None or last.head.size < size:
        with town.record.writing() as tx:
            log.checkpoint(tx, town.keys.log)


def review(town: Town, job: Job, vote: Vote) -> None:
    """Have the next seat that is free give its verdict."""
    seat = officers if town.seats(job) else operators
    town.says(seat(job, vote=vote))


def download(town: Town, job: Job) -> None:
    """Take the file and the certificate home."""
    with town.record.reading() as tx:
        release = releases.of_job(tx, job.id)
    assert release is not None
    shelf = town.hands.shelf
    for file in release.files:
        got = fetch(release.id, file.name, by=DEVELOPER, record=town.record, shelf=shelf)
        assert got.content in {TABLE, REPORT}
    fetch_certificate(release.id, by=DEVELOPER, record=town.record, shelf=shelf)


def count_of_jobs(town: Town) -> int:
    with town.record.reading() as tx:
        return len(jobs.listed(tx, limit=1000))
