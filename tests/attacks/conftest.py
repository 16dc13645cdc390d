from pathlib import Path

import pytest

from tests.sandbox.egress.spans.conftest import Domain


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    return Domain(tmp_path)
