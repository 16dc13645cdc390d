"""What the walls cost: jobs that find a container waiting, jobs that do not, and jobs that work.

Run `benchmarks/overhead.py [ROUNDS]` as root, with $DOCKER_HOST set or an engine that images/engine.sh finds. All ways take
turns in every round; a ratio, or a difference, is taken within one round. A job that does nothing is held against the same code
in a bare Python: one that waits with the same imports done, for a job that finds a container waiting; and one that is started
for it, for a job that does not. Between two rounds there is a pause until containers wait again, and the making of them is over.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from keeping import built, kept

from sandbox.asset import ImageDigest
from sandbox.order import (
    ContainerOrder,
    Ended,
    Limits,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from sandbox.runner import shim
from sandbox.runner.keeper import KeeperClient

ROWS = 200_000
WAITING = 2
"""How many containers of each kind the keeper keeps."""
NOTHING = "import sys; open(sys.argv[1], 'w').write('x')"
WORK = """
import sys, time
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
for _ in range(25):
    table = frame.groupby("state").agg(loans=("amount", "size"), mean=("amount", "mean"))
table.to_csv(sys.argv[2])
"""
RATIOS = {"docker run": 1.25, "bare process": 1.75}
"""The most that a job that works may take, as a multiple of the peer's time."""
OVERHEADS = {
    ("waiting, runc", 50): 10,
    ("waiting, runc", 95): 40,
    ("waiting, runsc", 50): 15,
    ("waiting, runsc", 95): 60,
    ("none waiting, runc", 50): 200,
    ("none waiting, runsc", 50): 400,
}
"""The most milliseconds that a job that does nothing may take beyond its peer, by percentile."""
LIMITS = Limits(
    seconds=120,
    memory_bytes=1024**3,
    cpus=float(os.cpu_count() or 1),
    processes=256,
    output_bytes=1024**2,
    output_files=4,
)
OUTPUT = OutputTerms(
    name=OutputName("O1"),
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.SDC,
    max_rows=100,
    max_bytes=10_000,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A keeper that serves, the image of its jobs, and the data that they are given."""

    client: KeeperClient
    image: ImageDigest
    view: Path

    def run(self, code: str, *arguments: str, runtime: str = "runc") -> None:
        """Run code as a job."""
        order = ContainerOrder(
            job=f"J-{time.monotonic_ns()}",
            epoch=1,
            scope="benchmark",
            image=self.image,
            command=("python3", "/job/main.py", *arguments),
            code=(("main.py", code.encode()),),
            views=(),
            outputs=(OUTPUT,),
            limits=LIMITS,
            runtime=runtime,
        )
        outcome = self.client.run(order, [("A", self.view)])
        assert outcome.ended is Ended.FINISHED, outcome.note
        assert len(outcome.artifacts) == 1

    def rest(self) -> None:
        """Wait until as many containers wait as should, of each kind that was asked for."""
        wanted, seen = replace(LIMITS, seconds=0), self.client.found().waiting
        while any(one.count < WAITING for one in seen if one.limits == wanted):
            time.sleep(0.2)
            seen = self.client.found().waiting
        time.sleep(0.5)


class Bare:
    """A Python of this machine that has done the imports and waits, as the shim does in a container."""

    def __init__(self, folder: Path) -> None:
        """Start it, and wait until it waits."""
        self._folder = folder
        command = [sys.executable, shim.__file__, str(LIMITS.memory_bytes)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        assert self._process.stdout
        self._process.stdout.readline()

    def run(self) -> None:
        """Let it write down the code, run it, and take what it left."""
        assert self._process.stdin
        assert self._process.stdout
        script, left = self._folder / "main.py", self._folder / "O1.txt"
        script.write_text(NOTHING)
        order = {"arguments": [str(script), str(left)], "views": {}, "mark": ""}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"begun\n"
        assert self._process.stdout.readline() == b"ended 0\n"
        assert left.read_bytes() == b"x"

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()


def write_view(folder: Path) -> Path:
    """Write the data that all three read."""
    program = (
        "import pandas as pd, sys; n = int(sys.argv[2]);"
        "pd.DataFrame({'state': [f's{i % 50}' for i in range(n)], 'amount': range(n)})"
        ".to_parquet(sys.argv[1])"
    )
    view = folder / "view"
    view.mkdir()
    subprocess.run([sys.executable, "-c", program, view / "t.parquet", str(ROWS)], check=True)
    return view


def by_docker_run(image: ImageDigest, view: Path, out: Path) -> None:
    """Run the work as anybody would with Docker."""
    command = ["docker", "run", "--rm", "--user", "0", "--network", "none"]
    command += ["-v", f"{view}:/data/A:ro", "-v", f"{out}:/out", image]
    command += ["python3", "-c", WORK, "/data/A/t.parquet", "/out/O1.csv"]
    subprocess.run(command, check=True)


def by_process(view: Path, out: Path) -> None:
    """Run the work in a bare process of this machine."""
    command = [sys.executable, "-c", WORK, str(view / "t.parquet"), str(out / "O1.csv")]
    # Its bytecode is kept, as the image's is: the round that is not counted writes it.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(out.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, check=True, env=environment)


def seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


Taken = dict[str, list[float]]


def turns(ways: dict[str, Callable[[], float]], rounds: int) -> Taken:
    """Let all ways take turns, after one round that is not counted."""
    taken: Taken = {name: [] for name in ways}
    for number in range(rounds + 1):
        print(f"\r  round {number} of {rounds}", end="", file=sys.stderr)
        for name, way in ways.items():
            took = way()
            taken[name] += [took] if number else []
    print(file=sys.stderr)
    return taken


def bare_that_waits(folder: Path, node: Node) -> float:
    """Time a Python that waits: start it, and let all come to rest, before."""
    bare = Bare(folder)
    try:
        node.rest()
        return seconds(bare.run)
    finally:
        bare.end()


def measure_nothing(warm: Node, fresh: Node, out: Path, rounds: int) -> None:
    """Measure jobs that do nothing, and print the table and the goals."""
    bare = [sys.executable, "-c", NOTHING, str(out / "O1.txt")]
    docker = ["docker", "run", "--rm", "--network", "none", warm.image, "python3", "-c", "1"]

    def rested(work: Callable[[], object]) -> float:
        warm.rest()
        return seconds(work)

    def job(node: Node, runtime: str) -> float:
        return rested(lambda: node.run(NOTHING, "/out/O1.txt", runtime=runtime))

    ways = {
        "bare, waiting": lambda: bare_that_waits(out, warm),
        "bare, started": lambda: rested(lambda: subprocess.run(bare, check=True)),
        "docker run": lambda: rested(lambda: subprocess.run(docker, check=True)),
        "waiting, runc": lambda: job(warm, "runc"),
        "waiting, runsc": lambda: job(warm, "runsc"),
        "none waiting, runc": lambda: job(fresh, "runc"),
        "none waiting, runsc": lambda: job(fresh, "runsc"),
    }
    taken = turns(ways, rounds)
    print(
        f"{'a job that does nothing':24} {'p50 ms':>8} {'p95 ms':>8} {'over p50':>9} {'over p95':>9}"
    )
    over = {}
    for name, times in taken.items():
        waits = name == "bare, waiting" or name.startswith("waiting")
        peer = taken["bare, waiting" if waits else "bare, started"]
        over[name] = [a - b for a, b in zip(times, peer, strict=True)]
        figures = [percentile(of, at) * 1000 for of in (times, over[name]) for at in (50, 95)]
        print(f"{name:24} {figures[0]:8.1f} {figures[1]:8.1f} {figures[2]:9.1f} {figures[3]:9.1f}")
    for (name, at), goal in OVERHEADS.items():
        value = round(percentile(over[name], at) * 1000, 1)
        line = {
            "benchmark": f"overhead of a job, {name}, p{at}",
            "milliseconds": value,
            "goal": goal,
        }
        print(json.dumps({**line, "met": value <= goal}))


def percentile(values: list[float], at: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[at - 1]


def measure_work(node: Node, out: Path, rounds: int) -> None:
    """Measure jobs that work, and print the table and the goals."""
    ways = {
        "job": lambda: seconds(lambda: node.run(WORK, "/data/A/t.parquet", "/out/O1.csv")),
        "docker run": lambda: seconds(lambda: by_docker_run(node.image, node.view, out)),
        "bare process": lambda: seconds(lambda: by_process(node.view, out)),
    }
    taken = turns(ways, rounds)
    job = taken["job"]
    print(f"{'a job that works':24} {'median s':>9} {'least s':>9} {'job / way':>10}")
    for name, times in taken.items():
        ratio = statistics.median(a / b for a, b in zip(job, times, strict=True))
        print(f"{name:24} {statistics.median(times):9.3f} {min(times):9.3f} {ratio:10.2f}")
        if goal := RATIOS.get(name):
            line = {"benchmark": f"container job / {name}", "ratio": round(ratio, 3), "goal": goal}
            print(json.dumps({**line, "met": ratio <= goal}))


@contextmanager
def serving(home: Path, image: ImageDigest, view: Path, *, warm: int) -> Iterator[Node]:
    """Serve a home of its own."""
    with kept(home, {"python": image}, warm=warm) as client:
        yield Node(client, image, view)


def main(rounds: int) -> None:
    image = built("python")["python"]
    with tempfile.TemporaryDirectory() as name:
        home, out = Path(name), Path(name) / "out"
        out.mkdir()
        view = write_view(home)
        with serving(home / "fresh", image, view, warm=0) as fresh:
            measure_work(fresh, out, rounds)
            with serving(home / "warm", image, view, warm=WAITING) as warm:
                measure_nothing(warm, fresh, out, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
