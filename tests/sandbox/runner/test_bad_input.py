"""What may be wrong with a node: each ends in a state, and says what to do."""

import ast
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox import runner
from sandbox.asset import ImageDigest
from sandbox.errors import ImageError, StorageFullError
from sandbox.order import Ended
from sandbox.runner.keeper import KeeperClient, KeeperSettings
from tests.sandbox.runner.conftest import Node, Ordering, serving, until, waiting
from tests.sandbox.runner.test_warm import without_python

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", ["fresh_node", "warm_node"])
def test_a_view_that_is_gone_fails_the_sandbox_and_not_the_job(
    request: pytest.FixtureRequest, ordered: Ordering, tmp_path: Path, kind: str
) -> None:
    node: Node = request.getfixturevalue(kind)
    order = ordered("1")
    if kind == "warm_node":
        waiting(node, order, 1)

    outcome = node.client.run(order, [("A", tmp_path / "gone")])

    assert outcome.ended is Ended.ENGINE_FAILED
    assert "a view is gone" in outcome.note
    until(lambda: node.rooms == [], seconds=5)
    assert node.client.run(order, []).ended is Ended.FINISHED


def test_an_image_that_the_engine_has_lost_is_listed_as_missing_and_runs_nothing(
    engine_host: str, ordered: Ordering, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    settings = KeeperSettings(home=tmp_path, engine=engine_host, warm=0)
    node = Node(home=tmp_path, engine=engine_host, client=KeeperClient(settings.socket), images={})
    with serving(settings):
        image = without_python(node, tmp_path)
        remove = ["docker", "--host", engine_host, "rmi", image]
        subprocess.run(remove, check=True, capture_output=True)

        found = node.client.found()

        assert found.images == ()
        assert any("bare" in one.what.en and "lost it" in one.what.en for one in found.missing)
        with pytest.raises(ImageError, match="import it again"):
            node.client.run(ordered("1", image=image), [])


def test_an_image_for_another_machine_is_not_registered(
    engine_host: str, node: Node, tmp_path: Path
) -> None:
    image = loaded(engine_host, tmp_path, "arm64")
    try:
        with pytest.raises(ImageError, match="another machine: linux/amd64 is wanted"):
            node.client.register_image(ImageDigest(image), name="other")
    finally:
        subprocess.run(["docker", "--host", engine_host, "rmi", image], check=True, stdout=-3)


def loaded(host: str, folder: Path, machine: str) -> str:
    """Load an image with one empty layer that says it is for this machine; return its id."""
    layer = bytes(10240)
    layers = {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]}
    described = {"os": "linux", "architecture": machine, "rootfs": layers, "config": {}}
    config = json.dumps({**described, "comment": str(folder)}).encode()
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"]}]
    (folder / "c.json").write_bytes(config)
    (folder / "l.tar").write_bytes(layer)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    tar = subprocess.check_output(["tar", "-c", "-C", folder, "manifest.json", "c.json", "l.tar"])
    command = ["docker", "--host", host, "load"]
    subprocess.run(command, input=tar, check=True, capture_output=True)
    return f"sha256:{sha256(config).hexdigest()}"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-R", folder], check=True)


def test_on_a_full_disk_a_job_is_not_begun_and_the_next_one_runs_once_there_is_room(
    engine_host: str, ordered: Ordering, tmp_path: Path
) -> None:
    order = ordered("1", code=(("lib.py", b"#" * 200_000),))
    with small_disk(tmp_path / "home") as home:
        (home / "run").mkdir()
        settings = KeeperSettings(home=home, engine=engine_host, warm=0)
        client = KeeperClient(settings.socket)
        with serving(settings):
            client.register_image(order.image, name="python")
            (home / "full").write_bytes(bytes(900_000))
            with pytest.raises(StorageFullError, match="full"):
                client.run(order, [])
            (home / "full").unlink()
            ended = client.run(order, []).ended
            until(lambda: not list((home / "run" / "rooms").iterdir()))

    assert ended is Ended.FINISHED


def test_no_room_of_the_runner_reads_a_clock_that_can_be_set() -> None:
    folder = Path(str(runner.__file__)).parent

    read = [
        f"{file.name}:{node.lineno}"
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"time", "time_ns", "now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"time", "datetime", "date"}
    ]

    assert read == []
