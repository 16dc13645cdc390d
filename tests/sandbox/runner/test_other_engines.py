"""Other engines than the usual: one that remaps users and has a runtime that hangs, one that is too old, one that hangs itself."""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from typing_extensions import override

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError
from sandbox.order import Ended
from sandbox.runner.engine import Engine
from sandbox.runner.pool import Warmth
from sandbox.runner.rooms import Rooms
from tests.sandbox.runner.conftest import BUILD, CANARY, Ordering, until

SCRIPT = BUILD.with_name("engine.sh")
USERS = "daemon:10000000:262144\n"
NONE_WAIT = Warmth(each=0, total=0, memory_bytes=0, idle_seconds=0)
PATIENCE = 3.0
"""Seconds after which the tests' engine counts as hanging."""


@contextmanager
def given_ids(folder: Path) -> Iterator[None]:
    """Let a user have many ids for as long as the engine takes to read them; the host's own files stay as they are."""
    file = folder / "ids"
    file.write_text(USERS)
    for place in ("/etc/subuid", "/etc/subgid"):
        subprocess.run(["mount", "--bind", file, place], check=True)
    try:
        yield
    finally:
        for place in ("/etc/subuid", "/etc/subgid"):
            subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="module")
def private(engine_host: str, built: dict[str, ImageDigest]) -> Iterator[str]:
    """An engine of the tests' own, whose containers' root is nobody, with one image and a runtime that never answers."""
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine")
    folder = Path(tempfile.mkdtemp(prefix="shuyu-e-"))
    folder.chmod(0o711)
    (folder / "hang").write_text("#!/bin/sh\nexec sleep 1000\n")
    (folder / "hang").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    environment |= {
        "SHUYU_ENGINE": str(folder / "engine"),
        "SHUYU_USERNS": "daemon",
        "SHUYU_RUNTIMES": f'"hang": {{"path": "{folder}/hang"}}',
    }
    try:
        with given_ids(folder):
            said = subprocess.check_output([SCRIPT, "up"], env=environment, text=True)
        host = said.strip().removeprefix("DOCKER_HOST=")
        save = ["docker", "--host", engine_host, "save", built["reader"]]
        with subprocess.Popen(save, stdout=subprocess.PIPE) as saving:
            load = ["docker", "--host", host, "load"]
            subprocess.run(load, stdin=saving.stdout, check=True, capture_output=True)
        yield host
    finally:
        subprocess.run([SCRIPT, "down"], env=environment, check=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def rooms_on(host: str, image: ImageDigest | None = None, warm: int = 0) -> Iterator[Rooms]:
    with tempfile.TemporaryDirectory() as name:
        engine = Engine(host, seconds=PATIENCE)
        warmth = Warmth(each=warm, total=warm, memory_bytes=2**30, idle_seconds=60)
        rooms = Rooms(Path(name), engine, slots=4, warmth=warmth)
        rooms.open()
        if image:
            rooms.images.register(image, name="reader")
        yield rooms
        rooms.close()
        engine.close()


def left_by(engine: Engine) -> list[str]:
    return [labels["org.shuyu.job"] for _, labels in engine.labelled("org.shuyu.epoch", "1")]


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_where_the_engine_remaps_users_jobs_run_and_root_inside_is_nobody_outside(
    private: str, built: dict[str, ImageDigest], ordered: Ordering, view: Path
) -> None:
    program = (
        "import os; open('/out/O1.txt', 'w').write(open('/data/A/t.parquet').read()"
        "+ ' ' + str(os.getuid() >= 200000) + ' ' + open('/proc/self/uid_map').read())"
    )
    order = ordered(program, image=built["reader"])
    with rooms_on(private, built["reader"], warm=1) as rooms:
        fresh = rooms.run(order, [("A", view)])
        until(lambda: any(one.count for one in rooms.found().waiting), seconds=30)
        warm = rooms.run(order, [("A", view)])

    for outcome in (fresh, warm):
        assert outcome.ended is Ended.FINISHED, outcome.note
        said = outcome.artifacts[0].content.decode().split()
        assert said == [CANARY, "True", "0", "10000000", "262144"]
        assert json.loads(outcome.conformity)["CIS Docker Benchmark 1.6.0"]["5.31"] == "held"


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_of_a_runtime_that_hangs_the_job_is_given_up_and_not_the_keeper(
    private: str, built: dict[str, ImageDigest], ordered: Ordering
) -> None:
    hung = ordered("1", image=built["reader"], runtime="hang")
    well = ordered("open('/out/O1.txt', 'w')", image=built["reader"], job="J-well")
    engine = Engine(private)
    with rooms_on(private, built["reader"]) as rooms, ThreadPoolExecutor() as pool:
        begun = time.monotonic()
        given_up = pool.submit(rooms.run, hung, [])
        until(lambda: left_by(engine) == [hung.job])
        beside = rooms.run(well, [])

        outcome = given_up.result()
        took = time.monotonic() - begun

        assert beside.ended is Ended.FINISHED, beside.note
        assert outcome.ended is Ended.ENGINE_FAILED
        assert "hangs" in outcome.note
        assert took < 3 * PATIENCE
        until(lambda: left_by(engine) == [], seconds=3 * PATIENCE)
        assert rooms.reap(()) == ()
    engine.close()


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_job_in_a_runtime_that_hangs_can_be_cancelled(
    private: str, built: dict[str, ImageDigest], ordered: Ordering
) -> None:
    hung = ordered("1", image=built["reader"], runtime="hang")
    engine = Engine(private)
    with rooms_on(private, built["reader"]) as rooms, ThreadPoolExecutor() as pool:
        given_up = pool.submit(rooms.run, hung, [])
        until(lambda: left_by(engine) == [hung.job])
        time.sleep(1)  # by now it is the runtime that has it
        begun = time.monotonic()

        rooms.cancel(hung.job)

        assert given_up.result().ended in {Ended.STOPPED, Ended.ENGINE_FAILED}
        assert time.monotonic() - begun < 3 * PATIENCE
        until(lambda: left_by(engine) == [], seconds=3 * PATIENCE)
    engine.close()


IMAGE = ImageDigest("sha256:" + "1" * 64)
OLD = {
    "version": {"ApiVersion": "1.39", "Version": "18.09.1"},
    "info": {"ServerVersion": "18.09.1", "Runtimes": {"runc": {}}, "DockerRootDir": "/x"},
    "json": [],
    IMAGE: {"Id": IMAGE, "Os": "linux", "Architecture": "amd64", "Config": {}},
}


class Old(BaseHTTPRequestHandler):
    """An engine of before Docker 20.10."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        said = json.dumps(OLD[IMAGE if IMAGE in path else path.rpartition("/")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    @override
    def address_string(self) -> str:
        return ""


def test_an_engine_that_is_too_old_is_told_with_what_to_do_and_no_job_is_tried_on_it(
    ordered: Ordering,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        server = socketserver.ThreadingUnixStreamServer(f"{name}/e.sock", Old)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with rooms_on(f"unix://{name}/e.sock", IMAGE) as rooms:
            found = rooms.found()
            with pytest.raises(EngineDownError, match=r"older than Docker Engine 20\.10"):
                rooms.run(ordered("1", image=IMAGE), [])
        server.shutdown()
        server.server_close()

    assert (found.engine, found.runtimes) == ("", ())
    assert "20.10" in found.missing[0].what.zh
    assert found.missing[0].mend == "apt-get install docker.io"


def test_an_engine_that_takes_a_question_and_never_answers_counts_as_none() -> None:
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{name}/e.sock")
        silent.listen(64)
        engine = Engine(f"unix://{name}/e.sock", seconds=0.5)

        with pytest.raises(EngineDownError):
            engine.facts()

        engine.close()
