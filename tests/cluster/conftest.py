"""One domain on three nodes for all tests of the cluster, and a look for canaries after each."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster, Machine
from tests.line.domain import CANARY, new_domain

LONG = os.environ.get("SHUYU_CLUSTER") == "long"
_RAY = 21000
"""The first of the ports of the three nodes."""


@pytest.fixture(scope="session")
def three() -> Iterator[Cluster]:
    """Run a domain whose jobs go to three nodes, its loan scenario approved."""
    folder = Path(tempfile.mkdtemp(prefix="shuyu-n-"))
    domain = new_domain(folder / "d", _free_port())
    homes = (domain.home.path, folder / "n2", folder / "n3")
    machines = [Machine(home, _RAY + 100 * number) for number, home in enumerate(homes)]
    cluster = Cluster(domain, machines)
    try:
        cluster.start()
        domain.approve()
        yield cluster
    finally:
        cluster.stop()
        if not os.environ.get("SHUYU_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(three: Cluster) -> Iterator[Cluster]:
    """Give the cluster, and see after the test that nobody was told a canary."""
    yield three
    logs = {str(each.log): each.log.read_bytes() for each in three.machines}
    told = three.domain.told() | logs
    assert [name for name, said in told.items() if CANARY.encode() in said] == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
