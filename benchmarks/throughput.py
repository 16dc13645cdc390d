"""How many jobs a node carries, how fast it ends them, and whether a long queue slows those who ask.

Run `benchmarks/throughput.py [SECONDS [KILLS [QUEUED]]]` as root, with $DOCKER_HOST set or an engine that images/engine.sh
finds; 30, 30 and 10,000 unless told otherwise. Rates are of small pandas jobs, two at a time, over the keeper's socket. A kill is
timed from the asker's word to the moment when the kernel holds no process in the container's control group.
"""

import json
import os
import pickle
import runpy
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sandbox.errors import EngineError
from sandbox.runner.engine import Engine

HERE = Path(__file__).parent
OVERHEAD = runpy.run_path(str(HERE / "overhead.py"))
GATEWAY = runpy.run_path(str(HERE / "gateway.py"))
AT_ONCE = 2
RATES = {"runc": 2.0, "runsc": 1.0}
"""The least jobs a second."""
KILL_SECONDS, ORPHAN_SECONDS = 1.0, 5.0
FLAT = 1.25
"""The most that a question may take with the whole queue, as a multiple of what it takes with none."""
PART = 200
"""So many questions make one figure."""
WORK = """
import sys
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
table = frame.groupby("state").agg(loans=("amount", "size"), mean=("amount", "mean"))
table.to_csv(sys.argv[2])
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(20):
    if os.fork() == 0:
        break
time.sleep(600)
"""
"""A job of 21 processes that do not listen."""


def sustained(node: Any, runtime: str, lasting: float) -> float:  # noqa: ANN401 - its own word
    """Run small jobs without a pause; return how many ended in a second."""

    def one() -> None:
        node.run(WORK, "/data/A/t.parquet", "/out/O1.csv", runtime=runtime)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: one(), range(AT_ONCE * 2)))  # what waits is made, and caches filled
        begun, done = time.monotonic(), 0
        while time.monotonic() - begun < lasting:
            list(pool.map(lambda _: one(), range(AT_ONCE * 2)))
            done += AT_ONCE * 2
    return done / (time.monotonic() - begun)


def order_of(node: Any, job: str, runtime: str) -> Any:  # noqa: ANN401 - its own word
    """Return an order for the stubborn job."""
    return OVERHEAD["ContainerOrder"](
        job=job,
        epoch=1,
        scope="benchmark",
        image=node.image,
        command=("python3", "-c", STUBBORN),
        views=(),
        outputs=(OVERHEAD["OUTPUT"],),
        limits=OVERHEAD["LIMITS"],
        runtime=runtime,
    )


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.002)


def group_of(engine: Engine, job: str) -> Path:
    """Wait until the job runs; return the file that lists the processes of its control group (version 1 or 2)."""

    def lines() -> list[str]:
        with suppress(EngineError, OSError):
            for container, _ in engine.labelled("org.shuyu.job", job):
                pid = engine.inspect(container)["State"]["Pid"]
                return Path(f"/proc/{pid}/cgroup").read_text("utf-8").splitlines() if pid else []
        return []

    until(lines)
    parted = [line.split(":", 2) for line in lines()]
    for _, kinds, path in parted:
        if "memory" in kinds.split(","):
            return Path(f"/sys/fs/cgroup/memory{path}/cgroup.procs")
    return Path(f"/sys/fs/cgroup{parted[-1][2]}/cgroup.procs")


def is_empty(group: Path) -> bool:
    try:
        return not group.read_text("utf-8")
    except OSError:
        return True  # the group itself is gone


def kills(node: Any, engine: Engine, runtime: str, count: int) -> list[float]:  # noqa: ANN401 - its own word
    """Cancel so many jobs; return how long each took to be gone, in seconds."""
    taken = []
    with ThreadPoolExecutor() as pool:
        for number in range(count):
            order = order_of(node, f"J-kill-{runtime}-{number}", runtime)
            running = pool.submit(node.client.run, order, [])
            group = group_of(engine, order.job)
            until(lambda group=group: len(group.read_text("utf-8").split()) > 1)  # type: ignore[misc]
            begun = time.monotonic()
            node.client.cancel(order.job)
            until(lambda group=group: is_empty(group))  # type: ignore[misc]
            taken.append(time.monotonic() - begun)
            running.result()
    return taken


