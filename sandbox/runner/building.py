"""Builds an image's own layer from source and locked wheels, without a network and without running any of it.

The folder has `src/`, which becomes `/app`; and, if it likes, `requirements.lock` with a hash for every wheel, and `preload`, the
modules that its jobs import, one a line. The same folder and wheels give the same layer, byte for byte.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sandbox.errors import ImageError
from sandbox.runner.layers import Folder, Tree
from sandbox.runner.tape import Writer
from sandbox.runner.tar import Kind, Member

PACKAGES = "usr/local/lib/python3.11/dist-packages"
_PYTHON = (3, 11)
_SECONDS = 1800
_MAX_LOCK = 4 * 1024**2
_LOCKED = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._-]*\])?==[A-Za-z0-9.+!_-]+( *;[^#-]*)?( +--hash=sha256:[0-9a-f]{64})+"
)
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_LEFT_OUT = frozenset({"__pycache__", ".git"})
_PIP = (
    *(
        "install",
        "--isolated",
        "--no-index",
        "--require-hashes",
        "--only-binary=:all:",
        "--no-deps",
    ),
    *("--no-compile", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"),
    *("--implementation", "cp", "--python-version", ".".join(map(str, _PYTHON))),
)


def lay_out(source: Path, wheels: Path, root: Path) -> None:
    """Put what the layer will hold under `root`; raise `ImageError` where the folder is not as it should be."""
    if not (source / "src").is_dir():
        raise ImageError("the folder has no src/, which becomes /app")
    _copy(source / "src", root / "app")
    if (source / "requirements.lock").exists():
        _install(source / "requirements.lock", wheels, root / PACKAGES)
    if (source / "preload").exists():
        _preload(source / "preload", root / "etc" / "shuyu" / "preload")
    if sys.version_info[:2] == _PYTHON:
        _compile(root)


def write_layer(root: Path, layer: Path, *, base: Tree) -> None:
    """Write what lies under `root` as a layer over `base`: what it has of a distribution already is hidden."""
    with layer.open("wb") as file:
        writer = Writer(file)
        for member, content in sorted(_members(root, base), key=lambda each: each[0].name):
            if content is None:
                writer.add(member)
                continue
            with content.open("rb") as opened:
                writer.add(member, opened)
        writer.end()


def _copy(source: Path, target: Path) -> None:
    """Copy plain files and folders; whatever else lies there is refused, and what Python or git left is not taken."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise ImageError("the source has a link, or what is neither a file nor a folder")
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            (target / path.name).write_bytes(path.read_bytes())
            (target / path.name).chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _install(lock: Path, wheels: Path, target: Path) -> None:
    """Unpack the locked wheels; pip checks each one's hash, and runs nothing of them."""
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name) / "requirements.lock"
        plain.write_text("\n".join(_locked(lock)), encoding="utf-8")
        given = ("--find-links", str(wheels.resolve()), "--target", str(target))
        _run(
            "pip", *_PIP, *given, "--requirement", str(plain),
            why="a locked wheel is not in the folder of wheels, is for another Python or machine, or is not the one "
            "that the lock means",
        )  # fmt: skip
    for script in (target / "bin").glob("*"):
        script.unlink()


def _locked(lock: Path) -> Iterator[str]:
    """Read a lock; raise `ImageError` where a line is more than a name, a version and its hashes."""
    raw = lock.read_bytes()
    if len(raw) > _MAX_LOCK:
        raise ImageError("requirements.lock is too large")
    text = raw.decode("utf-8", "replace").replace("\\\n", " ")
    for line in text.splitlines():
        plain = re.sub(r"(^| +)#.*", "", line).strip()
        if plain and not _LOCKED.fullmatch(plain):
            raise ImageError(
                "requirements.lock has a line that is not NAME==VERSION with its --hash=sha256:…: "
                "make it by `uv pip compile --generate-hashes`"
            )
        if plain:
            yield plain


def _preload(declared: Path, target: Path) -> None:
    names = declared.read_text("utf-8", "replace").split()
    if not all(_MODULE.fullmatch(name) for name in names):
        raise ImageError("preload has a line that is no module's name")
    target.parent.mkdir(parents=True)
    target.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _compile(root: Path) -> None:
    """Write the bytecode, for the root is read-only when jobs run; a file that does not compile is for the job to meet."""
    folders = [str(root / name) for name in ("app", PACKAGES) if (root / name).exists()]
    options = (
        "-q",
        "-q",
        "-j",
        "1",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(root),
        "-p",
        "/",
    )
    _run("compileall", *options, *folders, why="")


def _run(module: str, *arguments: str, why: str) -> None:
    """Run one of this Python's own modules, with nothing of our surroundings."""
    surroundings = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "HOME": "/nonexistent",
    }
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own words; the paths are the caller's
            command, env=surroundings, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"{module} took longer than {_SECONDS} s") from error
    if why and done.returncode != 0:
        raise ImageError(why)


def _members(root: Path, base: Tree) -> Iterator[tuple[Member, Path | None]]:
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            yield Member(name=name, kind=Kind.FOLDER, mode=0o755), None
        else:
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield Member(name=name, kind=Kind.FILE, mode=mode, size=path.stat().st_size), path
    for name in _hidden(root / PACKAGES, base):
        yield Member(name=f"{PACKAGES}/{name}", kind=Kind.FILE), None


def _hidden(packages: Path, base: Tree) -> Iterator[str]:
    """Give the marks that hide what the base has of the same distributions and folders."""
    there = base.folder(PACKAGES)
    if there is None or not packages.exists():
        return
    ours = {path.name for path in packages.iterdir()}
    yield from (f"{name}/.wh..wh..opq" for name in ours if isinstance(there.get(name), Folder))
    distributions = {_distribution(name) for name in ours if name.endswith(".dist-info")}
    for name in there.keys() - ours:
        if name.endswith(".dist-info") and _distribution(name) in distributions:
            yield f".wh.{name}"


def _distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("-")[0]).lower()
