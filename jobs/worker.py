"""The worker: turns its loop over the record, and takes each job its next step."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jobs.errors import JobsError, StaleError
from jobs.job import CodedWork, Job, JobId, JobState, QueryWork, SampleWork, TrainWork
from jobs.proof.ring import KeyRing
from jobs.record import grants, jobs, log
from jobs.record.database import Reading
from jobs.record.engine import RecordDownError
from jobs.record.signers import KeyPutAwayError
from jobs.rules.runtimes import Runtimes
from jobs.steps.carry import Hands, decided, given_up, inputs_of, leaving, ran
from jobs.steps.lots import keep_lots
from jobs.steps.release import Seals, release, signed_digests
from jobs.steps.start import Domain, start
from jobs.steps.stop import confirm, stopped, unconfirmed
from jobs.steps.sweep import clear_quarantine, finish_releases, keep_to_terms, recover
from sandbox.cluster.cluster import Cluster, Ticket
from sandbox.egress.inspection import Cleared
from sandbox.errors import ClusterDownError, EngineError, SandboxError, StorageFullError
from sandbox.order import Ended, Order, Outcome
from sandbox.runner.contract import Found, Runner

_LOG = logging.getLogger("shuyu.worker")
PAUSE = 0.05
"""Seconds between two turns in which nothing happened."""
_SWEEP = 2.0
"""Seconds between two looks for what a crash or a stop left."""
_GRACE = 60.0
"""Seconds past its own limit after which a task that has not answered counts as lost."""
_INSPECTION = 600.0
TRAINER = "trainer"
"""The name under which the institution registers the image that fits models: what it leaves is believed to be private."""
_TRIES = 2
_QUERY_PAUSE = 1.0
_QUERY_DEPTH = 1000
"""While no engine stands: how often, and how far behind the first job, queries are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What a worker works with."""

    hands: Hands
    seals: Seals
    cluster: Cluster
    runner: Runner
    slots: int
    """How many jobs may run at once."""
    runtimes: Runtimes
    """By the settings alone: what the engine has is looked up."""
    grant_keys: KeyRing


class Stage(StrEnum):
    """What goes on with a job; each begins in one state of the record."""

    RUN = "run"
    INSPECT = "inspect"
    REOPEN = "reopen"


_JUDGING = ((Stage.INSPECT, JobState.QUARANTINED), (Stage.REOPEN, JobState.APPROVED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One job that Ray has in hand now."""

    stage: Stage
    job: Job
    """As the record had it when the task began: if it has another state or epoch now, the task is void."""
    ticket: Ticket
    until: float
    """Monotonic seconds at which it counts as lost."""
    order: Order | None = None


