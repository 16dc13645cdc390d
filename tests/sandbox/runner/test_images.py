"""Archives of images: what is stripped of them, and which are not taken in."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.archive import rewrite
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import Node

ODD = {
    "Env": ["PATH=/bin"],
    "Volumes": {"/data": {}},
    "Healthcheck": {"Test": ["CMD", "/bin/x"], "Interval": 10**9},
    "Entrypoint": ["/bin/x"],
    "OnBuild": ["RUN x"],
    "ExposedPorts": {"80/tcp": {}},
}


def tarred(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(kind: bytes, name: str = "x", target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return tarred({name: info})


def saved(layer: bytes, *, images: int = 1, architecture: str = "amd64") -> bytes:
    """Make an archive as `docker save` does."""
    config: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "config": ODD,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    listed = [{"Config": "c.json", "RepoTags": ["x:latest"], "Layers": ["a/layer.tar"]}] * images
    return tarred(
        {
            "manifest.json": json.dumps(listed).encode(),
            "c.json": json.dumps(config).encode(),
            "a/layer.tar": layer,
        }
    )


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (lambda: b"", "no sound archive"),
        (lambda: tarred({"manifest.json": b"[{}]"}), "no sound archive"),
        (lambda: saved(tarred({"x": b""}))[:2000], "no sound archive"),
        (lambda: saved(b"noise" * 1000), "no sound archive"),
        (lambda: saved(tarred({}), images=2), "more than one image"),
        (lambda: saved(tarred({}), architecture="arm64"), "another machine"),
        (lambda: saved(tarred({"/etc/x": b""})), "leads out"),
        (lambda: saved(tarred({"a/../../x": b""})), "leads out"),
        (lambda: saved(special(tarfile.LNKTYPE, target="../../etc/shadow")), "leads out"),
        (lambda: saved(special(tarfile.BLKTYPE)), "device"),
        (lambda: saved(special(tarfile.CHRTYPE)), "device"),
        (lambda: saved(special(tarfile.FIFOTYPE)), "pipe"),
    ],
)
def test_an_archive_that_is_not_sound_is_refused(
    tmp_path: Path, archive: Callable[[], bytes], why: str
) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(archive())

    with pytest.raises(ImageError, match=why):
        rewrite(file, tmp_path / "clean.tar")


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_an_imported_image_starts_nothing_by_itself_and_has_no_tag(
    node: Node, tmp_path: Path
) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(saved(tarred({"hello": str(tmp_path).encode()})))
    engine = Engine(node.engine)

    digest = node.client.import_image(file, name="third-party")
    seen = engine.image(digest)
    engine.close()

    assert seen is not None
    assert not seen["RepoTags"]
    assert seen["Config"]["Env"] == ["PATH=/bin"]
    assert not any(seen["Config"].get(name) for name in ODD if name != "Env")
    assert ("third-party", digest) in node.client.found().images


@pytest.mark.engine
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("digest", "name"),
    [
        ("shuyu/python:latest", "x"),
        ("python", "x"),
        ("sha256:" + "0" * 64, "x"),
        ("", "x"),
        ("sha256:" + "0" * 64, "../x"),
    ],
)
def test_an_image_is_not_registered_by_tag_or_unseen(node: Node, digest: str, name: str) -> None:
    with pytest.raises(ImageError):
        node.client.register_image(ImageDigest(digest), name=name)
