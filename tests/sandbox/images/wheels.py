"""Makes wheels, and folders that lock them."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

PROGRAM = "import treasure\nopen('/out/O1.json', 'w').write(treasure.FOUND)\n"


def wheel(folder: Path, name: str, modules: Mapping[str, str], *, version: str = "1.0") -> Path:
    """Write a wheel of pure Python (PEP 427)."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_hash(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(zipfile.ZipInfo(inside), text)
    return path


def locked(path: Path) -> str:
    name, version, *_ = path.name.split("-")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"# made by uv\n{name}=={version} \\\n    --hash=sha256:{digest}\n    # via x\n"


def folder_of(folder: Path, *wheels: Path) -> Path:
    """A folder that can be built, locking these wheels."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text(PROGRAM)
    (folder / "requirements.lock").write_text("".join(locked(each) for each in wheels))
    (folder / "preload").write_text("treasure\n")
    return folder


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
