"""A domain home with a keeper that serves it, and the grounds for attempts on it."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.domain import opened
from gateway.cli.intake import enter, trust_of
from gateway.home import Home, make_home
from sandbox.asset import ImageDigest
from sandbox.attack.grounds import Grounds, grounds
from sandbox.runner.keeper import KeeperSettings, serve_keeper

BUILD = Path(__file__).parents[2] / "images" / "build.sh"
LONG = os.environ.get("SHUYU_ATTACK") == "long"


@pytest.fixture(scope="session")
def live() -> Iterator[Home]:
    """A deployment: a home with its keeper and the domain's own images."""
    if os.environ.get("SHUYU_NO_ENGINE") == "1":
        pytest.skip("SHUYU_NO_ENGINE=1")
    assert os.environ.get("DOCKER_HOST"), "no container engine: export $(images/engine.sh up)"
    said = subprocess.check_output([BUILD, "python", "reader"], text=True)
    with tempfile.TemporaryDirectory(prefix="shuyu-a-") as name:
        home = make_home(Path(name) / "d", name="live.shuyu", port=1, mode="demo")
        with opened(home), serving(home):
            for line in said.split():
                image, digest = line.split("=", 1)
                enter(home, ImageDigest(digest), name=image)
            yield home


class serving:  # noqa: N801 - reads as a verb
    """Serve a home on a thread, and stop when the block ends."""

    def __init__(self, home: Home) -> None:
        self._ready, self._stop = threading.Event(), threading.Event()
        settings = KeeperSettings(home=home.path, engine=home.engine, trust=trust_of(home))
        heard = {"ready": lambda _: self._ready.set(), "stop": self._stop}
        self._thread = threading.Thread(target=serve_keeper, args=(settings,), kwargs=heard)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)


@pytest.fixture
def ground(live: Home) -> Iterator[Grounds]:
    with grounds(live.path, live.engine) as on:
        yield on