@dataclass(slots=True)
class Worker:
    """Carries jobs from the queue to their end; each step is in the record before the next begins.

    One worker works on a domain at a time. It may die at any moment: what it holds in memory is only
    what it can find again.
    """

    trade: Trade
    tasks: dict[JobId, Task] = field(default_factory=dict)
    failures: dict[JobId, int] = field(default_factory=dict)
    found: Found | None = None
    """What there is to run with; unknown after a failure, until the next look."""
    stands: bool = True
    down: str = ""
    """Why Ray was said not to answer, last."""
    swept_at: float = 0.0
    asked_at: float = 0.0
    """When it was last looked for queries behind containers."""

    def work(self, stop: threading.Event) -> None:
        """Turn until `stop` is set; a turn that fails is tried again, and nothing is lost by it."""
        while not stop.is_set():
            if not self._turned():
                stop.wait(PAUSE)
        for task in tuple(self.tasks.values()):
            self._drop(task)

    def turn(self) -> bool:
        """Take every step that can be taken now; say whether any was."""
        if time.monotonic() - self.swept_at > _SWEEP:
            self._sweep()
        dropped = self._drop_void()
        self._confirm_stops()
        collected = self._collect()
        return any((dropped, collected, self._take_up()))

    def _turned(self) -> bool:
        try:
            return self.turn()
        except ClusterDownError as error:
            self._reconnect(error)
        except (SandboxError, JobsError, OSError) as error:
            # engine, database or disk: what was to be done still stands in the record
            _LOG.warning("a turn failed: %s", type(error).__name__)
            time.sleep(0.5)
        return False

    def _reconnect(self, why: ClusterDownError) -> None:
        """Leave a Ray that is gone, and connect again; what ran is found by the next sweep, and queued again once."""
        self.tasks.clear()
        self.found = None
        self._say_why(str(why))
        try:
            self.trade.cluster.renew()
        except ClusterDownError as error:
            self._say_why(str(error))
            time.sleep(1.0)
            return
        self.down = ""
        self.swept_at = 0.0
        _LOG.warning("Ray is connected again")

    def _say_why(self, why: str) -> None:
        if why != self.down:
            _LOG.warning("%s; jobs wait, and it is tried again", why)
        self.down = why

    def _sweep(self) -> None:
        """Look what there is to run with, and put right what crashes and stops have left."""
        self.swept_at = time.monotonic()
        hands = self.trade.hands
        recover(hands, known=self.tasks)
        clear_quarantine(hands)
        keep_to_terms(hands)
        if self.trade.seals.lots is not None:
            keep_lots(hands.record, self.trade.seals.lots)
        hands.shelf.forget_halves()
        finish_releases(hands)
        self.trade.cluster.tidy()
        self._sign_log()
        self.found = self._look()
        if self._stands():
            self._reap()

    def _reap(self) -> None:
        """End what this node's keeper has of no job in hand; other nodes' keepers do so by their leases."""
        with suppress(EngineError):
            self.trade.runner.reap([task.job.id for task in self.tasks.values()])

    def _look(self) -> Found | None:
        found = self.trade.cluster.look()
        stands = found is not None and bool(found.engine)
        if stands != self.stands:
            _LOG.warning(
                "the container engine %s", "answers" if stands else "does not answer: jobs wait"
            )
        self.stands = stands
        return found

    def _sign_log(self) -> None:
        key = self.trade.seals.log
        with self._reading() as tx:
            last = log.last_checkpoint(tx, self.trade.seals.ring)
            grown = last is None or last.head.size < log.head(tx).size
        if grown:
            with self.trade.hands.record.writing() as tx:
                log.checkpoint(tx, key)

    def _drop_void(self) -> bool:
        """End every task whose job was stopped, or moved by somebody else."""
        if not self.tasks:
            return False
        with self._reading() as tx:
            closed = stopped(tx)
            void = [task for task in self.tasks.values() if closed or _is_void(tx, task.job)]
        for task in void:
            self._drop(task)
        return bool(void)

    def _confirm_stops(self) -> None:
        """Note of each emergency stop when the engine has no container of it any more."""
        with self._reading() as tx:
            waiting = [halt for halt in unconfirmed(tx) if not {*halt.watched} & {*self.tasks}]
        housed = self._housed() if waiting else None
        for halt in waiting if housed is not None else ():
            confirm(self.trade.hands.record, halt, housed=housed or frozenset())

    def _housed(self) -> frozenset[str] | None:
        """Return the jobs that have a container now, on any node; nothing where that is not known."""
        self.trade.cluster.look()
        return self.trade.cluster.housed()

    def _drop(self, task: Task) -> None:
        del self.tasks[task.job.id]
        self.trade.cluster.cancel(task.ticket)
        if task.stage is Stage.RUN:
            self.trade.runner.cancel(task.job.id)

    def _collect(self) -> bool:
        ended = [task for task in self.tasks.values() if self._has_ended(task)]
        for task in ended:
            # a database or a disk that fails raises from here: the task stays, and is collected again
            self._ended(task)
            del self.tasks[task.job.id]
        return bool(ended)

    def _has_ended(self, task: Task) -> bool:
        return self.trade.cluster.done(task.ticket) or time.monotonic() > task.until

    def _ended(self, task: Task) -> None:
        try:
            if task.stage is Stage.RUN:
                self._ran(task)
            elif task.stage is Stage.INSPECT:
                self._inspected(task)
            else:
                self._release(task.job, self.trade.cluster.cleared(task.ticket))
        except StaleError as error:  # its words name jobs and assets, never a value
            _LOG.info("job %s: its %s is void: %s", task.job.id, task.stage, error)
        except (RecordDownError, StorageFullError, KeyPutAwayError):
            raise
        except (JobsError, SandboxError) as error:
            self._failed(task, type(error).__name__)

    def _failed(self, task: Task, why: str) -> None:
        """Try again what failed, and after that close the gate: what cannot be judged stays in."""
        _LOG.warning("job %s: %s failed: %s", task.job.id, task.stage, why)
        self.found = None  # no second try goes to waste on an engine or a keeper that is just away
        self.failures[task.job.id] = self.failures.get(task.job.id, 0) + 1
        if self.failures[task.job.id] >= _TRIES:
            del self.failures[task.job.id]
            given_up(task.job, hands=self.trade.hands)

    def _ran(self, task: Task) -> None:
        outcome = self._outcome(task)
        if outcome.ended is Ended.ENGINE_FAILED:
            self.found = None  # no job's second attempt goes to waste on what has just failed
        assert task.order is not None
        ran(task.job, outcome, inputs=inputs_of(task.order, outcome), hands=self.trade.hands)

    def _outcome(self, task: Task) -> Outcome:
        if not self.trade.cluster.done(task.ticket):
            self.trade.cluster.cancel(task.ticket)
            return Outcome(ended=Ended.TIMED_OUT)
        return self.trade.cluster.outcome(task.ticket)

    def _inspected(self, task: Task) -> None:
        inspected = self.trade.cluster.inspected(task.ticket)
        moved = decided(task.job, inspected, hands=self.trade.hands)
        if moved.state is JobState.APPROVED:
            sure = [each for each in inspected.verdicts if isinstance(each, Cleared)]
            self._release(moved, tuple(sure))

    def _release(self, job: Job, cleared: tuple[Cleared, ...]) -> None:
        release(job, cleared, hands=self.trade.hands, seals=self.trade.seals)

    def _take_up(self) -> bool:
        with self._reading() as tx:
            if stopped(tx):
                return False
        free = self.trade.slots - sum(task.stage is Stage.RUN for task in self.tasks.values())
        begun = [self._start(job) for job in self._startable(free)]
        for stage, state in _JUDGING:
            for job in self._waiting(state, self.trade.cluster.bench()):
                if job.id not in self.failures or self._reads():
                    self._begin(stage, job)
                    begun.append(True)
        return any(begun)

    def _startable(self, limit: int) -> Iterator[Job]:
        """Give the jobs that there is room for, the oldest first: none is overtaken but by queries while no engine stands."""
        for job in (
            self._waiting(JobState.QUEUED, limit) if self._stands() else self._queries(limit)
        ):
            with self._reading() as tx:
                limits = grants.get(tx, job.grant).signed.grant.limits
            image = job.work.image if isinstance(job.work, CodedWork) else None
            if not self.trade.cluster.has_room(limits, image):
                return
            yield job

    def _queries(self, limit: int) -> list[Job]:
        """Return the queries among the first jobs in the queue: they need no engine, and wait for none."""
        if limit <= 0 or time.monotonic() - self.asked_at < _QUERY_PAUSE:
            return []
        self.asked_at = time.monotonic()
        waiting = self._waiting(JobState.QUEUED, _QUERY_DEPTH)
        return [job for job in waiting if isinstance(job.work, QueryWork | SampleWork)][:limit]

    def _known(self, job: Job) -> Found | None:
        """Return what there is to run with; asked anew where it lacks the job's image, which may just have come."""
        if not self.trade.cluster.is_sure:
            return None
        if self.found is not None and not _has_image(self.found, job):
            self.found = self._look()
        return self.found

    def _start(self, job: Job) -> bool:
        hands, known = self.trade.hands, self._known(job)
        images = frozenset(digest for _, digest in known.images) if known else None
        here = frozenset(known.runtimes) if known and known.engine else None
        runtimes = replace(self.trade.runtimes, here=here)
        trainers = frozenset(d for name, d in known.images if name == TRAINER) if known else None
        domain = Domain(
            images=images,
            runtimes=runtimes,
            grant_keys=self.trade.grant_keys,
            trainers=trainers,
        )
        try:
            started, order = start(job, record=hands.record, clock=hands.clock, domain=domain)
        except StaleError:
            return False
        if order is not None:
            self.tasks[job.id] = Task(
                stage=Stage.RUN,
                job=started,
                ticket=self.trade.cluster.run(order),
                until=time.monotonic() + order.limits.seconds + _GRACE,
                order=order,
            )
        return True

    def _stands(self) -> bool:
        return self.found is not None and bool(self.found.engine)

    def _reads(self) -> bool:
        return self.found is not None and self._stands() and "reader" in dict(self.found.images)

    def _begin(self, stage: Stage, job: Job) -> None:
        artifacts = self.trade.hands.quarantine.kept(job.id, job.epoch) or ()
        with self._reading() as tx:
            terms, signed = leaving(tx, job, artifacts), signed_digests(tx, job)
        if stage is Stage.INSPECT:
            ticket = self.trade.cluster.examine(terms)
        else:
            ticket = self.trade.cluster.reopen(terms, signed)
        until = time.monotonic() + _INSPECTION
        self.tasks[job.id] = Task(stage=stage, job=job, ticket=ticket, until=until)

    def _waiting(self, state: JobState, limit: int) -> list[Job]:
        if limit <= 0:
            return []
        with self._reading() as tx:
            found = jobs.oldest(tx, state, limit + len(self.tasks))
        return [job for job in found if job.id not in self.tasks][:limit]

    def _reading(self) -> AbstractContextManager[Reading]:
        return self.trade.hands.record.reading()


def _has_image(found: Found, job: Job) -> bool:
    if isinstance(job.work, TrainWork):
        return TRAINER in dict(found.images)
    return not isinstance(job.work, CodedWork) or job.work.image in dict(found.images).values()


def _is_void(tx: Reading, job: Job) -> bool:
    now = jobs.get(tx, job.id)
    return (now.state, now.epoch) != (job.state, job.epoch)
