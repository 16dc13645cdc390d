"""Jobs in real containers: what they see, how they end, and that nothing of them stays."""

import hashlib
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError, KeeperDownError
from sandbox.order import Artifact, Ended, OutputName
from sandbox.runner.engine import Engine
from sandbox.runner.keeper import KeeperClient, KeeperSettings
from sandbox.runner.places import holder
from sandbox.runner.streams import SAID_BYTES
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering, serving, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture(params=["fresh_node", "warm_node"])
def node(request: pytest.FixtureRequest) -> Node:
    given = request.getfixturevalue(request.param)
    assert isinstance(given, Node)
    return given


@pytest.fixture(autouse=True)
def _nothing_stays(node: Node) -> object:
    yield
    until(lambda: node.rooms == [], seconds=5)
    assert node.mounts == []
    assert jobs_of(node) == []


def jobs_of(node: Node, home: Path | None = None) -> list[str]:
    """The jobs of a home for which the engine has a container; one that waited bears no job's name."""
    domain = hashlib.sha256(bytes((home or node.home).resolve())).hexdigest()[:16]
    engine = Engine(node.engine)
    try:
        found = engine.labelled("org.shuyu.domain", domain)
        return [labels["org.shuyu.job"] for _, labels in found if labels["org.shuyu.epoch"] == "1"]
    finally:
        engine.close()


def started(node: Node, job: str, home: Path | None = None) -> None:
    """Wait until the job has its container, of whichever kind."""
    warm = (home or node.home) / "run" / "warm"
    until(lambda: job in jobs_of(node, home) or job in map(holder, warm.iterdir()))


def test_a_job_reads_its_view_parameters_and_code_and_leaves_a_declared_file(
    node: Node, ordered: Ordering, view: Path
) -> None:
    program = (
        "import lib.say; open('/out/O1.txt','w').write("
        "open('/data/A/t.parquet').read() + open('/job/parameters.json').read() + lib.say.word)"
    )
    code = (("lib/say.py", b"word = 'hello'"),)
    command = ("sh", "-c", f'PYTHONPATH=/job exec python3 -c "{program}"')
    order = ordered(command, code=code, parameters='{"a": 1}')

    outcome = node.client.run(order, [("A", view)])

    assert outcome.ended is Ended.FINISHED, outcome.note
    content = f'{CANARY}{{"a": 1}}hello'.encode()
    assert outcome.artifacts == (Artifact(OutputName("O1"), "txt", content),)
    assert '"no network": true' in outcome.conformity
    assert "false" not in outcome.conformity


def test_the_same_job_runs_under_gvisor(node: Node, ordered: Ordering, view: Path) -> None:
    program = "open('/out/O1.txt','w').write(open('/data/A/t.parquet').read())"

    outcome = node.client.run(ordered(program, runtime="runsc"), [("A", view)])

    assert outcome.ended is Ended.FINISHED, outcome.note
    assert [one.content.decode() for one in outcome.artifacts] == [CANARY]


@pytest.mark.parametrize(
    ("program", "ended"),
    [
        ("1/0", Ended.FAILED),
        (("no-such-command",), Ended.FAILED),
        ("import time; time.sleep(60)", Ended.TIMED_OUT),
        ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)", Ended.TIMED_OUT),
        ("bytearray(10**9)", Ended.OUT_OF_MEMORY),
        ("import os\nwhile True:\n try: os.fork()\n except OSError: pass", Ended.TIMED_OUT),
        ("f = open('/out/O1.bin', 'wb')\nwhile True: f.write(bytes(10**6))", Ended.FAILED),
        ("for n in range(100_000): open(f'/out/{n}', 'w')", Ended.FAILED),
        ("for n in range(100_000): open(f'/tmp/{n}', 'w')", Ended.FAILED),
        ("while True: print('x' * 10_000)", Ended.TIMED_OUT),
    ],
    ids=str,
)
def test_a_job_that_goes_wrong_ends_with_a_state_and_nothing_else(
    node: Node, ordered: Ordering, program: str, ended: Ended
) -> None:
    limits = replace(LIMITS, seconds=1 if ended is Ended.TIMED_OUT else 30)

    outcome = node.client.run(ordered(program, limits=limits), [])

    assert (outcome.ended, outcome.artifacts) == (ended, ()), outcome.note[-200:]
    assert outcome.seconds < limits.seconds + 5
    assert len(outcome.note.encode()) <= SAID_BYTES


def test_what_is_not_a_plain_declared_file_is_refused_by_kind_and_count_only(
    node: Node, ordered: Ordering
) -> None:
    program = (
        "import os, socket; os.chdir('/out'); open('secret.txt', 'w'); os.mkdir('O1.txt');"
        "socket.socket(socket.AF_UNIX).bind('O2.txt')"
    )

    outcome = node.client.run(ordered(program), [])

    assert (outcome.ended, outcome.artifacts) == (Ended.OUTPUT_REFUSED, ())
    assert outcome.note == "folder: 1, socket: 1, undeclared file: 1"


def test_a_cancelled_job_stops_within_a_second(node: Node, ordered: Ordering) -> None:
    order = ordered("import time; time.sleep(60)")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(node.client.run, order, [])
        started(node, order.job)
        begun = time.monotonic()

        node.client.cancel(order.job)
        stopped_in = time.monotonic() - begun

        assert running.result().ended is Ended.STOPPED
    assert stopped_in < 1


