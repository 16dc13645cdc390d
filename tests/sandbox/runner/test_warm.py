"""Jobs in containers that waited for them: how they are taken, how they end, and what a hostile one gains."""

import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, ImageError
from sandbox.order import Artifact, ContainerOrder, Ended, Outcome, OutputName
from sandbox.runner.engine import Engine
from sandbox.runner.keeper import KeeperClient, KeeperSettings
from tests.sandbox.runner.conftest import (
    CANARY,
    LIMITS,
    Node,
    Ordering,
    containers,
    serving,
    until,
    waiting,
)

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

FILE = Artifact(OutputName("O1"), "txt", b"whole")
LEAVE = "import os, sys\nwith open('/out/O1.txt', 'w') as file: file.write('whole')\n"
SPEECH = """
same = os.fstat(1)
numbers = [int(name) for name in os.listdir('/proc/self/fd') if int(name) > 2000]
speech = max(numbers)
"""
"""How a job finds the stream on which only the shim speaks."""


def container_of(outcome: Outcome) -> str:
    said = json.loads(outcome.conformity)
    assert all(said["checks"].values())
    container = said["container"]
    assert isinstance(container, str)
    return container


def ran(node: Node, order: ContainerOrder) -> tuple[Outcome, bool]:
    """Run it, and say whether a container took it that was there before."""
    waiting(node, order, 1)
    before = containers(node)
    outcome = node.client.run(order, [])
    return outcome, bool(outcome.conformity) and container_of(outcome) in before


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
def test_a_job_is_taken_by_a_container_that_waited_and_no_second_job_is(
    warm_node: Node, ordered: Ordering, view: Path, runtime: str
) -> None:
    program = (
        "import json; open('/out/O1.txt','w').write("
        "open('/data/A/t.parquet').read() + open('/job/parameters.json').read())"
    )
    order = ordered(program, runtime=runtime, parameters='{"a": 1}')
    waiting(warm_node, order, 2)
    before = containers(warm_node)

    outcomes = [warm_node.client.run(replace(order, job=f"J-{n}"), [("A", view)]) for n in (1, 2)]

    assert [one.ended for one in outcomes] == [Ended.FINISHED] * 2, outcomes[0].note
    taken = {container_of(one) for one in outcomes}
    assert len(taken) == 2
    assert taken <= before
    assert {one.artifacts[0].content for one in outcomes} == {f'{CANARY}{{"a": 1}}'.encode()}
    until(lambda: not taken & containers(warm_node))


@pytest.mark.parametrize(
    ("program", "ended"),
    [
        (LEAVE + "os._exit(0)", Ended.FINISHED),
        (LEAVE + "os._exit(3)", Ended.FAILED),
        (LEAVE + "os.abort()", Ended.FAILED),
        (LEAVE + "os.kill(os.getpid(), 9)", Ended.FINISHED),
        (LEAVE + "os.execvp('true', ['true'])", Ended.FINISHED),
        (LEAVE + "os.execvp('false', ['false'])", Ended.FAILED),
        (LEAVE + "os.closerange(3, 4096)", Ended.FINISHED),
        (LEAVE + "os.closerange(0, 4096); os._exit(0)", Ended.FINISHED),
        (LEAVE + "if os.fork(): import time; time.sleep(0.5)", Ended.FINISHED),
        (LEAVE + "if not os.fork(): import time; time.sleep(60)", Ended.FINISHED),
        (LEAVE + "sys.stdout = sys.stderr = None", Ended.FINISHED),
        (LEAVE + "sys.exit(300)", Ended.FAILED),
        (LEAVE + SPEECH + "os.write(speech, b'nonsense\\n'); os.read(speech - 1, 1)", Ended.OUTPUT_REFUSED),
        (LEAVE + SPEECH + "os.write(speech, b'x' * 10**6); os.read(0, 1)", Ended.OUTPUT_REFUSED),
        (LEAVE + SPEECH + "os.write(speech, b'ended 0\\nended 1\\n'); os._exit(1)", Ended.FINISHED),
        (LEAVE + SPEECH + "os.write(speech, b'ended 1\\n'); import time; time.sleep(60)", Ended.FAILED),
        (LEAVE + SPEECH + "os.write(speech, b'ended'); os._exit(4)", Ended.FAILED),
        (LEAVE + "os.mkdir('/out/O2.txt')", Ended.OUTPUT_REFUSED),
    ],
    ids=lambda value: value[len(LEAVE) :] if str(value).startswith(LEAVE) else str(value),
)  # fmt: skip
def test_however_a_job_leaves_its_interpreter_it_ends_in_its_right_state(
    warm_node: Node, ordered: Ordering, program: str, ended: Ended
) -> None:
    outcome, warm = ran(warm_node, ordered(program))

    assert outcome.ended is ended, outcome.note
    assert outcome.artifacts == ((FILE,) if ended is Ended.FINISHED else ())
    assert warm


