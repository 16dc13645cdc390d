"""One domain of real processes for all tests of the line, and a look for canaries after each."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.line.domain import CANARY, Domain, new_domain, until


@pytest.fixture(scope="session")
def town() -> Iterator[Domain]:
    """Run a domain whose loan scenario was approved by all its seats."""
    folder = Path(tempfile.mkdtemp(prefix="shuyu-t-"))
    domain = new_domain(folder / "d", _free_port())
    try:
        domain.start()
        domain.approve()
        yield domain
    finally:
        ours = domain.pids("")
        domain.close()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ours), seconds=10)
        if not os.environ.get("SHUYU_KEEP"):
            shutil.rmtree(folder)


@pytest.fixture
def domain(town: Domain) -> Iterator[Domain]:
    """Give the domain, and see after the test that nobody was told a canary."""
    yield town
    leaks = [name for name, told in town.told().items() if CANARY.encode() in told]
    assert leaks == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
