"""A real engine, the domain's own images, and a keeper that serves them on its own socket."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from sandbox.runner.keeper import KeeperClient, KeeperSettings, serve_keeper

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
        return list((self.home / "run" / "rooms").iterdir())


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


@pytest.fixture(scope="session")
def node(
    tmp_path_factory: pytest.TempPathFactory, engine_host: str, built: dict[str, ImageDigest]
) -> Iterator[Node]:
    home = tmp_path_factory.mktemp("home")
    (home / "run").mkdir()
    settings = KeeperSettings(home=home, engine=engine_host)
    client = KeeperClient(settings.socket)
    with serving(settings):
        for name, digest in built.items():
            client.register_image(digest, name=name)
        yield Node(home=home, engine=engine_host, client=client, images=built)


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
