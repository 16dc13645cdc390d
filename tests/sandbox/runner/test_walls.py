"""What is demanded of the engine, and that an engine that does otherwise is found out."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.runner.conformity import CHECKS, conformity
from sandbox.runner.container import Bind, Cell, config
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import LIMITS

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture
def engine(engine_host: str) -> Iterator[Engine]:
    opened = Engine(engine_host)
    yield opened
    opened.close()


@pytest.fixture
def demanded(built: dict[str, ImageDigest], tmp_path: Path) -> dict[str, object]:
    cell = Cell(
        domain="walls",
        job="J-1",
        epoch=1,
        image=built["python"],
        command=("python3", "-c", "1"),
        runtime="runc",
        slot=7,
        limits=LIMITS,
        binds=(Bind(source=tmp_path, target="/job"),),
    )
    return config(cell)


def failing(engine: Engine, created: dict[str, object], demanded: dict[str, object]) -> set[str]:
    container = engine.create(created)
    try:
        return set(conformity(engine.inspect(container), demanded).failed)
    finally:
        engine.remove(container)


def test_what_the_engine_creates_is_what_was_demanded(
    engine: Engine, demanded: dict[str, object]
) -> None:
    assert failing(engine, demanded, demanded) == set()


@pytest.mark.parametrize(
    ("weaker", "check"),
    [
        ({"NetworkMode": "host"}, "no network"),
        ({"IpcMode": "host"}, "own namespaces"),
        ({"PidMode": "host"}, "own namespaces"),
        ({"ReadonlyRootfs": False}, "read-only root"),
        ({"CapAdd": ["NET_ADMIN"]}, "no capabilities"),
        ({"CapDrop": []}, "no capabilities"),
        ({"Privileged": True}, "no capabilities"),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "system calls"),
        ({"MaskedPaths": []}, "hidden paths"),
        ({"Memory": 2**30, "MemorySwap": 2**30}, "memory"),
        ({"PidsLimit": -1}, "processes and processors"),
        ({"Ulimits": []}, "open files and cores"),
        ({"Tmpfs": {}}, "scratch"),
        ({"LogConfig": {"Type": "json-file"}}, "no log"),
        ({"Binds": ["/:/host"]}, "mounts"),
        ({"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x"}]}, "nothing added"),
        ({"Runtime": "runsc"}, "runtime"),
    ],
    ids=str,
)
def test_a_container_with_a_weaker_wall_is_found_out(
    engine: Engine, demanded: dict[str, object], weaker: dict[str, object], check: str
) -> None:
    created = deepcopy(demanded)
    created["HostConfig"].update(weaker)  # type: ignore[attr-defined]

    assert check in failing(engine, created, demanded)


@pytest.mark.parametrize(
    ("other", "check"),
    [
        ({"User": "0"}, "user"),
        ({"Cmd": ["-c", "2"]}, "command"),
        ({"Image": "x"}, "image"),
        ({"OpenStdin": True}, "standard streams"),
    ],
    ids=str,
)
def test_a_container_that_runs_something_else_is_found_out(
    engine: Engine, demanded: dict[str, object], other: dict[str, object], check: str
) -> None:
    assert failing(engine, demanded, {**demanded, **other}) == {check}


def test_a_folder_into_which_the_host_could_mount_more_is_found_out(
    engine: Engine, demanded: dict[str, object]
) -> None:
    other = deepcopy(demanded)
    other["HostConfig"]["Mounts"][0]["BindOptions"]["Propagation"] = "rslave"  # type: ignore[index]

    assert failing(engine, demanded, other) == {"mounts"}


def test_a_check_that_cannot_tell_has_not_passed(demanded: dict[str, object]) -> None:
    seen = conformity({"Id": "x"}, demanded)

    assert set(seen.failed) == set(CHECKS)
