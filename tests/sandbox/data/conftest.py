from pathlib import Path

import pytest

from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import AssetMeta, parse_meta
from tests.sandbox.data.tables import declared, write_parquet


@pytest.fixture(scope="session")
def meta() -> AssetMeta:
    return parse_meta(declared())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def views(tmp_path: Path) -> Path:
    return tmp_path / "views"


@pytest.fixture
def loan_book(tmp_path: Path, data: Path, meta: AssetMeta) -> Asset:
    return ingest(write_parquet(tmp_path), meta, data=data)
