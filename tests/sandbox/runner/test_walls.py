"""What is demanded of the engine, and that an engine that does otherwise is found out."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.runner.cis import BENCHMARK, ITEMS, Verdict
from sandbox.runner.conformity import CHECKS, conformity
from sandbox.runner.container import Bind, Cell, Host, config
from sandbox.runner.engine import Engine, Inspection
from tests.sandbox.runner.conftest import LIMITS

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PORTS = {"5.7", "5.8", "5.9", "5.14"}


@pytest.fixture
def engine(engine_host: str) -> Iterator[Engine]:
    opened = Engine(engine_host)
    yield opened
    opened.close()


@pytest.fixture
def demanded(cell: Cell) -> dict[str, object]:
    return config(cell)


@pytest.fixture
def cell(built: dict[str, ImageDigest], tmp_path: Path) -> Cell:
    return Cell(
        host=Host(domain="walls"),
        job="J-1",
        epoch=1,
        image=built["python"],
        command=("python3", "-c", "1"),
        runtime="runc",
        slot=7,
        limits=LIMITS,
        binds=(Bind(source=tmp_path, target="/job"),),
    )


def inspected(engine: Engine, created: dict[str, object]) -> Inspection:
    container = engine.create(created)
    try:
        return engine.inspect(container)
    finally:
        engine.remove(container)


def failing(engine: Engine, created: dict[str, object], demanded: dict[str, object]) -> set[str]:
    """Which of our own checks do not pass."""
    failed = conformity(inspected(engine, created), demanded).failed
    return {name for name in failed if not name.startswith("CIS")}


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

    broken = {f"CIS {number}" for number in ITEMS}
    assert set(seen.failed) == set(CHECKS) | broken


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
def test_every_item_of_the_cis_benchmarks_section_5_is_judged_and_none_is_broken(
    engine: Engine, demanded: dict[str, object], runtime: str
) -> None:
    demanded["HostConfig"]["Runtime"] = runtime  # type: ignore[index]

    seen = conformity(inspected(engine, demanded), demanded)

    cis = dict(seen.cis)
    assert list(cis) == [f"5.{number}" for number in range(1, 33)]
    assert {number for number, said in cis.items() if said is Verdict.HELD} == set(ITEMS)
    assert cis["5.1"] is Verdict.HOST
    assert {cis["5.27"], cis["5.28"]} == {Verdict.NOT_APPLIED}
    assert json.loads(seen.as_json())[BENCHMARK] == cis


@pytest.mark.parametrize(
    ("weaker", "broken"),
    [
        ({"CapDrop": []}, {"5.4"}),
        ({"CapAdd": ["SYS_ADMIN"]}, {"5.4"}),
        ({"Privileged": True, "SecurityOpt": None}, {"5.5", "5.22", "5.26"}),
        ({"Mounts": [{"Type": "bind", "Source": "/etc", "Target": "/x"}]}, {"5.6"}),
        ({"NetworkMode": "host"}, {"5.10", "5.30"}),
        ({"Memory": 0, "MemorySwap": 0}, {"5.11"}),
        ({"NanoCpus": 0}, {"5.12"}),
        ({"ReadonlyRootfs": False}, {"5.13"}),
        ({"RestartPolicy": {"Name": "always"}}, {"5.15"}),
        ({"PidMode": "host"}, {"5.16"}),
        ({"IpcMode": "host"}, {"5.17"}),
        ({"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x"}]}, {"5.18"}),
        ({"Ulimits": []}, {"5.19"}),
        ({"UTSMode": "host"}, {"5.21"}),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, {"5.22"}),
        ({"SecurityOpt": []}, {"5.22", "5.26"}),
        ({"CgroupParent": "/elsewhere"}, {"5.25"}),
        ({"PidsLimit": -1}, {"5.29"}),
        ({"UsernsMode": "host"}, {"5.31"}),
    ],
    ids=str,
)
def test_a_weaker_wall_breaks_its_item_even_where_it_was_demanded(
    engine: Engine, demanded: dict[str, object], weaker: dict[str, object], broken: set[str]
) -> None:
    demanded["HostConfig"].update(weaker)  # type: ignore[attr-defined]
    if "UTSMode" in weaker:
        del demanded["Hostname"]

    seen = conformity(inspected(engine, demanded), demanded)

    assert {number for number, said in seen.cis if said is Verdict.BROKEN} == broken
    assert {f"CIS {number}" for number in broken} <= set(seen.failed)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"ExecIDs": ["x"]}, {"5.23", "5.24"}),
        ({"Mounts": [{"Type": "bind", "Source": "/run/docker.sock"}]}, {"5.32"}),
        ({"Mounts": [{"Type": "bind", "Source": "/x", "Propagation": "rshared"}]}, {"5.20"}),
        ({"NetworkSettings": {"Ports": {"80/tcp": [{}]}, "Networks": {}}}, PORTS),
    ],
    ids=str,
)
def test_what_an_engine_could_say_that_is_amiss_breaks_its_item(
    engine: Engine, demanded: dict[str, object], changes: dict[str, object], broken: set[str]
) -> None:
    seen = {**inspected(engine, demanded), **changes}

    judgement = conformity(seen, demanded).cis

    assert {number for number, said in judgement if said is Verdict.BROKEN} == broken


APPARMOR, SELINUX = ("apparmor", "5.2"), ("selinux", "5.3")
LABEL = "system_u:system_r:container_t:s0:c119,c731"


@pytest.mark.parametrize(
    ("item", "held", "broken"),
    [
        (APPARMOR, {"AppArmorProfile": "docker-default"}, {"AppArmorProfile": ""}),
        (
            APPARMOR,
            {"AppArmorProfile": "docker-default"},
            {"AppArmorProfile": "unconfined"},
        ),
        (SELINUX, {"ProcessLabel": LABEL}, {"ProcessLabel": ""}),
        (SELINUX, {"ProcessLabel": LABEL}, {"ProcessLabel": "system_u:system_r:spc_t:s0"}),
    ],
)
def test_the_hosts_own_labels_are_checked_where_it_has_them(
    engine: Engine,
    demanded: dict[str, object],
    item: tuple[str, str],
    held: dict[str, str],
    broken: dict[str, str],
) -> None:
    (guard, number), seen = item, inspected(engine, demanded)

    def said(changes: dict[str, str], guards: str) -> Verdict:
        labels = {**demanded["Labels"], "org.shuyu.guards": guards}  # type: ignore[dict-item]
        return dict(conformity({**seen, **changes}, {**demanded, "Labels": labels}).cis)[number]

    assert said(held, guard) is Verdict.HELD
    assert said(broken, guard) is Verdict.BROKEN
    assert said(broken, "seccomp") is Verdict.ABSENT


def test_apparmors_profile_is_demanded_where_the_host_has_apparmor(cell: Cell) -> None:
    host = Host(domain="walls", guards=frozenset({"apparmor", "seccomp"}))

    said = config(replace(cell, host=host))["HostConfig"]["SecurityOpt"]

    assert "apparmor=docker-default" in said
    assert not any("apparmor" in one for one in config(cell)["HostConfig"]["SecurityOpt"])
