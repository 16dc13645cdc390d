"""What runs in Ray's processes: our own code alone, which calls its node's keeper and nothing else."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.asset import Digest
from sandbox.cluster.link import NODE
from sandbox.cluster.shadows import Spread
from sandbox.egress.inspection import Cleared, Inspected
from sandbox.errors import EngineError
from sandbox.order import Order, Outcome
from sandbox.run import Leaving, Room, examine, reopened, run
from sandbox.runner.client import KeeperClient
from sandbox.runner.contract import Found

_VIEW = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a node has to run orders with."""

    found: Found | None
    """Nothing where its keeper does not answer."""
    views: frozenset[Digest]


def run_here(order: Order, room: Room) -> Outcome:
    """Run the order on this node."""
    here = _here(room)
    return run(order, room=here, runner=KeeperClient(here.keeper))


def examine_here(leaving: Leaving, room: Room) -> Inspected:
    """Inspect on this node what a job left."""
    here = _here(room)
    return examine(leaving, room=here, runner=KeeperClient(here.keeper), shadows=Spread())


def reopen_here(leaving: Leaving, signed: Mapping[str, Digest], room: Room) -> tuple[Cleared, ...]:
    """Make the bytes that were decided on again, on this node."""
    here = _here(room)
    return reopened(leaving, signed, room=here, runner=KeeperClient(here.keeper), shadows=Spread())


def look_here(room: Room) -> Sight:
    """Say what this node has."""
    here = _here(room)
    try:
        found = KeeperClient(here.keeper).found()
    except EngineError:
        found = None
    names = (folder.name for folder in here.views.glob("*") if _VIEW.fullmatch(folder.name))
    return Sight(found=found, views=frozenset(Digest(f"sha256:{name}") for name in names))


def _here(room: Room) -> Room:
    home = os.environ.get(NODE)
    return Room.of(Path(home)) if home else room
