"""The keeper itself: who may serve, what it finds, and what happens without it or without an engine."""

import socket
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError, KeeperDownError
from sandbox.order import Artifact, OutputName
from sandbox.runner.client import address
from sandbox.runner.keeper import KeeperClient, KeeperSettings, serve_keeper
from sandbox.runner.lacking import STALE_READER
from tests.sandbox.runner.conftest import LIMITS, Node, serving


@pytest.fixture
def settings(tmp_path: Path) -> KeeperSettings:
    home = tmp_path / ("a-long-way-down-" * 8)
    (home / "run").mkdir(parents=True)
    return KeeperSettings(home=home, engine=f"unix://{tmp_path}/no-engine.sock")


def test_without_a_keeper_the_client_says_so(settings: KeeperSettings) -> None:
    with pytest.raises(KeeperDownError):
        KeeperClient(settings.socket).found()


def test_without_an_engine_the_keeper_says_what_is_missing_and_how_to_mend_it(
    settings: KeeperSettings,
) -> None:
    client = KeeperClient(settings.socket)
    with serving(settings):
        found = client.found()
        with pytest.raises(EngineDownError):
            client.reap(["J-1"])

    assert found.engine == ""
    assert [one.mend for one in found.missing] == [
        "images/engine.sh up",
        "images/build.sh python",
        "images/build.sh reader",
    ]


def test_only_one_keeper_serves_a_home_and_its_socket_is_its_users_alone(
    settings: KeeperSettings,
) -> None:
    with serving(settings):
        mode = settings.socket.stat().st_mode
        with pytest.raises(EngineError, match="another keeper"):
            serve_keeper(settings, ready=print, stop=None)  # type: ignore[arg-type]

    assert mode & 0o777 == 0o600
    assert not settings.socket.exists()


def test_noise_on_the_socket_hurts_nobody(settings: KeeperSettings) -> None:
    with serving(settings):
        for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2\0\0\0\0{}"):
            with socket.socket(socket.AF_UNIX) as connection, address(settings.socket) as path:
                connection.connect(path)
                connection.sendall(noise)

        assert KeeperClient(settings.socket).found().engine == ""


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_complete_node_lacks_nothing(node: Node) -> None:
    found = node.client.found()

    assert found.missing == ()
    assert found.engine
    assert found.cgroup in {"1", "2"}
    assert {"runc", "runsc"} <= set(found.runtimes)
    assert set(node.images.items()) <= set(found.images)


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_reading_needs_a_registered_reader(engine_host: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=engine_host)
    with serving(settings), pytest.raises(ImageError, match="reader"):
        KeeperClient(settings.socket).read(
            Artifact(OutputName("O1"), "arrow", b""), asked="{}", limits=LIMITS
        )


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_an_image_that_is_not_this_programs_reader_is_told_and_reads_nothing(
    engine_host: str, built: dict[str, ImageDigest], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=engine_host)
    client = KeeperClient(settings.socket)
    with serving(settings):
        client.register_image(built["python"], name="python")
        client.register_image(built["python"], name="reader")
        stale = client.found().missing
        with pytest.raises(ImageError, match="another version"):
            client.read(Artifact(OutputName("O1"), "csv", b"a\n"), asked="{}", limits=LIMITS)
        client.register_image(built["reader"], name="reader")

        assert stale == (STALE_READER,)
        assert client.found().missing == ()
