"""Building an image's layer from source and locked wheels: nothing of it runs, and nothing else comes in."""

import tarfile
from pathlib import Path

import pytest

from sandbox.errors import ImageError
from sandbox.runner.building import PACKAGES, lay_out, write_layer
from sandbox.runner.layers import Tree
from tests.sandbox.images.forge import special, tarred
from tests.sandbox.images.wheels import folder_of, locked, wheel

MODULE = {"treasure/__init__.py": "FOUND = 'x'\n"}


def layer(tmp_path: Path, source: Path, name: str = "one", base: Tree | None = None) -> list[str]:
    lay_out(source, tmp_path / "wheels", tmp_path / name)
    write_layer(tmp_path / name, tmp_path / f"{name}.tar", base=base or Tree())
    with tarfile.open(tmp_path / f"{name}.tar") as tar:
        assert {(member.mtime, member.uid, member.uname) for member in tar} == {(0, 0, "")}
        return tar.getnames()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "source", wheel(tmp_path / "wheels", "treasure", MODULE))


def test_the_same_source_and_wheels_give_the_same_layer_byte_for_byte(
    tmp_path: Path, source: Path
) -> None:
    names = layer(tmp_path, source)
    layer(tmp_path, source, "another")

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "another.tar").read_bytes()
    assert {"app/main.py", "etc/shuyu/preload", f"{PACKAGES}/treasure/__init__.py"} <= set(names)
    with (tmp_path / "one.tar").open("rb") as file:
        Tree().lay(file)  # our own reader takes it too


def test_what_the_base_has_of_the_same_distribution_is_hidden(tmp_path: Path, source: Path) -> None:
    base = Tree()
    older = tarred(
        {
            f"{PACKAGES}/treasure/old.py": b"",
            f"{PACKAGES}/Treasure-0.9.dist-info/METADATA": b"",
            f"{PACKAGES}/other/x.py": b"",
        }
    )
    (tmp_path / "base.tar").write_bytes(older)
    with (tmp_path / "base.tar").open("rb") as file:
        base.lay(file)

    layer(tmp_path, source, base=base)
    with (tmp_path / "one.tar").open("rb") as file:
        base.lay(file)

    seen = {path.removeprefix(f"{PACKAGES}/") for path, _ in base.files() if "pycache" not in path}
    assert {"treasure/__init__.py", "treasure-1.0.dist-info/METADATA", "other/x.py"} <= seen
    assert not {"treasure/old.py", "Treasure-0.9.dist-info/METADATA"} & seen


@pytest.mark.parametrize(
    "line",
    [
        "treasure",
        "treasure==1.0",
        "treasure>=1.0 --hash=sha256:" + "0" * 64,
        "treasure @ file:///etc/passwd --hash=sha256:" + "0" * 64,
        "--index-url http://127.0.0.1/simple",
        "--find-links /",
        "-r /etc/passwd",
        "-e .",
        "./treasure.whl",
        "treasure==1.0 --hash=md5:" + "0" * 32,
        "treasure==1.0 --hash=sha256:" + "0" * 64 + " --config-settings=x=y",
    ],
)
def test_a_lock_with_anything_but_versions_and_hashes_is_refused(
    tmp_path: Path, source: Path, line: str
) -> None:
    with (source / "requirements.lock").open("a") as lock:
        lock.write(line)

    with pytest.raises(ImageError, match="uv pip compile --generate-hashes"):
        layer(tmp_path, source)


@pytest.mark.parametrize("change", ["altered", "missing", "only source"])
def test_a_wheel_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, source: Path, change: str
) -> None:
    (path,) = (tmp_path / "wheels").iterdir()
    if change == "altered":
        wheel(tmp_path / "wheels", "treasure", {**MODULE, "x.py": ""})
    else:
        path.unlink()
    if change == "only source":  # a source distribution would run its own build
        (tmp_path / "wheels" / "treasure-1.0.tar.gz").write_bytes(tarred({}))

    with pytest.raises(ImageError, match="locked wheel"):
        layer(tmp_path, source)


def test_a_folder_that_is_not_as_it_should_be_is_refused(tmp_path: Path, source: Path) -> None:
    (source / "preload").write_text("os; print()\n")
    with pytest.raises(ImageError, match="no module's name"):
        layer(tmp_path, source, "a")

    (source / "src" / "link").symlink_to("/etc/passwd")
    with pytest.raises(ImageError, match="link"):
        layer(tmp_path, source, "b")

    with pytest.raises(ImageError, match="no src/"):
        layer(tmp_path, tmp_path, "c")


def test_no_code_of_a_wheel_or_of_the_source_runs_while_it_is_built(
    tmp_path: Path, source: Path
) -> None:
    mark = tmp_path / "ran"
    code = f"import os; os.mkdir({str(mark)!r})\n"
    for name in ("setup.py", "main.py", "sitecustomize.py", "conftest.py"):
        (source / "src" / name).write_text(code)
    odd = {"treasure/__init__.py": code, "treasure.pth": code}
    (source / "requirements.lock").write_text(locked(wheel(tmp_path / "wheels", "treasure", odd)))

    names = layer(tmp_path, source)

    assert f"{PACKAGES}/treasure.pth" in names
    assert not mark.exists()
    exec(code)  # control
    assert mark.exists()


def test_a_link_in_the_base_is_no_folder_to_hide_things_in(tmp_path: Path, source: Path) -> None:
    base = Tree()
    link = special(tarfile.SYMTYPE, PACKAGES, target="/etc")
    (tmp_path / "base.tar").write_bytes(tarred({PACKAGES: link}))
    with (tmp_path / "base.tar").open("rb") as file:
        base.lay(file)

    layer(tmp_path, source, base=base)

    assert base.folder(PACKAGES) is None
