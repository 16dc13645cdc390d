"""The record under load: the log, its audit and its proofs, the budget ledger, and the egress log's search.

Run `benchmarks/record.py [--quick]`. Both databases keep what they say they kept: SQLite with WAL and synchronous
FULL, PostgreSQL with fsync, started here for the time of the run (its programs must be installed).

- Append: events in transactions of `BATCH`, against a bare `executemany` of the same rows into the same table with
  its indexes, by the sqlite3 module, in the same batches; rounds are interleaved, the ratio is their median.
- Verify and prove: a log of a million entries (`--quick`: fewer, and the limit in proportion).
- Ledger: eight processes; a charge is a reservation and its commit, each a transaction of its own, in four scopes. The
  limit covers nine tenths of what is asked for: it must be reached exactly, and the rest refused.
- Search: 100,000 lines of the egress log, a mix of what people ask, of which a quarter finds nothing.
"""

import json
import os
import random
import runpy
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from jobs.errors import BudgetExhaustedError
from jobs.job import JobId
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import budgets, findings, log
from jobs.record.audit import verify_log
from jobs.record.budgets import Charge
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.findings import Search
from jobs.record.schema import job
from jobs.record.watermark import Watermark

ROOT = Path(__file__).parent.parent
BATCH = 100
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SCOPES = ("asset:LOANS", "asset:LOANS@2026", "developer:acme@2026", "grant:SC-1.v1")
WRITERS = 8
FIRST_GO = "go"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything there is."""

    rounds: int = 7
    events: int = 10_000
    leaves: int = 1_000_000
    proofs: int = 300
    charges: int = 150
    """By each writer."""
    lines: int = 100_000
    asks: int = 12
    """Of each kind."""


QUICK = Sizes(rounds=3, events=2000, leaves=50_000, proofs=50, charges=30, lines=20_000, asks=3)


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure beside what it is held against."""

    name: str
    said: str
    ratio: float
    goal: float
    at_most: bool = False

    def line(self) -> str:
        """Say it as the benchmarks do."""
        met = self.ratio <= self.goal if self.at_most else self.ratio >= self.goal
        told = {
            "benchmark": self.name,
            "ratio": round(self.ratio, 3),
            "goal": self.goal,
            "met": met,
        }
        return json.dumps(told)


def now() -> datetime:
    return datetime.now(UTC)


def opened(url: str) -> Record:
    record = Record.open(url, clock=now)
    record.migrate()
    return record


def append(folder: Path, sizes: Sizes) -> list[Goal]:
    """Hold our log against a bare table."""
    ours = opened(f"sqlite:///{folder / 'ours.db'}")
    events = [_event(number) for number in range(sizes.events)]
    _noted(ours, events[: BATCH * 2])
    rates: list[tuple[float, float]] = []
    for number in range(sizes.rounds):
        seconds = _timed(lambda: _noted(ours, events))
        bare = _bare(folder, f"bare-{number}.db", sizes.events)
        rates.append((sizes.events / seconds, sizes.events / bare))
    ours.close()
    mine, theirs = (median(each) for each in zip(*rates, strict=True))
    ratio = median(rate / bare for rate, bare in rates)
    return [
        Goal("record.append_to_bare", f"{mine:,.0f} events/s, bare {theirs:,.0f}", ratio, 0.5),
        Goal("record.append", f"{mine:,.0f} events/s of 2,000", mine / 2000, 1),
    ]


def _event(number: int) -> Event:
    digest = f"sha256:{number:064x}"
    return Event("job.queued", f"J-{number:026}", "system", {"digest": digest, "count": number})


def _noted(record: Record, events: list[Event]) -> None:
    for start in range(0, len(events), BATCH):
        with record.writing() as tx:
            for each in events[start : start + BATCH]:
                tx.note(each)


