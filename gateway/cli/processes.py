"""`shuyu up`, `serve`, `work` and `keep`: the domain's processes, together or apart."""

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from gateway.anchoring.attempt import Ledger
from gateway.anchoring.loop import Anchoring
from gateway.anchoring.targets import targets_of
from gateway.app import create_app
from gateway.cli.calling import FAILED, plain, say
from gateway.cli.domain import HomePath, brought_up, now, rooms_of, telling
from gateway.cli.intake import trust_of
from gateway.cli.signals import stopping
from gateway.governance.budgets import publish_ceilings
from gateway.governance.exit import publish_terms, strictest
from gateway.governance.rules import load_rules
from gateway.governance.scenarios import expire_due
from gateway.home import Home, HomeError, open_home
from jobs.record.database import Record
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.steps.carry import Hands
from jobs.steps.lots import Lottery
from jobs.steps.release import Seals
from jobs.worker import Trade, Worker
from sandbox.cluster.cluster import Cluster
from sandbox.cluster.link import Link
from sandbox.errors import ClusterDownError, KeeperDownError
from sandbox.run import Room
from sandbox.runner.client import KeeperClient
from sandbox.runner.contract import Found
from sandbox.runner.keeper import KeeperSettings, serve_keeper

PARTS = ("keep", "work", "serve")
_MOST_DEATHS = 6
_DEATHS_SECONDS = 60
"""More deaths than that in so many seconds, and `shuyu up` gives up."""
_STOP_SECONDS = 20
_EXPIRE_SECONDS = 60
_RAY_SECONDS = 1.0
"""Seconds between two tries to reach Ray."""
_Parent = Annotated[int, typer.Option(hidden=True, help="End when this process ends.")]


def up(home: HomePath = Path("domain")) -> None:
    """启动运营域。 Run keeper, worker with a local Ray, and gateway; Ctrl-C stops them all."""
    with brought_up(home) as (opened, _):
        pass  # a record that nobody may work with is told of once, and not by each process
    plain(f"控制台 console  {opened.url}/console      接口 API  {opened.url}/v1/openapi.json")
    plain("Ctrl-C 停止 stops everything that this started.")
    stop = stopping()
    children = {part: _child(part, opened) for part in PARTS}
    deaths: list[float] = []
    while not stop.wait(0.2) and len(deaths) <= _MOST_DEATHS:
        for part, child in children.items():
            if child.poll() is not None:
                deaths = [at for at in deaths if time.monotonic() - at < _DEATHS_SECONDS]
                deaths.append(time.monotonic())
                say(
                    f"{part} 已退出，重新启动",
                    f"{part} ended with {child.returncode}: starting it again",
                )
                children[part] = _child(part, opened)
    _end(list(children.values()))
    if len(deaths) > _MOST_DEATHS:
        say("进程反复退出，已全部停止", "the processes keep ending: all were stopped")
        raise typer.Exit(FAILED)


def serve(home: HomePath = Path("domain"), parent: _Parent = 0) -> None:
    """启动网关。 Run the gateway: API and console."""
    with brought_up(home) as (opened, record):
        rooms = rooms_of(opened, record)
        publish_ceilings(record, rooms.office.rules, by="system")
        publish_terms(record, strictest(rooms.office.rules.rulebooks.values()))
        anchoring = _anchoring(opened, record)
        stop = stopping(parent)
        _heed_keys(opened, stop)
        settings = opened.settings
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(rooms, anchoring=anchoring),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        plain(f"网关 gateway  {opened.url}")

        def watch() -> None:
            while not stop.wait(_EXPIRE_SECONDS):
                expire_due(rooms.office)
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
        anchoring.start(stop)
        server.run()
        stop.set()


def work(home: HomePath = Path("domain"), parent: _Parent = 0) -> None:
    """启动作业进程。 Run the worker, and a local Ray where no cluster is set."""
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    with brought_up(home) as (opened, record), _alone(opened, "worker"):
        stop = stopping(parent)
        _heed_keys(opened, stop)
        runner = KeeperClient(opened.path / "run" / "keeper.sock")
        _await_keeper(runner, stop)
        link = Link(
            address=opened.settings.ray, cpus=opened.settings.ray_cpus, token=opened.ray_token
        )
        cluster = Cluster(Room.of(opened.path), link)
        plain("Ray …", style="dim")
        if not _connected(cluster, stop):
            return
        plain("作业进程 worker  Ray 已连接 connected")
        hands = Hands(
            record=record,
            quarantine=Quarantine(opened.path / "quarantine"),
            shelf=Shelf(opened.path / "shelf"),
            clock=now,
            volumes=opened.volumes,
        )
        trade = Trade(
            hands=hands,
            seals=Seals(
                release=opened.key("release"),
                log=opened.key("log"),
                ring=opened.ring("log"),
                lots=lottery_of(opened),
            ),
            cluster=cluster,
            runner=runner,
            slots=opened.settings.slots,
            runtimes=opened.runtimes,
            grant_keys=opened.ring("grant"),
        )
        try:
            Worker(trade).work(stop)
        finally:
            cluster.close()


