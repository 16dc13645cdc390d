"""The trainer's own modules, which lie in its image's folder; and a node whose engine has that image."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.asset import ImageDigest
from tests.sandbox.runner.conftest import BUILD, Node, settled

SOURCE = BUILD.parent / "trainer" / "src"


@pytest.fixture(scope="session")
def trainer() -> Callable[[str], Any]:
    """Give a module of the trainer that needs no torch."""
    if str(SOURCE) not in sys.path:
        sys.path.append(str(SOURCE))
    return lambda name: importlib.import_module(f"shuyu_trainer.{name}")


@pytest.fixture(scope="session")
def engine_host() -> str:
    if os.environ.get("SHUYU_NO_ENGINE") == "1":
        pytest.skip("SHUYU_NO_ENGINE=1")
    host = os.environ.get("SHUYU_DOCKER_HOST") or os.environ.get("DOCKER_HOST")
    assert host, "no container engine: export $(images/engine.sh up), or set SHUYU_NO_ENGINE=1"
    return host


@pytest.fixture(scope="session")
def node(engine_host: str) -> Iterator[Node]:
    environment = {**os.environ, "DOCKER_HOST": engine_host}
    said = subprocess.check_output([BUILD, "trainer"], env=environment, text=True)
    built = {"trainer": ImageDigest(said.strip().partition("=")[2])}
    yield from settled(engine_host, built, warm=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a view lies for the trainer, as `/data` has it."""
    (tmp_path / "BP-BOOK").mkdir()
    return tmp_path