def _bare(folder: Path, name: str, count: int) -> float:
    """Insert the last `count` rows of our log into an empty table like it; return the seconds."""
    kept = sqlite3.connect(folder / "ours.db")
    wanted = "SELECT * FROM log_entry ORDER BY seq DESC LIMIT ?"
    rows = kept.execute(wanted, (count,)).fetchall()[::-1]
    made = "SELECT sql FROM sqlite_master WHERE tbl_name = 'log_entry' AND sql IS NOT NULL"
    tables = [row[0] for row in kept.execute(made)]
    kept.close()
    base = sqlite3.connect(folder / name, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *tables):
        base.execute(statement)

    def insert() -> None:
        for start in range(0, count, BATCH):
            base.execute("BEGIN IMMEDIATE")
            added = "INSERT INTO log_entry VALUES (?, ?, ?, ?, ?, ?, ?)"
            base.executemany(added, rows[start : start + BATCH])
            base.execute("COMMIT")

    seconds = _timed(insert)
    base.close()
    return seconds


def audit(folder: Path, sizes: Sizes) -> list[Goal]:
    """Verify a long log, and prove entries of it."""
    key = SigningKey.unsaved("shuyu.bench/log")
    record = opened(f"sqlite:///{folder / 'long.db'}")
    for start in range(0, sizes.leaves, 10_000):
        with record.writing() as tx:
            for number in range(start, min(start + 10_000, sizes.leaves)):
                tx.note(_event(number))
        _progress("log", start + 10_000, sizes.leaves)
    with record.writing() as tx:
        log.checkpoint(tx, key)
    seconds = _timed(lambda: verify_log(record, KeyRing.of(key.public)))
    limit = 10 * sizes.leaves / 1_000_000
    dice = random.Random(7)
    proofs = [_proved(record, dice.randrange(sizes.leaves), sizes) for _ in range(sizes.proofs)]
    slow = 1000 * _p95(proofs)
    record.close()
    return [
        Goal(
            "record.verify",
            f"{seconds:.1f} s for {sizes.leaves:,} leaves, of {limit:g} s",
            seconds / limit,
            1,
            at_most=True,
        ),
        Goal("record.inclusion", f"p95 {slow:.2f} ms of 5 ms", slow / 5, 1, at_most=True),
    ]


def _proved(record: Record, seq: int, sizes: Sizes) -> float:
    def prove() -> None:
        with record.reading() as tx:
            log.inclusion(tx, seq, sizes.leaves)

    return _timed(prove)


def ledger(url: str, name: str, sizes: Sizes) -> Goal:
    """Let eight processes charge the same scopes."""
    asked = WRITERS * sizes.charges
    limit = asked * 9 // 10
    record = opened(url)
    with record.writing() as tx:
        row = {
            "grant_id": "SC-1.v1",
            "developer": "acme",
            "state": "queued",
            "epoch": 1,
            "body": "",
        }
        rows = [{"id": f"J-{number}", **row} for number in range(asked)]
        tx.insert_all(job, rows)
        for scope in SCOPES:
            budgets.set_limit(tx, scope, limit, Event("budget.set", scope, "bench"))
    seconds = _charged_by_all(url, sizes)
    with record.reading() as tx:
        spent = [budgets.balance(tx, scope).spent for scope in SCOPES]
    record.close()
    if spent != [limit] * len(SCOPES):
        sys.exit(f"{name}: the ledger says {spent}, its limit is {limit}")
    rate = asked / seconds
    return Goal(f"record.ledger_{name}", f"{rate:,.0f} charges/s of 300", rate / 300, 1)


def _charged_by_all(url: str, sizes: Sizes) -> float:
    command = [sys.executable, "-P", str(Path(__file__)), "charge", url, str(sizes.charges)]
    folder = tempfile.TemporaryDirectory()  # stands for keys/ of a home, where its processes queue
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_HOME": folder.name}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    writers = [
        subprocess.Popen([*command, str(number)], env=env, text=True, **pipes)  # type: ignore[call-overload]
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.stdout.readline()  # it is ready

    def run() -> None:
        for writer in writers:
            writer.stdin.write(f"{FIRST_GO}\n")
            writer.stdin.flush()
        for writer in writers:
            if writer.wait() != 0:
                sys.exit("a writer failed")

    with folder:
        return _timed(run)