def orphans(node: Any, engine: Engine, count: int) -> list[float]:  # noqa: ANN401 - its own word
    """Kill so many askers while their jobs run; return how long each job took to be gone, in seconds."""
    taken = []
    for number in range(count):
        order = order_of(node, f"J-orphan-{number}", "runc")
        program = "import pickle, sys; c, o = pickle.load(sys.stdin.buffer); c.run(o, [])"
        asker = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        assert asker.stdin
        asker.stdin.write(pickle.dumps((node.client, order)))
        asker.stdin.close()
        group = group_of(engine, order.job)
        asker.send_signal(signal.SIGKILL)
        begun = time.monotonic()
        asker.wait()
        until(lambda group=group: is_empty(group))  # type: ignore[misc]
        taken.append(time.monotonic() - begun)
    return taken


def queue(folder: Path, queued: int) -> Iterator[tuple[int, float, float]]:
    """Submit jobs that nobody starts; give how many wait, and the median milliseconds of submit and status then."""
    with GATEWAY["serving"]("ours", folder) as server:
        line, asked = server.line(), 0
        kept = server.submit(line)
        while asked < queued:
            submits = [timed(lambda: server.submit(line)) for _ in range(PART)]
            shows = [timed(lambda: server.status(line, kept)) for _ in range(PART)]
            asked += PART
            print(f"\r  {asked} of {queued} queued", end="", file=sys.stderr)
            yield asked, statistics.median(submits) * 1000, statistics.median(shows) * 1000
        line.close()
    print(file=sys.stderr)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def percentile(values: list[float], at: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[at - 1]


def say(benchmark: str, ratio: float, goal: float, *, met: bool) -> None:
    print(json.dumps({"benchmark": benchmark, "ratio": round(ratio, 3), "goal": goal, "met": met}))


@contextmanager
def nodes(folder: Path) -> Iterator[tuple[Any, Any]]:
    """Serve two homes: one where containers wait, one where each is made for its job."""
    image = OVERHEAD["built"]("python")["python"]
    view, serving = OVERHEAD["write_view"](folder), OVERHEAD["serving"]
    with (
        serving(folder / "warm", image, view, warm=AT_ONCE) as warm,
        serving(folder / "fresh", image, view, warm=0) as fresh,
    ):
        yield warm, fresh


def measure_node(folder: Path, lasting: float, count: int) -> None:
    """Measure rates, kills and orphans, and print each with its goal."""
    with nodes(folder) as (warm, fresh):
        engine = Engine(os.environ["DOCKER_HOST"])
        for runtime, goal in RATES.items():
            rate = sustained(warm, runtime, lasting)
            print(f"{runtime:6} {rate:8.2f} pandas jobs a second, {AT_ONCE} at a time")
            say(f"throughput.jobs_a_second_{runtime}", rate / goal, 1.0, met=rate >= goal)
        for runtime in RATES:
            ended = kills(fresh, engine, runtime, count)
            figures = {f"p{at}": round(percentile(ended, at), 3) for at in (50, 99)}
            print(f"{runtime:6} kill to empty control group, s: {figures}")
            ratio = figures["p99"] / KILL_SECONDS
            say(f"throughput.kill_to_empty_group_p99_{runtime}", ratio, 1.0, met=ratio <= 1)
        gone = max(orphans(fresh, engine, max(3, count // 6)))
        print(f"orphans gone, slowest: {gone:.3f} s")
        ratio = gone / ORPHAN_SECONDS
        say("throughput.orphans_gone", ratio, 1.0, met=ratio <= 1)
        engine.close()


def measure_queue(folder: Path, queued: int) -> None:
    """Measure what a question takes while the queue grows, and print it with the goals."""
    told = list(queue(folder / "queue", queued))
    print(f"{'queued':>8} {'submit ms':>10} {'status ms':>10}")
    for waiting, submit, status in told[:: max(1, len(told) // 10)]:
        print(f"{waiting:8} {submit:10.2f} {status:10.2f}")
    share = max(1, len(told) // 10)
    for name, at in (("submit", 1), ("status", 2)):
        first, last = (
            statistics.median(each[at] for each in part) for part in (told[:share], told[-share:])
        )
        goal = f"throughput.{name}_with_{queued}_queued_over_none"
        say(goal, last / first, FLAT, met=last / first <= FLAT)


def main(lasting: int, count: int, queued: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        measure_node(Path(name), lasting, count)
        measure_queue(Path(name), queued)


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*(*asked, *(30, 30, 10_000)[len(asked) :]))
