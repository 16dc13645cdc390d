"""Makes archives of images, sound ones and others."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.runner.examine import Examined, examine

Members = Mapping[str, bytes | tarfile.TarInfo]
NOISY = {
    "Env": ["PATH=/bin", "LD_PRELOAD=/x.so", "PYTHONSTARTUP=/x.py", "GREETING=hello"],
    "Volumes": {"/data": {}},
    "Healthcheck": {"Test": ["CMD", "/bin/x"], "Interval": 10**9},
    "Entrypoint": ["/bin/x"],
    "OnBuild": ["RUN x"],
    "ExposedPorts": {"80/tcp": {}},
    "User": "root",
}


def tarred(members: Members, *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Pack members: bytes for a file, or a header for anything else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(kind: bytes, name: str = "x", target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image that is to be packed."""

    layers: tuple[bytes, ...] = (tarred({"hello": b"hello"}),)
    architecture: str = "amd64"
    said: Mapping[str, Any] | None = None
    """What it says about how it runs."""
    diff_ids: tuple[str, ...] | None = None
    pack: Callable[[bytes], bytes] = bytes

    @property
    def config(self) -> bytes:
        true = tuple(f"sha256:{sha256(layer)}" for layer in self.layers)
        return json.dumps(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": NOISY if self.said is None else self.said,
                "rootfs": {"type": "layers", "diff_ids": self.diff_ids or true},
            }
        ).encode()

    def saved(self, *, images: int = 1) -> bytes:
        """Pack it as engines before 25 do."""
        names = [f"{sha256(layer)}/layer.tar" for layer in self.layers]
        config = f"{sha256(self.config)}.json"
        listed = [{"Config": config, "RepoTags": ["x:latest"], "Layers": names}] * images
        layers = {name: self.pack(one) for name, one in zip(names, self.layers, strict=True)}
        return tarred({**layers, config: self.config, "manifest.json": json.dumps(listed).encode()})

    def layout(self, **changes: bytes) -> dict[str, bytes]:
        """Lay it out as OCI does; `changes` replaces blobs by the first letters of their names."""
        packed = [self.pack(layer) for layer in self.layers]
        config = self.config
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "config": described(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [
                    described(one, f"application/vnd.oci.image.layer.v1.tar{self._suffix}")
                    for one in packed
                ],
            }
        ).encode()
        index = {"schemaVersion": 2, "manifests": [described(manifest, _MANIFEST)]}
        blobs = {f"blobs/sha256/{sha256(one)}": one for one in (config, manifest, *packed)}
        return {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **blobs,
            **changes,
        }

    @property
    def _suffix(self) -> str:
        return "" if self.pack is bytes else "+gzip"

    def with_layer(self, layer: bytes) -> "Image":
        return replace(self, layers=(*self.layers, layer))


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def described(content: bytes, media: str) -> dict[str, Any]:
    return {"mediaType": media, "digest": f"sha256:{sha256(content)}", "size": len(content)}


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write an OCI layout into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def brought(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def examined(tmp_path: Path, source: Path) -> Examined:
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    return examine(source, folder, name="third-party")
