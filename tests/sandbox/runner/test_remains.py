"""What the host sees of a container's control group."""

from pathlib import Path

from sandbox.runner.remains import groups_of, processes_in

CONTAINER = "7f3a" * 16


def group(root: Path, name: str, processes: str) -> Path:
    path = root / name
    path.mkdir(parents=True)
    (path / "cgroup.procs").write_text(processes)
    return path


def test_the_processes_of_a_container_and_of_groups_below_it_are_counted_once(
    tmp_path: Path,
) -> None:
    group(tmp_path, f"pids/docker/{CONTAINER}", "11\n12\n")
    group(tmp_path, f"memory/docker/{CONTAINER}", "11\n12\n")
    group(tmp_path, f"unified/system.slice/docker-{CONTAINER}.scope/inner", "13\n")
    group(tmp_path, "pids/docker/another", "99\n")

    assert processes_in(groups_of(CONTAINER, root=tmp_path)) == 3


def test_a_group_that_is_gone_or_empty_has_none(tmp_path: Path) -> None:
    empty = group(tmp_path, f"pids/docker/{CONTAINER}", "")

    assert processes_in((empty, tmp_path / "gone")) == 0
    assert groups_of("e" * 64, root=tmp_path) == ()
