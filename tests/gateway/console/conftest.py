"""The console over a real record; in a browser, over a real socket of the loopback."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from gateway.governance.rules import Rules, load_rules
from tests.gateway.console.desk import Desk
from tests.gateway.console.town import Town, build, copied, furnish


@dataclass(frozen=True, slots=True)
class Model:
    """A town that was made and closed, in its folder."""

    town: Town
    folder: Path

    def opened(self, folder: Path) -> Iterator[Town]:
        fresh = copied(self.town, self.folder, there=folder)
        yield fresh
        fresh.record.close()


@pytest.fixture(scope="session")
def rules() -> Rules:
    return load_rules()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, rules: Rules) -> Mapping[str, Model]:
    """Two towns that are made once and copied for each test."""
    made = {}
    for name, furnishing in (("bare", None), ("furnished", furnish)):
        folder = tmp_path_factory.mktemp(name)
        town = build(folder, rules)
        if furnishing:
            furnishing(town)
        town.record.close()
        made[name] = Model(town, folder)
    return made


@pytest.fixture
def bare(models: Mapping[str, Model], tmp_path: Path) -> Iterator[Town]:
    """A town in which nothing has happened yet."""
    yield from models["bare"].opened(tmp_path)


@pytest.fixture
def town(models: Mapping[str, Model], tmp_path: Path) -> Iterator[Town]:
    """A town with an approved scenario, and jobs of every end."""
    yield from models["furnished"].opened(tmp_path)


@pytest.fixture
def desk(town: Town) -> Desk:
    return Desk(town)


@pytest.fixture
def address(town: Town) -> Iterator[str]:
    """The address of the console, served by uvicorn on the loopback."""
    config = uvicorn.Config(town.app, host="127.0.0.1", port=0, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield chromium
        chromium.close()
