"""Hostile scripts in real containers: what they can see, what they can use, and what comes of it."""

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.asset import Asset
from sandbox.blocks.lane import Lane, Left, block_order, in_threads
from sandbox.blocks.reading import NOTHING
from sandbox.blocks.split import Question, Split, split
from sandbox.order import ContainerOrder
from tests.sandbox.blocks.ground import CANARY, ground, ordered, taken_in, terms
from tests.sandbox.runner.conftest import Node, containers

pytestmark = pytest.mark.engine
ASKED = terms(k=32, cpu_seconds=2, wall_seconds=100, memory_bytes=64 << 20)
LEAVE = "import os, struct, sys\ndef leave(*values): open('/out/O1.bin', 'wb').write(struct.pack(f'<{len(values)}d', *values))\n"
PEOPLE = [
    (unit, {"value": float(unit), "word": "HARM" if unit == 7 else CANARY}) for unit in range(64)
]

SEEN = """
import hashlib, json, platform, resource
shown = [sys.argv, sorted(os.environ.items()), platform.node(), os.getpid(), os.getcwd(), resource.getrlimit(resource.RLIMIT_CPU)]
for folder in ("/", "/data", "/data/PEOPLE", "/job", "/out", "/tmp", "/shuyu"):
    shown.append(sorted(os.listdir(folder)) if os.path.isdir(folder) else None)
for name in ("PEOPLE.arrow", "PEOPLE.parquet"):
    shown.append(os.stat("/data/PEOPLE/" + name).st_mtime)
shown.append(open("/proc/self/cgroup").read())
shown.append(open("/job/parameters.json").read())
leave(int(hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:12], 16))
"""
TABLES = """
found = set()
for root in ("/", "/proc/1/root/"):
    for folder, folders, names in os.walk(root):
        if folder == root:
            folders[:] = {*folders} - {"proc", "sys", "usr"}
        for name in names:
            if name.endswith((".arrow", ".parquet")):
                status = os.stat(os.path.join(folder, name))
                found.add((status.st_dev, status.st_ino))
leave(len(found))
"""


@contextmanager
def made(
    people: Asset, home: Path, node: Node, code: str
) -> Iterator[tuple[ContainerOrder, Split]]:
    order = ordered(
        people,
        image=node.images["python"],
        command=("python3", "/job/main.py"),
        code=(("main.py", (LEAVE + code).encode()),),
    )
    with split(
        Question(job=order.job, scope="SC-1", views=order.views, k=32), ground(home)
    ) as here:
        yield block_order(order, ASKED), here


def ran(node: Node, order: ContainerOrder, here: Split, blocks: int) -> list[bytes]:
    """Run some blocks on two lanes, each at once after the one before."""
    lanes = [
        Lane(
            order=order,
            folder=here.folder,
            blocks=tuple(range(at, blocks, 2)),
            begins=0,
            slot_seconds=0,
        )
        for at in range(2)
    ]
    left: list[Left] = [*in_threads(node.client.run)(lanes)]
    return [content for each in left for content in each.contents]


@pytest.fixture
def people(tmp_path: Path) -> Asset:
    return taken_in("PEOPLE", PEOPLE, home=tmp_path)


def test_all_that_a_script_is_given_is_the_same_in_every_block(
    people: Asset, tmp_path: Path, fresh_node: Node
) -> None:
    with made(people, tmp_path, fresh_node, SEEN) as (order, here):
        seen = ran(fresh_node, order, here, 4)

    assert NOTHING not in seen
    assert len(set(seen)) == 1


def test_no_script_finds_the_files_of_another_block(
    people: Asset, tmp_path: Path, fresh_node: Node
) -> None:
    with made(people, tmp_path, fresh_node, TABLES) as (order, here):
        found = ran(fresh_node, order, here, 2)
        there = list(here.folder.rglob("*.*"))

    assert found == [struct.pack("<d", 2)] * 2
    assert len(there) == 64


def test_processor_time_is_limited_and_not_that_of_the_clock(
    people: Asset, tmp_path: Path, fresh_node: Node
) -> None:
    spins = "import time\nwhile True: pass\n"
    sleeps = "import time\ntime.sleep(4)\nleave(7)\n"

    with made(people, tmp_path, fresh_node, spins) as (order, here):
        begun = time.monotonic()
        spun = ran(fresh_node, order, here, 1)
        took = time.monotonic() - begun
    with made(people, tmp_path, fresh_node, sleeps) as (order, here):
        slept = ran(fresh_node, order, here, 1)

    assert spun == [NOTHING]
    assert took < ASKED.wall_seconds
    assert slept == [struct.pack("<d", 7)]


@pytest.mark.parametrize(
    "harm",
    [
        "1 / 0",
        "os.kill(os.getpid(), 9)",
        "bytearray(1 << 30)",
        "leave(1, 2)",
        "os.symlink('/etc/passwd', '/out/O1.bin')",
        "open('/out/O2.bin', 'w').write('x'); leave(1)",
    ],
)
def test_a_block_that_does_harm_counts_as_nothing_and_the_others_stand(
    people: Asset, tmp_path: Path, fresh_node: Node, harm: str
) -> None:
    code = f"if b'HARM' in open('/data/PEOPLE/PEOPLE.arrow', 'rb').read():\n    {harm}\nelse:\n    leave(3)\n"

    with made(people, tmp_path, fresh_node, code) as (order, here):
        files = {n: here.folder / f"{n:04d}/PEOPLE/PEOPLE.arrow" for n in range(32)}
        [harmed] = [number for number, file in files.items() if b"HARM" in file.read_bytes()]
        blocks = (harmed, (harmed + 1) % 32)
        lane = Lane(order=order, folder=here.folder, blocks=blocks, begins=0, slot_seconds=0)
        [left] = in_threads(fresh_node.client.run)([lane])

    assert left.contents == (NOTHING, struct.pack("<d", 3))


def test_no_container_waited_for_a_block_and_none_is_left(
    people: Asset, tmp_path: Path, fresh_node: Node
) -> None:
    with made(people, tmp_path, fresh_node, "leave(1)") as (order, here):
        ran(fresh_node, order, here, 2)
        assert fresh_node.ready(order) == 0
        assert replace(order.limits, seconds=0) not in [
            one.limits for one in fresh_node.client.found().waiting
        ]

    assert containers(fresh_node) == set()


def test_a_block_that_was_told_its_number_would_be_seen(
    people: Asset, tmp_path: Path, fresh_node: Node
) -> None:
    with made(people, tmp_path, fresh_node, SEEN) as (order, here):
        told = [replace(order, parameters=f'{{"block": {number}}}') for number in range(2)]
        seen = [ran(fresh_node, each, here, 1) for each in told]

    assert NOTHING not in seen[0] + seen[1]
    assert seen[0] != seen[1]
