from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.api.domain import Domain, Template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("template"))


@pytest.fixture
def domain(tmp_path: Path, template: Template) -> Iterator[Domain]:
    made = template.copied(tmp_path)
    yield made
    made.record.close()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, template: Template) -> Iterator[Domain]:
    """Give a domain to tests that change nothing."""
    made = template.copied(tmp_path_factory.mktemp("still"))
    yield made
    made.record.close()
