"""`shuyu drill`: rehearses the emergency stop on the live domain, with a harmless job of a scenario of its own."""

import base64
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, plain, say
from gateway.cli.domain import HomePath, at, now
from gateway.cli.office import who
from gateway.governance import drill as steps
from gateway.governance.drill import Report, Round
from gateway.home import Home
from jobs.grant import Grant
from jobs.job import ENDS, Job, JobState
from jobs.proof import bodies
from jobs.record import jobs
from jobs.record.database import Record
from jobs.steps import stop
from jobs.steps.stop import Halt
from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, ImageError
from sandbox.runner.client import KeeperClient
from sandbox.runner.remains import groups_of, processes_in

IMAGE = "python"
"""The domain's own image, by its name in the register."""
START_SECONDS = 60
STOP_SECONDS = 20
GOAL_MS = 5000
_SETTLE = 0.3
"""Seconds that the job has run for when it is stopped."""
_GLANCE = 0.002


def drill(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=200, help="How often to stop it.")] = 3,
    report: Annotated[Path | None, typer.Option(help="Where to write the report, as JSON.")] = None,
    home: HomePath = Path("domain"),
) -> None:
    """Rehearse the stop: no data is read, other scenarios go on, and nothing is left but the report."""
    with at(home) as (opened, record):
        ground = _ground(opened, record)
        try:
            seen = tuple(_round(ground, number) for number in range(rounds))
        finally:
            steps.close_scenario(record, ground.grant, by=who())
        made = Report(id=_new_id(), by=who(), rounds=seen)
        steps.keep(record, made)
    if report is not None:
        report.write_text(bodies.dump(made) + "\n", "utf-8")
    _say_worst(made)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a drill is held."""

    record: Record
    keeper: KeeperClient
    grant: Grant

    def job(self, job: Job) -> Job:
        """Return the job as it is now."""
        with self.record.reading() as tx:
            return jobs.get(tx, job.id)

    def container(self, job: Job) -> str:
        """Return the id of the job's container as the engine knows it; empty where it has none."""
        return dict(self.keeper.found().housed).get(job.id, "")

    def halt(self, halt: Halt) -> Halt:
        """Return the stop as it is now."""
        with self.record.reading() as tx:
            return stop.get(tx, halt.id)


@dataclass(slots=True)
class Watch:
    """Looks at a container's control group from the host until no process is in it."""

    groups: tuple[Path, ...]
    gone_at: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look every 2 ms."""
        while not self.over.is_set() and self.groups:
            if processes_in(self.groups) == 0:
                self.gone_at = time.monotonic()
                return
            time.sleep(_GLANCE)


def _ground(home: Home, record: Record) -> Ground:
    keeper = KeeperClient(home.path / "run" / "keeper.sock")
    found = keeper.found()
    if not found.engine:
        raise EngineDownError("no container engine answers: images/engine.sh up")
    image = dict(found.images).get(IMAGE)
    if image is None:
        raise ImageError("no image is registered as python: images/build.sh python")
    key = home.key("grant")
    grant = steps.open_scenario(record, ImageDigest(image), key=key, by=who())
    return Ground(record, keeper, grant)


def _round(ground: Ground, number: int) -> Round:
    if number:
        steps.lift(ground.record, ground.grant, by=who())
    job = steps.submit_job(ground.record, ground.grant, clock=now)
    container = _begun(ground, job)
    time.sleep(_SETTLE)
    watch = Watch(groups_of(container))
    watcher = threading.Thread(target=watch.run)
    watcher.start()
    try:
        seen = _stopped(ground, job, watch)
    finally:
        watch.over.set()
        watcher.join()
    _say(number, seen)
    return seen


def _begun(ground: Ground, job: Job) -> str:
    """Wait until the job runs in a container; return the container's id."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        state = ground.job(job).state
        if state in ENDS:
            break
        if state is JobState.RUNNING and (container := ground.container(job)):
            return container
        time.sleep(0.05)
    say(
        "演练作业未能启动：请检查 shuyu up 与容器引擎",
        "the drill's job did not start: is `shuyu up` running, and the domain not stopped?",
    )
    raise typer.Exit(FAILED)


def _stopped(ground: Ground, job: Job, watch: Watch) -> Round:
    decided = time.monotonic()
    halt = steps.stop_scenario(ground.record, ground.grant, by=who())
    recorded = time.monotonic()
    without = _until(lambda: not ground.container(job))
    _until(lambda: watch.gone_at is not None or not watch.groups)
    _until(lambda: ground.halt(halt).milliseconds is not None)
    return Round(
        record=(recorded - decided) * 1000,
        processes=None if watch.gone_at is None else (watch.gone_at - decided) * 1000,
        container=None if without is None else (without - decided) * 1000,
        confirmed=ground.halt(halt).milliseconds,
    )


def _until(reached: Callable[[], bool]) -> float | None:
    """Wait for something; return the moment, or nothing where it has not come about in 20 s."""
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        if reached():
            return time.monotonic()
        time.sleep(0.02)
    return None


def _say(number: int, seen: Round) -> None:
    plain(
        f"  {number + 1:3}  记录 record {_ms(seen.record)}   进程 processes {_ms(seen.processes)}   "
        f"容器 container {_ms(seen.container)}   日志 log {_ms(seen.confirmed)}"
    )


def _ms(figure: float | None) -> str:
    return "未观察到 not seen" if figure is None else f"{figure:.0f} ms"


def _say_worst(made: Report) -> None:
    found = steps.worst(made)
    plain(f"最慢 worst  {found}", style="bold")
    late = [each for each in found.values() if isinstance(each, str) or each > GOAL_MS]
    if late:
        say("未达到 5 秒目标", "the goal of 5 s was not met, or not seen to be met")
        raise typer.Exit(FAILED)
    plain(f"演练报告 report {made.id}：已写入记录 kept in the record", style="green")


def _new_id() -> str:
    raw = int(datetime.now(UTC).timestamp() * 1000).to_bytes(6, "big") + os.urandom(10)
    return "E-" + base64.b32hexencode(raw).decode().rstrip("=")