def test_what_a_job_prints_is_kept_up_to_its_end_and_its_error_without_frames_of_ours(
    warm_node: Node, ordered: Ordering
) -> None:
    program = (
        "import os, subprocess\nprint('one', flush=True)\nsubprocess.call(['echo', 'two'])\n1 / 0"
    )

    outcome, warm = ran(warm_node, ordered(program))

    assert (outcome.ended, warm) == (Ended.FAILED, True)
    assert outcome.note.startswith("one\ntwo\nTraceback (most recent call last):\n")
    assert outcome.note.endswith("ZeroDivisionError: division by zero\n")
    assert "shim" not in outcome.note


@pytest.mark.parametrize(
    "changes",
    [
        {"command": ("sh", "-c", "echo whole > /dev/null; printf whole > /out/O1.txt")},
        {"command": ("python3", "-I", "-c", LEAVE)},
        {"command": ("python3", "-m", "timeit", "-n1", "-r1", LEAVE)},
        {"command": ("python3", "/job/json.py"), "code": (("json.py", LEAVE.encode()),)},
    ],
    ids=["another program", "an option", "a module", "a module of the shim's name"],
)
def test_what_the_shim_cannot_stand_in_for_gets_a_container_of_its_own(
    warm_node: Node, ordered: Ordering, changes: dict[str, object]
) -> None:
    code = (("json.py", LEAVE.encode()),)
    order = ordered("", **{"code": code, **changes})

    outcome, warm = ran(warm_node, order)

    assert (outcome.ended, outcome.artifacts) == (Ended.FINISHED, (FILE,)), outcome.note
    assert not warm


def test_what_an_image_declares_or_else_what_jobs_usually_need_is_imported_beforehand(
    warm_node: Node, ordered: Ordering
) -> None:
    program = "import sys; open('/out/O1.txt', 'w').write(' '.join(sys.modules))"
    limits = replace(LIMITS, memory_bytes=1024**3)

    small, _ = ran(warm_node, ordered(program))
    large, warm = ran(warm_node, ordered(program, limits=limits))

    assert warm
    assert {"pandas", "pyarrow", "duckdb", "sklearn"} <= set(
        large.artifacts[0].content.decode().split()
    )
    assert b"numpy" not in small.artifacts[0].content


def test_a_keeper_that_stops_leaves_nothing_and_the_next_one_begins_with_what_was_asked_for(
    engine_host: str, ordered: Ordering, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=engine_host, warm=1)
    client, order = KeeperClient(settings.socket), ordered("1")
    node = Node(home=tmp_path, engine=engine_host, client=client, images={})
    with serving(settings):
        client.register_image(order.image, name="python")
        waiting(node, order, 1)
    assert containers(node) == set()
    assert str(tmp_path) not in Path("/proc/mounts").read_text()

    with serving(settings):
        until(lambda: node.ready(order) == 1, seconds=60)


