from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.record.database import Record
from tests.jobs.steps.town import Clock, Keys, Town


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys.fresh()


@pytest.fixture
def town(sqlite_url: str, tmp_path: Path, keys: Keys) -> Iterator[Town]:
    """Give a settled town where the database makes no difference to what is shown."""
    yield from _settled(sqlite_url, tmp_path, keys)


@pytest.fixture
def either(url: str, tmp_path: Path, keys: Keys) -> Iterator[Town]:
    """Give a settled town, once on SQLite and once on PostgreSQL."""
    yield from _settled(url, tmp_path, keys)


def _settled(url: str, folder: Path, keys: Keys) -> Iterator[Town]:
    clock = Clock()
    record = Record.open(url, clock=clock)
    town = Town(record=record, folder=folder, clock=clock, keys=keys)
    town.settle()
    yield town
    record.close()
