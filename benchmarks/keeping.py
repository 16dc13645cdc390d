"""What benchmarks that need containers share: an engine, the domain's images, and a keeper in a process of its own."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox.asset import ImageDigest
from sandbox.egress.reading import Question
from sandbox.order import Artifact
from sandbox.runner.keeper import KeeperClient, KeeperSettings
from sandbox.runner.reader import READING

IMAGES = Path(__file__).resolve().parents[1] / "images"
KEEPER = """
import pickle, sys, threading
from sandbox.runner.keeper import serve_keeper
stop = threading.Event()
settings = pickle.load(sys.stdin.buffer)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), stop.set()), daemon=True).start()
serve_keeper(settings, ready=lambda _: print("ready", flush=True), stop=stop)
"""


def built(*names: str) -> dict[str, ImageDigest]:
    """Find an engine and build the images, where they are not there yet."""
    if "DOCKER_HOST" not in os.environ:
        said = subprocess.check_output([IMAGES / "engine.sh", "up"], text=True)
        os.environ["DOCKER_HOST"] = said.strip().removeprefix("DOCKER_HOST=")
    said = subprocess.check_output([IMAGES / "build.sh", *names], text=True)
    pairs = (line.split("=", 1) for line in said.split())
    return {name: ImageDigest(digest) for name, digest in pairs}


@contextmanager
def kept(home: Path, images: Mapping[str, ImageDigest], *, warm: int) -> Iterator[KeeperClient]:
    """Serve a home of its own by a keeper that lets so many containers wait; `home` must not be there yet."""
    (home / "run").mkdir(parents=True)
    settings = KeeperSettings(home=home, engine=os.environ["DOCKER_HOST"], warm=warm)
    # A process of its own, as in a domain: the asker's turns are not the keeper's.
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER], stdin=subprocess.PIPE, stdout=-1)
    try:
        assert keeper.stdin
        assert keeper.stdout
        keeper.stdin.write(pickle.dumps(settings))
        keeper.stdin.flush()
        assert keeper.stdout.readline() == b"ready\n"
        client = KeeperClient(settings.socket)
        for name, digest in images.items():
            client.register_image(digest, name=name)
        yield client
    finally:
        keeper.communicate()


@contextmanager
def reader(home: Path, *, warm: int = 2) -> Iterator[Callable[[Artifact, Question], bytes]]:
    """Read artifacts in the reader container, as the gate of a domain does."""
    with kept(home, built("reader"), warm=warm) as client:

        def read(artifact: Artifact, question: Question) -> bytes:
            return client.read(artifact, asked=question.written(), limits=READING)

        yield read