def test_containers_whose_keeper_is_killed_are_removed_by_the_next_one(
    engine_host: str, ordered: Ordering, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=engine_host, warm=1)
    order = ordered("1")
    client = KeeperClient(settings.socket)
    node = Node(home=tmp_path, engine=engine_host, client=client, images={})
    with served_apart(settings) as keeper:
        found(keeper)
        client.register_image(order.image, name="python")
        waiting(node, order, 1)
        keeper.kill()
    left = containers(node)

    with serving(replace(settings, warm=0)):
        assert len(left) == 1
        assert containers(node) == set()
        assert list((tmp_path / "run" / "warm").iterdir()) == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def served_apart(settings: KeeperSettings, *, user: int = 0) -> subprocess.Popen[bytes]:
    """Serve a home in a process of its own; return once it serves, what it found being its first line."""
    program = (
        "import os, pickle, sys, threading; from sandbox.runner.keeper import serve_keeper;"
        f"settings = pickle.load(sys.stdin.buffer); os.setuid({user});"
        "serve_keeper(settings, ready=lambda found: print(found.slower, flush=True),"
        "stop=threading.Event())"
    )
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    keeper = subprocess.Popen(command, stdin=pipe, stdout=pipe)
    assert keeper.stdin
    pickle.dump(settings, keeper.stdin)
    keeper.stdin.close()
    return keeper


def found(keeper: subprocess.Popen[bytes]) -> str:
    """Wait until it serves; return what it said that it found."""
    assert keeper.stdout
    return keeper.stdout.readline().decode()


def test_a_host_that_cannot_mount_later_is_told_in_both_languages() -> None:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "run").mkdir()
        for folder in (home, Path(home) / "run"):
            os.chown(folder, 65534, 65534)
        settings = KeeperSettings(home=Path(home), engine="unix:///nowhere.sock")
        with served_apart(settings, user=65534) as keeper:
            said = found(keeper)
            keeper.kill()

    assert "cannot mount views into a container that runs (the room cannot be laid out" in said
    assert "每个作业另起容器" in said


class Wire:
    """A way to the engine that can be cut."""

    def __init__(self, path: Path, host: str) -> None:
        self._host, self._ends = host.removeprefix("unix://"), list[socket.socket]()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect(self._host)
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    def cut(self) -> None:
        Path(self._listener.getsockname()).unlink()
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while more := source.recv(65536):
            target.sendall(more)
        target.shutdown(socket.SHUT_WR)


def test_an_engine_that_goes_away_is_told_at_once_and_the_job_does_not_run_on(
    engine_host: str, ordered: Ordering
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "run").mkdir()
        wire = Wire(home / "e.sock", engine_host)
        settings = KeeperSettings(home=home, engine=f"unix://{home}/e.sock", warm=1)
        client = KeeperClient(settings.socket)
        node = Node(home=home, engine=engine_host, client=client, images={})
        order = ordered("import time; time.sleep(60)")
        with serving(settings), ThreadPoolExecutor() as pool:
            client.register_image(order.image, name="python")
            waiting(node, order, 1)
            before = containers(node)
            running = pool.submit(client.run, order, [])
            until(lambda: order.job in node.holders)
            time.sleep(0.5)

            wire.cut()

            assert isinstance(running.exception(timeout=5), EngineDownError)
            until(lambda: not [one for one in before if runs(node, one)])
        with serving(replace(settings, engine=engine_host, warm=0)):
            assert containers(node) == set()


def runs(node: Node, container: str) -> bool:
    engine = Engine(node.engine)
    try:
        return bool(engine.inspect(container)["State"]["Running"])
    finally:
        engine.close()


def test_an_image_without_the_interpreter_runs_its_jobs_and_is_said_to_start_them_slowly(
    warm_node: Node, ordered: Ordering, tmp_path: Path
) -> None:
    image = without_python(warm_node, tmp_path)
    order = ordered("1", image=image)

    ended = [warm_node.client.run(order, []).ended for _ in range(2)]

    assert ended == [Ended.FAILED] * 2
    until(lambda: any(image[:19] in one.en for one in warm_node.client.found().slower), seconds=30)
    assert warm_node.ready(order) == 0


def without_python(node: Node, folder: Path) -> ImageDigest:
    """Import an image that holds one file and no program."""
    engine, environment = Engine(node.engine), {**os.environ, "DOCKER_HOST": node.engine}
    (folder / "root").mkdir()
    (folder / "root" / "hello").write_text(str(folder))
    tar = subprocess.check_output(["tar", "-c", "-C", folder / "root", "."])
    said = subprocess.check_output(["docker", "import", "-"], input=tar, env=environment)
    engine.close()
    try:
        return node.client.register_image(ImageDigest(said.decode().strip()), name="bare")
    except ImageError as error:  # pragma: no cover - the engine would have to change
        raise AssertionError(said) from error
