"""What docs/deploy offers is sound as far as it can be told without systemd, compose and Kubernetes themselves."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli.app import COMMANDS
from sandbox.cluster.link import SYSTEM
from tests.cluster.nodes import PLACES, UNITS

DEPLOY = UNITS.parent


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text("utf-8")))


def pods() -> Iterator[dict[str, Any]]:
    (cluster,) = documents("kuberay/cluster.yaml")
    yield cluster["spec"]["headGroupSpec"]["template"]["spec"]
    yield from (group["template"]["spec"] for group in cluster["spec"]["workerGroupSpecs"])


def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8")
        for theirs, ours in PLACES.items():
            text = text.replace(theirs, ours)
        (tmp_path / unit.name).write_text(text, "utf-8")
    analyzer = Path("/usr/bin/systemd-analyze")
    if not analyzer.exists():
        pytest.skip("no systemd-analyze here")

    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        [analyzer, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )

    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "shuyu" in line]
    assert (done.returncode, said) == (0, [])


def test_every_part_of_the_compose_file_is_a_command_that_there_is() -> None:
    (compose,) = documents("multi-process/compose.yaml")

    services = compose["services"]
    assert {name: each["command"][0] for name, each in services.items()} == {
        name: name for name in ("keep", "work", "serve", "witness")
    }
    assert {each["command"][0] for each in services.values()} <= COMMANDS.keys()
    engine = [name for name, each in services.items() if "docker.sock" in str(each)]
    assert engine == ["keep"]
    assert compose["networks"]["record"] == {"internal": True}
    assert not any("ports" in each for each in services.values())


def test_the_ray_cluster_has_a_token_and_no_dashboard_and_only_keepers_hold_the_engine() -> None:
    (cluster,) = documents("kuberay/cluster.yaml")
    spec = cluster["spec"]

    assert (cluster["apiVersion"], cluster["kind"]) == ("ray.io/v1", "RayCluster")
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["rayStartParams"]["include-dashboard"] == "false"
    for pod in pods():
        volumes = {volume["name"] for volume in pod["volumes"]}
        for each in pod["containers"]:
            assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
            assert ("docker.sock" in str(each)) == (each["name"] == "keep")
            assert each["resources"]["limits"].keys() == {"cpu", "memory"}


def test_its_head_has_the_settings_of_ray_that_are_tested_here() -> None:
    (cluster,) = documents("kuberay/cluster.yaml")

    given = cluster["spec"]["headGroupSpec"]["rayStartParams"]["system-config"]

    assert yaml.safe_load(given.strip("'")) == dict(SYSTEM)


def test_the_fence_closes_both_ways_for_every_pod_of_the_cluster() -> None:
    (fence,) = documents("kuberay/fence.yaml")
    (cluster,) = documents("kuberay/cluster.yaml")
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]

    closed = fence["spec"]["podSelector"]["matchLabels"]

    assert fence["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert all(group["template"]["metadata"]["labels"] == closed for group in groups)


def test_the_program_that_the_units_start_is_there() -> None:
    assert Path(sys.executable).with_name("shuyu").exists()
