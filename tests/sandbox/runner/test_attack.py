"""The attempts of `probe.py` against a job's walls, and the same attempts where there are none."""

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.attack.probing import BENIGN, START
from sandbox.order import Ended
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering, containers, waiting

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROBE = Path(str(resources.files("sandbox.attack.carried").joinpath("probe.py")))
ATTEMPTS = 149
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
