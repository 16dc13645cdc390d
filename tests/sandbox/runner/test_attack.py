"""The attempts of `probe.py` against a job's walls, and the same attempts where there are none."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from sandbox.asset import ImageDigest
from sandbox.order import Ended
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROBE = Path(__file__).with_name("probe.py")
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


def test_of_all_attempts_only_benign_ones_work_inside_the_walls_and_far_more_work_without(
    node: Node, ordered: Ordering, view: Path, tmp_path: Path
) -> None:
    command = ("sh", "-c", "python3 /job/probe.py > /out/O1.txt")
    limits = replace(LIMITS, seconds=60)
    order = ordered(command, code=(("probe.py", PROBE.read_bytes()),), limits=limits)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "probe.py").write_bytes(PROBE.read_bytes())
    (bare / "t.parquet").write_text(CANARY)

    outcome = node.client.run(order, [("A", view)])
    control = leaks(unguarded(node.engine, node.images["python"], bare))

    assert outcome.ended is Ended.FINISHED, outcome.note
    said = outcome.artifacts[0].content.decode()
    assert leaks(said) <= set(BENIGN)
    assert CANARY not in said
    assert control >= WITHOUT_WALLS
    assert len(control) > 2 * len(BENIGN)
