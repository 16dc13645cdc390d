"""Writes what the targets gave into files that others verify without this domain."""

import re
from collections.abc import Iterable
from pathlib import Path

from gateway.anchoring.offer import Target
from jobs.record import anchors
from jobs.record.anchors import Anchor
from jobs.record.database import Record

_SUFFIXES = {"witness": "", "timestamp": ".tsr", "hub": ".receipt.json"}
_STRANGE = re.compile(r"[^\w.-]+", re.ASCII)


def export(record: Record, targets: Iterable[Target], *, folder: Path) -> tuple[Path, ...]:
    """Write the last that each target vouches for into `folder`, and return the files.

    For each size: `SIZE.checkpoint`, the note as the log signed it, over which stamps and receipts
    are; `SIZE.note`, the same with every witness's line (C2SP tlog-cosignature); a time stamp's
    response (`openssl ts -verify -data SIZE.checkpoint` reads it), and a hub's receipt. Raise
    `UnsoundError` where the evidence of one of `targets` no longer verifies: nothing is written.
    """
    with record.reading() as tx:
        found = [anchors.last_held(tx, name) for name in anchors.targets(tx)]
    held = [each for each in found if each is not None]
    known = {target.name: target for target in targets}
    for each in held:
        if each.target in known:
            known[each.target].check(each.note, each.evidence)
    return _written(_files(held), folder)


def _files(held: list[Anchor]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for each in held:
        kind, _, name = each.target.partition(":")
        note = each.note.encode()
        files[f"{each.size}.checkpoint"] = note
        if kind == "witness":
            path = f"{each.size}.note"
            files[path] = files.get(path, note) + each.evidence
        else:
            plain = _STRANGE.sub("_", name)
            files[f"{each.size}-{plain}{_SUFFIXES[kind]}"] = each.evidence
    return files


def _written(files: dict[str, bytes], folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return tuple(folder / name for name in sorted(files))
