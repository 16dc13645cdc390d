"""Runs blocks one after the other on one processor, each at a time that is known before and tells nothing of the others."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sandbox.blocks.preview import slot_seconds
from sandbox.blocks.reading import NOTHING
from sandbox.blocks.split import block_views
from sandbox.blocks.terms import BlocksTerms
from sandbox.errors import EngineDownError, EngineError, KeeperDownError, SandboxError
from sandbox.order import ContainerOrder, Ended, Outcome

_ATTEMPT = 1 << 31
"""Blocks of one attempt are told apart by random numbers below this."""


class BlocksStoppedError(SandboxError):
    """The job was ended from outside while its blocks ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Some of the blocks, in the order in which they run; what one Ray task is given."""

    order: ContainerOrder
    """The same for every block, to the byte."""
    folder: Path
    """Where the blocks lie; the lane runs where this can be mounted."""
    blocks: tuple[int, ...]
    begins: float
    """When the first block begins, in seconds since 1970."""
    slot_seconds: int
    """How much later each next one begins, however long the one before took; 0 begins it at once, by which its program could
    tell the time that others took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the blocks of one lane left."""

    contents: tuple[bytes, ...]
    """Of each block, in order; untrusted, and `NOTHING` where it left nothing that was declared."""
    conformities: tuple[str, ...]
    """The engine's own inspections, for the record."""


Run = Callable[[ContainerOrder, Sequence[tuple[str, Path]]], Outcome]
"""`Runner.run` of the node's runner."""
Spread = Callable[[Sequence[Lane]], Sequence[Left]]
"""Runs every lane by `run_lane`, each on a processor and with memory of its own, and returns what they left in their order.

On Ray it is one task a lane; in one process, `in_threads`.
"""


def lanes_of(
    order: ContainerOrder, terms: BlocksTerms, *, folder: Path, lanes: int, begins: float
) -> tuple[Lane, ...]:
    """Deal k blocks out to lanes, of which there are never more than blocks."""
    limited = block_order(order, terms)
    return tuple(
        Lane(
            order=limited,
            folder=folder,
            blocks=tuple(range(first, terms.k, lanes)),
            begins=begins,
            slot_seconds=slot_seconds(terms),
        )
        for first in range(min(lanes, terms.k))
    )


def block_order(order: ContainerOrder, terms: BlocksTerms) -> ContainerOrder:
    """Return the order that every block runs: bounded by processor time, on one processor, leaving one small file."""
    limits = replace(
        order.limits,
        seconds=terms.wall_seconds,
        cpu_seconds=terms.cpu_seconds,
        memory_bytes=terms.memory_bytes,
        cpus=1.0,
        output_bytes=terms.output_bytes,
        output_files=1,
    )
    return replace(order, limits=limits)


def run_lane(lane: Lane, *, run: Run) -> Left:
    """Run each block of a lane in a container of its own.

    However a block's program ends, that is an answer. Raise `BlocksStoppedError` where somebody ended the job, and as `Runner.run`
    where there is no engine, no keeper, no image or no disk: no block can bring that about.
    """
    outcomes = []
    for number, block in enumerate(lane.blocks):
        _await(lane, number)
        outcomes.append(_run(lane, block, run))
    return Left(
        contents=tuple(map(_content, outcomes)),
        conformities=tuple(outcome.conformity for outcome in outcomes),
    )


def in_threads(run: Run) -> Spread:
    """Run lanes in threads of this process."""

    def spread(lanes: Sequence[Lane]) -> Sequence[Left]:
        with ThreadPoolExecutor(len(lanes)) as pool:
            return list(pool.map(partial(run_lane, run=run), lanes))

    return spread


def _await(lane: Lane, number: int) -> None:
    """Wait for a block's own time; where that has passed, for the next one that the timetable has."""
    if not lane.slot_seconds:
        return
    late = time.time() - lane.begins - number * lane.slot_seconds
    time.sleep(-late if late <= 0 else -late % lane.slot_seconds)


def _run(lane: Lane, block: int, run: Run) -> Outcome:
    # the runner tells attempts apart, and the job can see their number: it must not be the block's
    attempt = lane.order.epoch * _ATTEMPT + secrets.randbelow(_ATTEMPT)
    try:
        outcome = run(replace(lane.order, epoch=attempt), block_views(lane.folder, block))
    except (EngineDownError, KeeperDownError):
        raise
    except EngineError:
        return Outcome(ended=Ended.ENGINE_FAILED)
    if outcome.ended is Ended.STOPPED:
        raise BlocksStoppedError("the job was stopped")
    return outcome


def _content(outcome: Outcome) -> bytes:
    if outcome.ended is not Ended.FINISHED or len(outcome.artifacts) != 1:
        return NOTHING
    return outcome.artifacts[0].content
