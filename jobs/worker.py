"""The worker: turns its loop over the record, and takes each job its next step."""

import logging
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.errors import JobsError, StaleError
from jobs.job import Job, JobId, JobState
from jobs.proof.ring import KeyRing
from jobs.record import jobs, log
from jobs.record.database import Reading
from jobs.record.engine import RecordDownError
from jobs.record.signers import KeyPutAwayError
from jobs.steps.carry import Hands, decided, given_up, inputs_of, leaving, ran
from jobs.steps.release import Seals, release, signed_digests
from jobs.steps.start import Domain, start
from jobs.steps.sweep import clear_quarantine, finish_releases, keep_to_terms, recover
from sandbox.cluster import Cluster, Ticket
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
_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What a worker works with."""

    hands: Hands
    seals: Seals
    cluster: Cluster
    runner: Runner
    slots: int
    """How many jobs may run at once."""
    runtime: str
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
    swept_at: float = 0.0

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
        collected = self._collect()
        return any((dropped, collected, self._take_up()))

    def _turned(self) -> bool:
        try:
            return self.turn()
        except ClusterDownError:
            _LOG.warning("Ray does not answer; connecting again")
            self._reconnect()
        except (SandboxError, JobsError, OSError) as error:
            # engine, database or disk: what was to be done still stands in the record
            _LOG.warning("a turn failed: %s", type(error).__name__)
            time.sleep(0.5)
        return False

    def _reconnect(self) -> None:
        self.tasks.clear()
        try:
            self.trade.cluster.renew()
        except ClusterDownError:
            time.sleep(1.0)

    def _sweep(self) -> None:
        """Look what there is to run with, and put right what crashes and stops have left."""
        self.swept_at = time.monotonic()
        hands = self.trade.hands
        recover(hands, known=self.tasks)
        clear_quarantine(hands)
        keep_to_terms(hands)
        hands.shelf.forget_halves()
        finish_releases(hands)
        self.trade.cluster.tidy()
        self._sign_log()
        self.found = self._look()
        if self.found is not None and self.found.engine:
            self.trade.runner.reap([task.job.id for task in self.tasks.values()])

    def _look(self) -> Found | None:
        try:
            found = self.trade.runner.found()
        except EngineError:
            found = None
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
            void = [task for task in self.tasks.values() if _is_void(tx, task.job)]
        for task in void:
            self._drop(task)
        return bool(void)

    def _drop(self, task: Task) -> None:
        del self.tasks[task.job.id]
        if task.stage is Stage.RUN:
            self.trade.runner.cancel(task.job.id)
        self.trade.cluster.cancel(task.ticket)

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
        except StaleError:
            _LOG.info("job %s was stopped meanwhile", task.job.id)
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
        try:
            return self.trade.cluster.outcome(task.ticket)
        except ClusterDownError:
            return Outcome(ended=Ended.ENGINE_FAILED)

    def _inspected(self, task: Task) -> None:
        inspected = self.trade.cluster.inspected(task.ticket)
        moved = decided(task.job, inspected, hands=self.trade.hands)
        if moved.state is JobState.APPROVED:
            sure = [each for each in inspected.verdicts if isinstance(each, Cleared)]
            self._release(moved, tuple(sure))

    def _release(self, job: Job, cleared: tuple[Cleared, ...]) -> None:
        release(job, cleared, hands=self.trade.hands, seals=self.trade.seals)

    def _take_up(self) -> bool:
        free = self.trade.slots - sum(task.stage is Stage.RUN for task in self.tasks.values())
        begun = [self._start(job) for job in self._waiting(JobState.QUEUED, free)]
        for stage, state in _JUDGING:
            for job in self._waiting(state, self.trade.slots):
                if job.id not in self.failures or self._stands():
                    self._begin(stage, job)
                    begun.append(True)
        return any(begun)

    def _start(self, job: Job) -> bool:
        if not self._can_run(job):
            return False
        hands = self.trade.hands
        images = frozenset(digest for _, digest in self.found.images) if self.found else None
        domain = Domain(images=images, runtime=self.trade.runtime, grant_keys=self.trade.grant_keys)
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

    def _can_run(self, job: Job) -> bool:
        """Say whether the engine stands, for a job that needs it; a query needs none."""
        return job.work.kind == "query" or self._stands()

    def _stands(self) -> bool:
        return self.found is not None and bool(self.found.engine)

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


def _is_void(tx: Reading, job: Job) -> bool:
    now = jobs.get(tx, job.id)
    return (now.state, now.epoch) != (job.state, job.epoch)
