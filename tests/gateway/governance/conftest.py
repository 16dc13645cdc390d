"""An office with a real record, and the town around it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.governance.rules import Rules, load_rules
from jobs.record.database import Record
from tests.gateway.governance.town import Clock, Town, settle, town_of


@pytest.fixture(scope="session")
def rules() -> Rules:
    return load_rules()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, rules: Rules) -> Path:
    """Return the file of a record in which everybody is entered: each test gets its own copy."""
    file = tmp_path_factory.mktemp("office") / "record.db"
    record = Record.open(f"sqlite:///{file}", clock=Clock())
    record.migrate()
    settle(record, rules)
    record.close()
    return file


@pytest.fixture
def record(tmp_path: Path, settled: Path, clock: Clock) -> Iterator[Record]:
    shutil.copy(settled, tmp_path / "record.db")
    opened = Record.open(f"sqlite:///{tmp_path}/record.db", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def town(record: Record, rules: Rules, clock: Clock) -> Town:
    return town_of(record, rules, clock)


@pytest.fixture(scope="session")
def quiet_town(
    settled: Path, rules: Rules, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Return one town for every test that changes nothing."""
    file = tmp_path_factory.mktemp("quiet") / "record.db"
    shutil.copy(settled, file)
    clock = Clock()
    opened = Record.open(f"sqlite:///{file}", clock=clock)
    yield town_of(opened, rules, clock)
    opened.close()
