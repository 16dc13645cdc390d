"""The attempts of `probe.py` against a job's walls, and the same attempts where there are none."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from sandbox.asset import ImageDigest
from sandbox.order import Ended
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering, containers, waiting

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROBE = Path(__file__).with_name("probe.py")
START = b"""import os, runpy
os.dup2(os.open("/out/O1.txt", os.O_CREAT | os.O_WRONLY), 1)
runpy.run_path("/job/probe.py")
"""
"""The probe in the job's own interpreter, which in a container that waited is the shim's."""
ATTEMPTS = 149
BENIGN: Mapping[str, str] = MappingProxyType(
    {
        "read /proc/1/environ": "the job's own first process: the constant environment",
        "read /proc/self/mountinfo": "names host folders of the job's own mounts, and no data",
        "read /proc/self/cgroup": "a namespace of its own: every path is /",
        "read /proc/meminfo": "the host's memory in all; sysinfo(2) says the same (a known limit)",
        "read /proc/net/arp": "a header without a line",
        "read /proc/net/unix": "the header, and sockets of its own namespace",
        "read /etc/hostname": "the constant name `sandbox`",
        "read /etc/resolv.conf": "the constant 127.0.0.1",
        "read /etc/hosts": "localhost only",
        "create /dev/shm/x": "bounded, counted as the job's memory, gone with it",
        "create /tmp/x": "bounded, counted as the job's memory, gone with it",
        "data.flock_excl": "on an overlay of the job's own: no other job sees the lock",
    }
)
WITHOUT_WALLS = {
    *("sock.AF_INET", "sock.AF_NETLINK", "sys.memfd_create", "sys.mkfifo", "create /etc/x"),
    *("read /proc/version", "read /proc/stat", "exec_from_tmp", "create /var/tmp/x"),
}


def leaks(said: str) -> set[str]:
    parted = [[part.strip() for part in line.split("|")] for line in said.splitlines()]
    assert len(parted) >= ATTEMPTS
    return {line[0] for line in parted if line[1] == "LEAK"}


def unguarded(host: str, image: ImageDigest, folder: Path) -> str:
    """Run the probe as plain `docker run` would: root, the engine's defaults, the same folders."""
    engine = Engine(host)
    binds = [f"{folder}:/job", f"{folder}:/data/A", f"{folder}:/out"]
    command = ["sh", "-c", "python3 /job/probe.py > /out/O1.txt"]
    container = engine.create(
        {"Image": image, "Cmd": command, "User": "0", "HostConfig": {"Binds": binds}}
    )
    try:
        engine.start(container)
        assert engine.ends_within(container, 60)
        return (folder / "O1.txt").read_text()
    finally:
        engine.remove(container)
        engine.close()


@pytest.mark.parametrize("kind", ["fresh_node", "warm_node"])
def test_of_all_attempts_only_benign_ones_work_inside_the_walls(
    request: pytest.FixtureRequest, ordered: Ordering, view: Path, kind: str
) -> None:
    node: Node = request.getfixturevalue(kind)
    code = (("probe.py", PROBE.read_bytes()), ("start.py", START))
    limits = replace(LIMITS, seconds=60)
    order = ordered(("python3", "/job/start.py"), code=code, limits=limits)
    if kind == "warm_node":
        waiting(node, order, 1)
    before = containers(node)

    outcome = node.client.run(order, [("A", view)])

    assert outcome.ended is Ended.FINISHED, outcome.note
    said = outcome.artifacts[0].content.decode()
    assert leaks(said) <= set(BENIGN)
    assert CANARY not in said
    assert (json.loads(outcome.conformity)["container"] in before) is (kind == "warm_node")


def test_far_more_of_them_work_without_walls(node: Node, tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_bytes(PROBE.read_bytes())
    (tmp_path / "t.parquet").write_text(CANARY)

    control = leaks(unguarded(node.engine, node.images["python"], tmp_path))

    assert control >= WITHOUT_WALLS
    assert len(control) > 2 * len(BENIGN)