def keep(home: HomePath = Path("domain"), parent: _Parent = 0) -> None:
    """启动容器管理进程。 Run the room keeper, the only process that holds the engine's socket."""
    with telling():
        opened = open_home(home)
        settings = KeeperSettings(
            home=opened.path,
            engine=opened.engine,
            warm=opened.settings.warm,
            trust=trust_of(opened),
        )
        serve_keeper(settings, ready=say_found, stop=stopping(parent))


def say_found(found: Found) -> None:
    """Say what there is to run jobs with, and for what is missing the command that mends it."""
    if found.engine:
        runtimes = ", ".join(found.runtimes)
        plain(
            f"容器引擎 engine  {found.engine}   运行时 runtimes  {runtimes}   cgroup v{found.cgroup}"
        )
    for name, digest in found.images:
        plain(f"  镜像 image  {name}  {digest}")
    for why in found.slower:
        plain(f"  较慢 slower  {why.zh}\n    {why.en}", style="yellow")
    for missing in found.missing:
        say(f"缺少：{missing.what.zh}", f"missing: {missing.what.en}\n  → {missing.mend}")


def lottery_of(home: Home) -> Lottery:
    """Return what releases are drawn with: at the setting's rate, or the strictest rulebook's where that is higher."""
    books = load_rules().rulebooks.values()
    floor = max(book.exact("sampling.post_release_rate") for book in books)
    set_here = Fraction(str(home.settings.rereview_rate))
    return Lottery(secret=home.lots_secret(), rate=max(floor, set_here))


def _anchoring(home: Home, record: Record) -> Anchoring:
    targets = targets_of(home, clock=now)
    names = "   ".join(target.name for target in targets)
    plain(f"锚定 anchors  {names or '未设置 none is set: nobody outside vouches for the log'}")
    ledger = Ledger(record=record, keys=home.ring("log"))
    return Anchoring(ledger, targets, every=home.settings.anchor_seconds, clock=now)


def _child(part: str, home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway.cli.app", part, "--home", str(home.path)]
    # a session of its own: Ctrl-C reaches this process alone, which then ends the others in order
    return subprocess.Popen([*command, "--parent", str(os.getpid())], start_new_session=True)  # noqa: S603


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in reversed(children):
        child.terminate()
    until = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _heed_keys(home: Home, stop: threading.Event) -> None:
    """End this process where the domain's keys change; `shuyu up` starts it again with the new ones."""
    known = home.trusted.read_bytes()

    def watch() -> None:
        while not stop.wait(0.5):
            if home.trusted.read_bytes() != known:
                say(
                    "密钥已更换：本进程结束，请重新启动",
                    "the keys changed: this process ends; start it again",
                )
                stop.set()

    threading.Thread(target=watch, daemon=True).start()


def _await_keeper(runner: KeeperClient, stop: threading.Event) -> None:
    told = False
    while not stop.wait(0.1):
        try:
            runner.found()
        except KeeperDownError:
            if not told:
                plain("等待容器管理进程 waiting for `shuyu keep` …", style="dim")
            told = True
        else:
            return


def _connected(cluster: Cluster, stop: threading.Event) -> bool:
    """Connect to Ray, however long that takes to come up; say what is to be done meanwhile, once."""
    told = ""
    while not stop.is_set():
        try:
            cluster.connect()
        except ClusterDownError as error:
            if str(error) != told:
                say("Ray 未应答，等待重试", str(error))
            told = str(error)
            stop.wait(_RAY_SECONDS)
        else:
            return True
    return False


@contextmanager
def _alone(home: Home, part: str) -> Iterator[None]:
    """Hold the lock of one part of this home; raise `HomeError` where another process has it."""
    with (home.path / "run" / f"{part}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HomeError(f"another {part} works on this domain already") from error
        yield
