"""The Ray that a worker starts on its own machine: who reaches it, and how soon it is back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.link import Link
from sandbox.errors import ClusterDownError

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1, the same in IPv6's form, and ::1, as /proc/net/tcp writes them."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    for part in ("data", "views", "keys", "run"):
        (home / part).mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.alone", str(home)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_it_listens_on_loopback_alone(seen: dict[str, Any]) -> None:
    assert seen["listens"]
    assert set(seen["listens"]) <= LOOPBACK


def test_whoever_has_not_its_token_is_refused(seen: dict[str, Any]) -> None:
    assert seen["token"] == {"right": "answered", "wrong": "AuthenticationError"}
    assert seen["token_mode"] == "0o600"


def test_when_its_head_dies_that_is_noticed_at_once_and_the_same_process_has_one_again(
    seen: dict[str, Any],
) -> None:
    assert seen["recovery"]["noticed"] < 1
    assert seen["recovery"]["again"] < 60


def test_where_no_cluster_answers_the_message_says_what_starts_one(tmp_path: Path) -> None:
    link = Link(address="127.0.0.1:9", cpus=1, token=tmp_path / "token")

    with pytest.raises(ClusterDownError, match="shuyu node run"):
        link.open()