def charge(url: str, count: int, writer: int) -> None:
    """Charge as one of the writers does; what the limit refuses is asked for and not charged."""
    mark = Watermark(
        path=Path(tempfile.gettempdir()) / f"shuyu-bench-{os.getppid()}"
    )  # as a home has one
    record = Record.open(url, clock=now, watermark=mark)
    with record.reading() as tx:
        log.head(tx)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(writer * count, (writer + 1) * count):
        name = JobId(f"J-{number}")
        wanted = Charge(job=name, epoch=1, scopes=SCOPES, rho=1, events_json="[]")
        try:
            with record.writing() as tx:
                budgets.reserve(tx, wanted, Event("budget.reserved", name, "bench"))
        except BudgetExhaustedError:
            continue
        with record.writing() as tx:
            budgets.commit(tx, name, 1, Event("budget.spent", name, "bench"))
    record.close()


def search(url: str, name: str, sizes: Sizes) -> Goal:
    """Look through the egress log as people do."""
    record = opened(url)
    egress = runpy.run_path(str(Path(__file__).with_name("record_lines.py")))
    egress["fill"](record, sizes.lines)
    taken = [
        _asked(record, asked) for _ in range(sizes.asks) for asked in egress["mix"](sizes.lines)
    ]
    record.close()
    slow, limit = 1000 * _p95(taken), 200 * sizes.lines / 100_000
    said = f"p95 {slow:.0f} ms, median {1000 * median(taken):.1f} ms, of {limit:g} ms"
    return Goal(f"record.search_{name}", said, slow / limit, 1, at_most=True)


def _asked(record: Record, asked: Search) -> float:
    def look() -> None:
        with record.reading() as tx:
            findings.search(tx, asked)

    return _timed(look)


@contextmanager
def server() -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL that keeps what it says; give the address of a new database by its name."""
    cluster = runpy.run_path(str(ROOT / "tests" / "jobs" / "record" / "cluster.py"))
    folder = Path(tempfile.mkdtemp(prefix="shuyu-pg-"))
    first = cluster["start"](folder)  # which keeps nothing safe: the tests are in a hurry
    first.send_signal(signal.SIGINT)
    first.wait(30)
    settings = ("listen_addresses=''", f"unix_socket_directories='{folder}'", "max_connections=100")
    (folder / "data" / "postgresql.auto.conf").write_text("\n".join((*settings, "")))
    found = cluster["Cluster"](folder)
    command = [f"{cluster['programs']()}/postgres", "-D", str(folder / "data")]
    process = subprocess.Popen(cluster["_as_owner"](command), stderr=subprocess.DEVNULL)
    try:
        cluster["_wait"](folder)

        def database(name: str) -> str:
            found.make(name)
            return str(found.url(name))

        yield database
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= of else "\r"
        print(f"  {what}: {min(done, of):,} of {of:,}", end=end, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print the table, then one JSON line for each goal."""
    sizes = QUICK if "--quick" in sys.argv else Sizes()
    with tempfile.TemporaryDirectory(dir=ROOT) as place, server() as database:
        folder = Path(place)
        goals = append(folder, sizes) + audit(folder, sizes)
        goals.append(ledger(f"sqlite:///{folder / 'ledger.db'}", "sqlite", sizes))
        goals.append(ledger(database("ledger"), "postgresql", sizes))
        goals.append(search(f"sqlite:///{folder / 'search.db'}", "sqlite", sizes))
        goals.append(search(database("search"), "postgresql", sizes))
    for goal in goals:
        print(f"{goal.name:<28}{goal.said}")
    for goal in goals:
        print(goal.line())


if __name__ == "__main__":
    if sys.argv[1:2] == ["charge"]:
        charge(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
