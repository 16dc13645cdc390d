"""Gate files for the tests of the privacy engine."""

from functools import partial
from pathlib import Path

import pytest

from tests.sandbox.privacy.book import Gate, write_gates


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return partial(write_gates, tmp_path)


@pytest.fixture(scope="module")
def module_gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """The same for properties, which run many examples in one test."""
    return partial(write_gates, tmp_path_factory.mktemp("gates"))
