"""What the collector takes from an output folder, and what it refuses by kind and count."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.order import Artifact, OutputName
from sandbox.runner.collect import Odd, collect
from tests.sandbox.runner.conftest import CANARY, LIMITS

OUTPUTS = (OutputName("O1"), OutputName("O2"))


def plant_secret(folder: Path) -> None:
    (folder.parent / "secret").write_text(CANARY)


def link(folder: Path) -> None:
    (folder / "O1.txt").symlink_to(folder.parent / "secret")


def hard_link(folder: Path) -> None:
    (folder / "O1.txt").hardlink_to(folder.parent / "secret")


def two_names(folder: Path) -> None:
    (folder / "O1.txt").write_text("x")
    (folder / "O2.txt").hardlink_to(folder / "O1.txt")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "O1.txt")


def bound(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "O1.txt"))


def holes(folder: Path) -> None:
    with (folder / "O1.txt").open("wb") as file:
        file.truncate(100_000)


def setuid(folder: Path) -> None:
    (folder / "O1.txt").touch()
    (folder / "O1.txt").chmod(0o4644)


def attributes(folder: Path) -> None:
    (folder / "O1.txt").touch()
    os.setxattr(folder / "O1.txt", "user.x", b"1")


def files(*names: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        for name in names:
            (folder / name).write_text("x")

    return plant


def large(folder: Path) -> None:
    (folder / "O1.txt").write_bytes(b"x" * (LIMITS.output_bytes + 1))


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (link, (("link", 1),)),
        (hard_link, (("hard link", 1),)),
        (two_names, (("hard link", 2),)),
        (pipe, (("pipe", 1),)),
        (bound, (("socket", 1),)),
        (holes, (("file with holes", 1),)),
        (setuid, (("special mode", 1),)),
        (attributes, (("extended attributes", 1),)),
        (large, (("too many bytes", 1),)),
        (files("O1", "O1.exe", "O3.txt"), (("undeclared file", 3),)),
        (files("O1.txt", "O1.csv"), (("second file for one output", 1),)),
        (files(*"abcdef"), (("too many files", 2), ("undeclared file", 6))),
    ],
    ids=str,
)
def test_what_is_not_a_plain_declared_file_is_refused(
    tmp_path: Path, plant: Callable[[Path], None], kinds: tuple[tuple[str, int], ...]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    plant_secret(folder)
    plant(folder)

    left = collect(folder, OUTPUTS, LIMITS)

    assert left == Odd(kinds=kinds)
    assert CANARY not in left.note


def test_plain_declared_files_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "O2.parquet").write_bytes(b"\0\1")
    (tmp_path / "O1.csv").write_bytes(b"")

    left = collect(tmp_path, OUTPUTS, replace(LIMITS, output_files=2, output_bytes=2))

    assert left == (Artifact(OUTPUTS[0], "csv", b""), Artifact(OUTPUTS[1], "parquet", b"\0\1"))


def test_an_empty_folder_leaves_nothing(tmp_path: Path) -> None:
    assert collect(tmp_path, OUTPUTS, LIMITS) == ()


def test_a_folder_that_changes_while_it_is_collected_gives_nothing_that_is_not_its_own(
    tmp_path: Path,
) -> None:
    folder, stop = tmp_path / "out", threading.Event()
    folder.mkdir()
    plant_secret(folder)

    def swap() -> None:
        deeds = (link, files("O1.txt"), pipe, large, files("O1.txt"), holes)
        while not stop.is_set():
            for deed in deeds:
                (folder / "O1.txt").unlink(missing_ok=True)
                deed(folder)

    swapping = threading.Thread(target=swap)
    swapping.start()
    left, end = [], time.monotonic() + 1
    while time.monotonic() < end:
        left.append(collect(folder, OUTPUTS, LIMITS))
    stop.set()
    swapping.join()

    taken = {one.content for each in left if not isinstance(each, Odd) for one in each}
    assert {content.strip(b"x\0") for content in taken} == {b""}
    assert any(isinstance(each, Odd) for each in left)


def test_a_file_that_its_holder_keeps_from_being_opened_is_refused_and_not_waited_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "O1.txt").write_text("x")
    program = (
        "import fcntl, os, signal, sys; signal.signal(signal.SIGIO, signal.SIG_IGN);"
        "fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK);"
        "print('held', flush=True); sys.stdin.read()"
    )
    command, pipe = [sys.executable, "-c", program, str(tmp_path / "O1.txt")], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"

        left = collect(tmp_path, OUTPUTS, LIMITS)

        holder.kill()
    assert left == Odd(kinds=(("file that cannot be read", 1),))