def test_a_job_whose_asker_is_killed_ends_within_five_seconds(
    node: Node, ordered: Ordering
) -> None:
    order = ordered("import time; time.sleep(60)")
    program = (
        "import pickle, sys; order, client = pickle.load(sys.stdin.buffer); client.run(order, [])"
    )
    asker = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    with asker:
        assert asker.stdin
        asker.stdin.write(pickle.dumps((order, node.client)))
        asker.stdin.close()
        started(node, order.job)

        asker.send_signal(signal.SIGKILL)
        begun = time.monotonic()
        while (jobs_of(node) or node.rooms) and time.monotonic() < begun + 10:
            time.sleep(0.05)

    assert time.monotonic() - begun < 5


def test_reaping_ends_the_jobs_that_are_not_live_and_removes_what_a_dead_keeper_left(
    node: Node, ordered: Ordering
) -> None:
    order = ordered("import time; time.sleep(60)")
    left = node.home / "run" / "rooms" / "J-dead.1"
    (left / "out").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", left / "out"], check=True)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(node.client.run, order, [])
        started(node, order.job)

        kept = node.client.reap([order.job])
        reaped = node.client.reap([])

        assert (kept, reaped) == (("J-dead",), (order.job,))
        assert running.result().ended is Ended.STOPPED


def test_a_keeper_that_is_killed_is_noticed_and_the_next_one_removes_its_jobs(
    node: Node, ordered: Ordering, tmp_path: Path, view: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=node.engine, warm=0)
    client = KeeperClient(settings.socket)
    order = ordered("import time; time.sleep(60)")
    program = (
        "import pickle, sys, threading; from sandbox.runner.keeper import serve_keeper;"
        "serve_keeper(pickle.load(sys.stdin.buffer), ready=lambda found: print('ready', flush=True),"
        "stop=threading.Event())"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([sys.executable, "-c", program], **pipes) as keeper,  # type: ignore[call-overload]
        ThreadPoolExecutor() as pool,
    ):
        keeper.stdin.write(pickle.dumps(settings))
        keeper.stdin.close()
        assert keeper.stdout.readline() == b"ready\n"
        client.register_image(order.image, name="python")
        running = pool.submit(client.run, order, [("A", view)])
        started(node, order.job, tmp_path)

        keeper.kill()

        assert isinstance(running.exception(), KeeperDownError)
    assert jobs_of(node, tmp_path) == [order.job]
    with serving(settings):
        assert jobs_of(node, tmp_path) == []
        assert list((tmp_path / "run" / "rooms").iterdir()) == []


def test_eight_jobs_run_at_once_and_each_gets_its_own(node: Node, ordered: Ordering) -> None:
    orders = [ordered(f"open('/out/O1.txt','w').write('{n}')", job=f"J-{n}") for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda order: node.client.run(order, []), orders))

    written = [one.artifacts[0].content for one in outcomes]
    assert written == [str(n).encode() for n in range(8)]


def test_a_job_cannot_see_the_file_locks_of_another(
    node: Node, ordered: Ordering, view: Path
) -> None:
    order = ordered("import fcntl; fcntl.flock(open('/data/A/t.parquet'), 6)")
    with (view / "t.parquet").open() as held, (view / "t.parquet").open() as other:
        flock(held, LOCK_EX | LOCK_NB)

        outcome = node.client.run(order, [("A", view)])

        with pytest.raises(BlockingIOError):  # the control: without a mount of its own, it is seen
            flock(other, LOCK_EX | LOCK_NB)
    assert outcome.ended is Ended.FINISHED, outcome.note


def test_an_unknown_runtime_is_refused_by_its_name(node: Node, ordered: Ordering) -> None:
    with pytest.raises(EngineDownError, match="kata"):
        node.client.run(ordered("1", runtime="kata"), [])


@pytest.mark.parametrize("image", ["shuyu/python:latest", "sha256:" + "0" * 64])
def test_an_image_that_is_not_registered_is_refused(
    node: Node, ordered: Ordering, image: str
) -> None:
    with pytest.raises(ImageError):
        node.client.run(ordered("1", image=ImageDigest(image)), [])


@pytest.mark.parametrize(
    "changes",
    [
        {"job": "../x"},
        {"command": ()},
        {"code": (("../x", b""),)},
        {"code": (("/x", b""),)},
        {"code": (("a/b/c/d/e", b""),)},
        {"code": (("a", b""), ("a/b", b""))},
        {"code": (("parameters.json", b""),)},
        {"code": (("名", b""),)},
        {"limits": replace(LIMITS, output_bytes=1024**3)},
    ],
    ids=str,
)
def test_an_order_with_odd_names_or_bounds_is_refused_before_anything_is_laid_out(
    node: Node, ordered: Ordering, changes: dict[str, object]
) -> None:
    with pytest.raises(EngineError):
        node.client.run(ordered("1", **changes), [])


def test_the_same_attempt_cannot_run_twice_at_once(node: Node, ordered: Ordering) -> None:
    order = ordered("import time; time.sleep(60)")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(node.client.run, order, [])
        started(node, order.job)

        with pytest.raises(EngineError, match="already"):
            node.client.run(order, [])

        node.client.cancel(order.job)
        assert running.result().ended is Ended.STOPPED
