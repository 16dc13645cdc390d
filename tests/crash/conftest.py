"""One domain of real processes beside a Ray that outlives them, and a look for canaries after each test."""

import socket
from collections.abc import Iterator

import pytest

from tests.crash.place import Place, running
from tests.crash.sample import KILLS, LONG, SEED
from tests.jobs import conftest as of_jobs
from tests.line.domain import CANARY

cluster, migrated = of_jobs.cluster, of_jobs.migrated
sqlite_url, url = of_jobs.sqlite_url, of_jobs.url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    broken = f"{'every row' if LONG else 'a sample'} and {KILLS} kills"
    terminalreporter.write_line(f"crash table: {broken}, SHUYU_SEED={SEED}")


@pytest.fixture(scope="session")
def running_place() -> Iterator[Place]:
    with running(_free_port()) as place:
        yield place


@pytest.fixture
def place(running_place: Place) -> Iterator[Place]:
    """Give the domain, and see after the test that nobody was told a canary."""
    yield running_place
    leaks = [name for name, told in running_place.domain.told().items() if CANARY.encode() in told]
    assert leaks == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
