"""Gate files for the tests of the privacy engine."""

from pathlib import Path

import pytest

from tests.sandbox.privacy.book import Gate, write_gate


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return lambda rows: write_gate(tmp_path / "gate.parquet", rows)


@pytest.fixture(scope="module")
def module_gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """The same for properties, which run many examples in one test."""
    folder = tmp_path_factory.mktemp("gates")
    return lambda rows: write_gate(folder / "gate.parquet", rows)
