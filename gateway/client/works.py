"""Works as the wire has them: what a developer may have run, and may have priced."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.client.words import File


def query_work(sql: str, *, epsilon: str, output: str) -> dict[str, Any]:
    """Return a differentially private query."""
    return {"kind": "query", "sql": sql, "epsilon": epsilon, "output": output}


def blocks_work(
    *,
    image: str,
    command: Sequence[str],
    terms: Mapping[str, Any],
    output: str,
    code: Path | None = None,
) -> dict[str, Any]:
    """Return a program over blocks; `code` is a folder whose files are mounted at /job."""
    return {
        "kind": "blocks",
        "image": image,
        "command": list(command),
        "terms": dict(terms),
        "output": output,
        "code": coded(bundle(code) if code else ()),
    }


def training_work(terms: Mapping[str, Any], *, output: str) -> dict[str, Any]:
    """Return a training."""
    return {"kind": "train", "terms": dict(terms), "output": output}


def sample_work(
    asset: str, *, rows: int, epsilon: str, output: str, rows_per_unit: int = 1
) -> dict[str, Any]:
    """Return a synthetic sample."""
    return {
        "kind": "sample",
        "asset": asset,
        "rows": rows,
        "epsilon": epsilon,
        "rows_per_unit": rows_per_unit,
        "output": output,
    }


def coded(files: Sequence[File]) -> list[dict[str, str]]:
    """Return files as JSON carries them."""
    return [
        {"name": file.name, "content": base64.b64encode(file.content).decode()} for file in files
    ]


def bundle(folder: Path) -> tuple[File, ...]:
    """Read every plain file under `folder` but hidden ones, in the order of their names."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    named = [(path.relative_to(folder), path) for path in paths]
    return tuple(
        File(name=name.as_posix(), content=path.read_bytes())
        for name, path in named
        if not any(part.startswith((".", "__pycache__")) for part in name.parts)
    )
