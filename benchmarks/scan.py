"""How fast a job reads: a scan and a group-by over a large Arrow view, in a container and bare.

Run `benchmarks/scan.py [MIB [ROUNDS]]` as root, with $DOCKER_HOST set or an engine that images/engine.sh finds; 1200 MiB and
5 rounds unless told otherwise. The same program times the same work in a bare Python of this machine and in a job under each
runtime, taking turns; the ratio is the bare time over the job's, within one round. Starting and importing are not the work:
benchmarks/overhead.py measures those. The view lies in the page cache before the first round, for all alike.

The bare Python runs in a control group of its own beside the containers'. Else a busy machine would weigh all containers together
as it weighs one of its other processes (docs/deploy/hosts.md), and the ratio would tell of its load and not of the walls.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from keeping import built

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
from sandbox.runner.engine import Engine
from sandbox.runner.pool import Warmth
from sandbox.runner.rooms import Rooms

MIB = 1024**2
ROW_BYTES = 20
"""A state of 4 bytes, an amount and an id of 8 each."""
BATCH = 1_000_000
JOIN = 'echo $$ >"$0"; exec "$@"'
PARENTS = ("/sys/fs/cgroup/cpu/docker", "/sys/fs/cgroup/docker", "/sys/fs/cgroup/system.slice")
"""Where the engine's containers have their control groups: version 1, version 2, version 2 by systemd."""
GOALS = {"runc": 0.95, "runsc": 0.90}
"""The least share of the bare speed."""
WORK = """
import json, sys, time
import pyarrow as pa, pyarrow.compute as pc
begun, cpu = time.perf_counter(), time.process_time()
with pa.memory_map(sys.argv[1]) as source:
    table = pa.ipc.open_file(source).read_all()
    rows = pc.sum(pc.greater(table["amount"], 0.5)).as_py()
    scanned = time.perf_counter()
    groups = table.group_by("state").aggregate([("amount", "sum"), ("amount", "max"), ("id", "count")])
    ended, cpu = time.perf_counter(), time.process_time() - cpu
told = {"cpu": cpu, "scan": scanned - begun, "group-by": ended - scanned, "rows": rows, "groups": groups.num_rows}
with open(sys.argv[2], "w") as file:
    json.dump(told, file)
"""
LIMITS = Limits(
    seconds=300,
    memory_bytes=4 * 1024 * MIB,
    cpus=float(os.cpu_count() or 1),
    processes=256,
    output_bytes=MIB,
    output_files=1,
)
OUTPUT = OutputTerms(
    name=OutputName("O1"),
    form=OutputForm.REPORT,
    release=ReleaseClass.REVIEWED,
    max_rows=1,
    max_bytes=MIB,
)
Told = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """A node, its image, the view, and a folder for what is left bare."""

    rooms: Rooms
    image: ImageDigest
    view: Path
    out: Path
    group: Path
    """The control group of what runs bare."""

    def job(self, runtime: str, number: int) -> Told:
        """Run the work as a job; return what it measured itself."""
        order = ContainerOrder(
            job=f"J-{runtime}-{number}",
            epoch=1,
            scope="benchmark",
            image=self.image,
            command=("python3", "-c", WORK, "/data/A/t.arrow", "/out/O1.json"),
            views=(),
            outputs=(OUTPUT,),
            limits=LIMITS,
            runtime=runtime,
        )
        outcome = self.rooms.run(order, [("A", self.view)])
        assert outcome.ended is Ended.FINISHED, outcome.note
        told: Told = json.loads(outcome.artifacts[0].content)
        return told

    def bare(self) -> Told:
        """Run the work in a Python of this machine."""
        left = self.out / "O1.json"
        command = ["sh", "-c", JOIN, str(self.group / "cgroup.procs")]
        command += [sys.executable, "-c", WORK, str(self.view / "t.arrow"), str(left)]
        subprocess.run(command, check=True)
        told: Told = json.loads(left.read_text("utf-8"))
        return told


def write_view(folder: Path, mib: int) -> Path:
    """Write an uncompressed Arrow file of about so many MiB, as views are."""
    dice = np.random.default_rng(7)
    schema = pa.schema([("state", pa.int32()), ("amount", pa.float64()), ("id", pa.int64())])
    view = folder / "view"
    view.mkdir()
    with pa.OSFile(str(view / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for first in range(0, mib * MIB // ROW_BYTES, BATCH):
            states = dice.integers(0, 50, BATCH, dtype=np.int32)
            columns = (states, dice.random(BATCH), np.arange(first, first + BATCH))
            writer.write_batch(pa.record_batch(list(columns), schema=schema))
    return view


@contextmanager
def beside() -> Iterator[Path]:
    """Make a control group among the containers'."""
    parent = next(parent for parent in map(Path, PARENTS) if parent.is_dir())
    group = parent / f"shuyu-bench-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        group.rmdir()


def turns(ways: dict[str, Callable[[int], Told]], rounds: int) -> dict[str, list[Told]]:
    """Let all ways take turns, after one round that is not counted."""
    taken: dict[str, list[Told]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        print(f"\r  round {number} of {rounds}", end="", file=sys.stderr)
        for name, way in ways.items():
            told = way(number)
            taken[name] += [told] if number else []
    print(file=sys.stderr)
    return taken


def report(taken: dict[str, list[Told]], mib: int) -> None:
    """Print the table and the goals."""
    print(
        f"{mib} MiB of Arrow    {'scan s':>8} {'group-by s':>11} {'processor s':>12} {'of bare speed':>14}"
    )
    whole = {
        name: [each["scan"] + each["group-by"] for each in told] for name, told in taken.items()
    }
    for name, told in taken.items():
        ratio = statistics.median(
            bare / own for bare, own in zip(whole["bare"], whole[name], strict=True)
        )
        parts = [
            statistics.median(each[part] for each in told) for part in ("scan", "group-by", "cpu")
        ]
        print(f"{name:18} {parts[0]:8.2f} {parts[1]:11.2f} {parts[2]:12.2f} {ratio:14.2f}")
        if goal := GOALS.get(name):
            line = {"benchmark": f"scan and group-by, {name} / bare", "ratio": round(ratio, 3)}
            print(json.dumps({**line, "goal": goal, "met": ratio >= goal}))


def main(mib: int, rounds: int) -> None:
    image = built("python")["python"]
    with tempfile.TemporaryDirectory() as name, beside() as group:
        home, out = Path(name), Path(name) / "out"
        out.mkdir()
        none_waits = Warmth(each=0, total=0, memory_bytes=0, idle_seconds=0)
        engine = Engine(os.environ["DOCKER_HOST"])
        rooms = Rooms(home, engine, slots=2, warmth=none_waits)
        rooms.images.register(image, name="python")
        bench = Bench(rooms, image, write_view(home, mib), out, group)
        ways: dict[str, Callable[[int], Told]] = {"bare": lambda _: bench.bare()}
        for runtime in GOALS:
            ways[runtime] = lambda number, runtime=runtime: bench.job(runtime, number)  # type: ignore[misc]
        try:
            report(turns(ways, rounds), mib)
        finally:
            rooms.close()
            engine.close()


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*(*asked, *(1200, 5)[len(asked) :]))
