"""A real engine, the domain's own images, and a keeper that serves them on its own socket."""

import hashlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.order import (
    ContainerOrder,
    Limits,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from sandbox.runner.engine import Engine
from sandbox.runner.keeper import KeeperClient, KeeperSettings, serve_keeper
from sandbox.runner.places import holder

CANARY = "CANARY-7f3a9c"
LIMITS = Limits(
    seconds=30,
    memory_bytes=256 * 1024**2,
    cpus=1,
    processes=64,
    output_bytes=1024**2,
    output_files=4,
)
BUILD = Path(__file__).parents[3] / "images" / "build.sh"


def until(true: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def output(name: str) -> OutputTerms:
    return OutputTerms(
        name=OutputName(name),
        form=OutputForm.REPORT,
        release=ReleaseClass.REVIEWED,
        max_rows=10,
        max_bytes=1000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node with a keeper that serves."""

    home: Path
    engine: str
    client: KeeperClient
    images: dict[str, ImageDigest]

    @property
    def rooms(self) -> list[Path]:
        """The folders that jobs have here."""
        warm = (self.home / "run" / "warm").iterdir()
        return [*(self.home / "run" / "rooms").iterdir(), *(one for one in warm if holder(one))]

    @property
    def holders(self) -> list[str]:
        """The jobs that have something here, of whichever kind."""
        return [holder(room) or room.name.rpartition(".")[0] for room in self.rooms]

    def ready(self, order: ContainerOrder) -> int:
        """How many containers wait for such an order."""
        kind = (order.image, order.runtime, replace(order.limits, seconds=0))
        found = self.client.found().waiting
        return sum(one.count for one in found if (one.image, one.runtime, one.limits) == kind)

    @property
    def mounts(self) -> list[str]:
        """What is mounted here for jobs."""
        lines = Path("/proc/mounts").read_text().splitlines()
        return [line for line in lines if f"{self.home}/run" in line and "/data/" in line]


Ordering = Callable[..., ContainerOrder]


@pytest.fixture(scope="session")
def engine_host() -> str:
    if os.environ.get("SHUYU_NO_ENGINE") == "1":
        pytest.skip("SHUYU_NO_ENGINE=1")
    host = os.environ.get("SHUYU_DOCKER_HOST") or os.environ.get("DOCKER_HOST")
    assert host, "no container engine: export $(images/engine.sh up), or set SHUYU_NO_ENGINE=1"
    return host


@pytest.fixture(scope="session")
def built(engine_host: str) -> dict[str, ImageDigest]:
    environment = {**os.environ, "DOCKER_HOST": engine_host}
    said = subprocess.check_output([BUILD, "python", "reader"], env=environment, text=True)
    pairs = (line.split("=", 1) for line in said.split())
    return {name: ImageDigest(digest) for name, digest in pairs}


def settled(engine_host: str, built: dict[str, ImageDigest], **kept: object) -> Iterator[Node]:
    """Serve a home with the images registered; `kept` says what the keeper keeps warm."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "run").mkdir()
        settings = KeeperSettings(home=home, engine=engine_host, **kept)  # type: ignore[arg-type]
        client = KeeperClient(settings.socket)
        with serving(settings):
            for image, digest in built.items():
                client.register_image(digest, name=image)
            client.found()  # the reader is tried once, in a container of its own
            yield Node(home=home, engine=engine_host, client=client, images=built)
        assert name not in Path("/proc/mounts").read_text()


@pytest.fixture(scope="session")
def fresh_node(engine_host: str, built: dict[str, ImageDigest]) -> Iterator[Node]:
    """A node where each container is made for its job."""
    yield from settled(engine_host, built, warm=0)


@pytest.fixture(scope="session")
def warm_node(engine_host: str, built: dict[str, ImageDigest]) -> Iterator[Node]:
    """A node where containers wait for their jobs."""
    yield from settled(engine_host, built)


@pytest.fixture
def node(fresh_node: Node) -> Node:
    return fresh_node


def containers(node: Node, epoch: str = "0") -> set[str]:
    """Those of a node that wait or waited; or with another epoch, those that were made for a job."""
    domain = hashlib.sha256(bytes(node.home.resolve())).hexdigest()[:16]
    engine = Engine(node.engine)
    try:
        found = engine.labelled("org.shuyu.domain", domain)
        return {one for one, labels in found if labels["org.shuyu.epoch"] == epoch}
    finally:
        engine.close()


def waiting(node: Node, order: ContainerOrder, count: int) -> None:
    """Wait until so many containers are ready for such an order: a first job makes its key known."""
    if not node.ready(order):
        known = replace(order, job="J-known", command=("python3", "-c", "1"), code=())
        node.client.run(known, [])
    until(lambda: node.ready(order) >= count, seconds=60)


class serving:  # noqa: N801 - reads as a verb
    """Serve a home on a thread, and stop when the block ends."""

    def __init__(self, settings: KeeperSettings) -> None:
        self._ready, self._stop = threading.Event(), threading.Event()
        heard = {"ready": lambda _: self._ready.set(), "stop": self._stop}
        self._thread = threading.Thread(target=serve_keeper, args=(settings,), kwargs=heard)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(40)
        assert not self._thread.is_alive()


@pytest.fixture
def view(tmp_path: Path) -> Path:
    folder = tmp_path / "view, with: odd characters"
    folder.mkdir()
    (folder / "t.parquet").write_text(CANARY)
    return folder


@pytest.fixture
def ordered(built: dict[str, ImageDigest], request: pytest.FixtureRequest) -> Ordering:
    """Give a job of this test's own, running a line of Python or a command."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[-40:]

    def order(program: str | tuple[str, ...], **changes: object) -> ContainerOrder:
        stated: dict[str, object] = {
            "job": f"J{name}",
            "epoch": 1,
            "scope": "SC-1",
            "image": built["python"],
            "command": ("python3", "-c", program) if isinstance(program, str) else program,
            "views": (),
            "outputs": (output("O1"), output("O2")),
            "limits": LIMITS,
        }
        return ContainerOrder(**{**stated, **changes})  # type: ignore[arg-type]

    return order
