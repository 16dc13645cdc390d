from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.client import Client
from tests.gateway.api.domain import Domain, Template
from tests.gateway.cli.serving import serving


@dataclass(frozen=True, slots=True)
class Served:
    """A domain behind a real socket."""

    domain: Domain
    url: str

    def client(self, who: str) -> Client:
        return Client(self.url, self.domain.tokens[who])

    def run(self, app: Typer, who: str, *words: str) -> Result:
        settings = {"SHUYU_URL": self.url, "SHUYU_TOKEN": self.domain.tokens[who], "COLUMNS": "200"}
        return CliRunner(env=settings).invoke(app, list(words))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("template"))


@pytest.fixture
def served(tmp_path: Path, template: Template) -> Iterator[Served]:
    domain = template.copied(tmp_path)
    with serving(domain.app) as url:
        yield Served(domain, url)
    domain.record.close()


@pytest.fixture
def domain(tmp_path: Path, template: Template) -> Iterator[Domain]:
    made = template.copied(tmp_path)
    yield made
    made.record.close()
