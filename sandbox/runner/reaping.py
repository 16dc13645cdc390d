"""Removes what belongs to no job: containers by their label, folders by their name."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from sandbox.runner.container import LABEL
from sandbox.runner.engine import Engine, UnansweredError
from sandbox.runner.places import clear, holder

WARM = "_"
"""What the names of containers begin with that were made before their job; no job's name does."""


def reap_containers(engine: Engine, domain: str, kept: Collection[str]) -> set[str]:
    """Remove the containers of this domain that bear another name than these; return the jobs among them."""
    found = engine.labelled(f"{LABEL}domain", domain)
    strays = {one: labels[f"{LABEL}job"] for one, labels in found}
    strays = {one: name for one, name in strays.items() if name not in kept}
    for container in strays:
        with suppress(
            UnansweredError
        ):  # one that hangs keeps nobody from the others; it is found again
            engine.remove(container)
    return {name for name in strays.values() if not name.startswith(WARM)}


def reap_folders(folder: Path, kept: Collection[str]) -> set[str]:
    """Unmount and remove the rooms in `folder` that bear another name than these; return whose they were."""
    names = {room: room.name.rpartition(".")[0] or room.name for room in folder.iterdir()}
    strays = {room: name for room, name in names.items() if name not in kept}
    jobs = {holder(room) if name.startswith(WARM) else name for room, name in strays.items()}
    for room in strays:
        clear(room)
    return jobs - {""}
