import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.proof.keys import SigningKey
from jobs.record.database import Record
from tests.gateway.anchoring.outside import Authority, Domain, now


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "record.db"
    record = Record.open(f"sqlite:///{path}", clock=now)
    record.migrate()
    record.close()
    return path


@pytest.fixture(scope="session")
def log_key() -> SigningKey:
    return SigningKey.unsaved("shuyu.test/log")


@pytest.fixture
def domain(migrated: Path, tmp_path: Path, log_key: SigningKey) -> Iterator[Domain]:
    """Give a domain whose log is empty."""
    yield from _opened(migrated, tmp_path / "record.db", log_key)


@pytest.fixture
def twin(migrated: Path, tmp_path: Path, log_key: SigningKey) -> Iterator[Domain]:
    """Give a second log under the same key: what somebody who forks it would show."""
    yield from _opened(migrated, tmp_path / "twin.db", log_key)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("tsa") / "authority")


def _opened(migrated: Path, path: Path, key: SigningKey) -> Iterator[Domain]:
    shutil.copy(migrated, path)
    record = Record.open(f"sqlite:///{path}", clock=now)
    yield Domain(record=record, key=key)
    record.close()
