import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.proof.keys import SigningKey
from jobs.record.database import Record
from jobs.record.schema import metadata
from tests.jobs.record import cluster as clusters
from tests.jobs.record.cluster import Cluster


@dataclass
class Ticking:
    now: datetime = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a PostgreSQL cluster with a migrated database called `migrated`."""
    folder = Path(tempfile.mkdtemp(prefix="shuyu-pg-"))
    process = clusters.start(folder)
    try:
        found = Cluster(folder)
        found.make("migrated")
        _migrate(found.url("migrated"))
        yield found
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait(timeout=30)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("migrated") / "record.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated: Path, tmp_path: Path) -> str:
    shutil.copy(migrated, tmp_path / "record.db")
    return f"sqlite:///{tmp_path / 'record.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.empty("migrated", [table.name for table in metadata.sorted_tables])
    return cluster.url("migrated")


@pytest.fixture
def record(url: str) -> Iterator[Record]:
    """Give an empty record, once on SQLite and once on PostgreSQL."""
    opened = Record.open(url, clock=Ticking())
    yield opened
    opened.close()


@pytest.fixture
def sqlite_record(sqlite_url: str) -> Iterator[Record]:
    """Give an empty record where the database makes no difference to what is shown."""
    opened = Record.open(sqlite_url, clock=Ticking())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def log_key() -> SigningKey:
    return SigningKey.unsaved("shuyu.test/log")


def _migrate(url: str) -> None:
    record = Record.open(url, clock=Ticking())
    record.migrate()
    record.close()
