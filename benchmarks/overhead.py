"""What the walls cost: a container job against plain `docker run`, and against the same code in a bare process.

Run `benchmarks/overhead.py [ROUNDS]` as root, with $DOCKER_HOST set or an engine that images/engine.sh finds. The three
take turns in every round; a ratio is the median over the rounds of the ratio within one round.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

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
from sandbox.runner.keeper import KeeperClient, KeeperSettings, serve_keeper

IMAGES = Path(__file__).parents[1] / "images"
ROWS = 200_000
WORK = """
import sys, time
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
for _ in range(25):
    table = frame.groupby("state").agg(loans=("amount", "size"), mean=("amount", "mean"))
table.to_csv(sys.argv[2])
"""
GOALS = {"docker run": 1.25, "bare process": 1.75}
"""The most that a job through the keeper may take, as a multiple of the peer's time."""
OUTPUT = OutputTerms(
    name=OutputName("O1"),
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.SDC,
    max_rows=100,
    max_bytes=10_000,
)


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


def built() -> dict[str, ImageDigest]:
    """Find an engine and build the images, where they are not there yet."""
    if "DOCKER_HOST" not in os.environ:
        said = subprocess.check_output([IMAGES / "engine.sh", "up"], text=True)
        os.environ["DOCKER_HOST"] = said.strip().removeprefix("DOCKER_HOST=")
    said = subprocess.check_output([IMAGES / "build.sh", "python", "reader"], text=True)
    return {
        name: ImageDigest(digest) for name, digest in (line.split("=") for line in said.split())
    }


def by_keeper(client: KeeperClient, image: ImageDigest, view: Path) -> None:
    """Run the work as a job."""
    order = ContainerOrder(
        job=f"J-{time.monotonic_ns()}",
        epoch=1,
        scope="benchmark",
        image=image,
        command=("python3", "/job/work.py", "/data/A/t.parquet", "/out/O1.csv"),
        code=(("work.py", WORK.encode()),),
        views=(),
        outputs=(OUTPUT,),
        limits=Limits(
            seconds=120,
            memory_bytes=1024**3,
            cpus=float(os.cpu_count() or 1),
            processes=256,
            output_bytes=1024**2,
            output_files=4,
        ),
    )
    outcome = client.run(order, [("A", view)])
    assert outcome.ended is Ended.FINISHED, outcome.note
    assert len(outcome.artifacts) == 1


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


def seconds(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def measure(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Let all ways take turns, after one round that is not counted."""
    for work in ways.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        print(f"\r  round {number + 1} of {rounds}", end="", file=sys.stderr)
        for name, work in ways.items():
            taken[name].append(seconds(work))
    print(file=sys.stderr)
    return taken


def report(taken: dict[str, list[float]]) -> None:
    """Print the table, and one JSON line for each goal."""
    job = taken["job"]
    print(f"{'way':14} {'median s':>9} {'least s':>9} {'job / way':>10}")
    ratios = {
        name: statistics.median(a / b for a, b in zip(job, times, strict=True))
        for name, times in taken.items()
    }
    for name, times in taken.items():
        print(f"{name:14} {statistics.median(times):9.3f} {min(times):9.3f} {ratios[name]:10.2f}")
    for peer, goal in GOALS.items():
        ratio = round(ratios[peer], 3)
        line = {"benchmark": f"container job / {peer}", "ratio": ratio, "goal": goal}
        print(json.dumps({**line, "met": ratio <= goal}))


def main(rounds: int) -> None:
    images = built()
    with tempfile.TemporaryDirectory() as name:
        home, out = Path(name), Path(name) / "out"
        (home / "run").mkdir()
        out.mkdir()
        settings = KeeperSettings(home=home, engine=os.environ["DOCKER_HOST"])
        ready, stop = threading.Event(), threading.Event()
        heard = {"ready": lambda _: ready.set(), "stop": stop}
        keeper = threading.Thread(target=serve_keeper, args=(settings,), kwargs=heard)
        keeper.start()
        try:
            assert ready.wait(30)
            client, image, view = KeeperClient(settings.socket), images["python"], write_view(home)
            client.register_image(image, name="python")
            ways = {
                "job": lambda: by_keeper(client, image, view),
                "docker run": lambda: by_docker_run(image, view, out),
                "bare process": lambda: by_process(view, out),
            }
            report(measure(ways, rounds))
        finally:
            stop.set()
            keeper.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
