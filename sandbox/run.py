"""Runs one order in the sealed room: compiles its views, then starts its container or answers its query."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sandbox.anonymity.sealed import as_json, seal
from sandbox.asset import Digest
from sandbox.blocks.split import Ground
from sandbox.data.sealed import sealed_store, snapshot_store
from sandbox.data.snapshot import asset
from sandbox.data.view import View, compile_view
from sandbox.egress.inspection import (
    Cleared,
    GateView,
    Inspected,
    Inspection,
    Maker,
    inspect,
    reopen,
)
from sandbox.egress.mapped import Here, Shadows
from sandbox.egress.own import read_own
from sandbox.egress.reading import Question
from sandbox.egress.span import Earlier, Ledger
from sandbox.egress.terms import Read
from sandbox.errors import SandboxError
from sandbox.order import (
    Artifact,
    BlocksOrder,
    ContainerOrder,
    EgressPolicy,
    Ended,
    Order,
    Outcome,
    OutputTerms,
    ViewTerms,
)
from sandbox.privacy.errors import AnswerError
from sandbox.private import answered, over_blocks, slot_seconds
from sandbox.runner.contract import Runner
from sandbox.runner.reader import READING


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where the sealed room keeps its things on this node."""

    data: Path
    views: Path
    pseudonym_key: Path
    """Every pseudonym is keyed by it and by its scenario: see `sandbox.data.pseudonym_keys`."""
    keeper: Path
    """The room keeper's unix socket."""

    @classmethod
    def of(cls, home: Path) -> Self:
        """Return the room of a domain home, or of the home of one node of a cluster."""
        return cls(
            data=home / "data",
            views=home / "views",
            pseudonym_key=home / "keys" / "pseudonym.key",
            keeper=home / "run" / "keeper.sock",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What is to be inspected: the artifacts of one job, and the terms that they must keep."""

    artifacts: tuple[Artifact, ...]
    outputs: tuple[OutputTerms, ...]
    policy: EgressPolicy
    scope: str
    views: tuple[ViewTerms, ...]
    maker: Maker = Maker.CONTAINER
    before: tuple[Earlier, ...] = ()
    """What left before, or may leave, of the same assets to parties that could pool their answers."""
    asked: tuple[str, ...] = ()
    """The marks of those whom alone the job asked about, in its order."""


def run(order: Order, *, room: Room, runner: Runner) -> Outcome:
    """Run `order` to its end; a failure of the sandbox itself is an outcome too, never a traceback.

    An answer of the domain's own mechanisms is handed out at a time that tells nothing of the data: see `slot_seconds`.
    """
    begun = time.monotonic()
    try:
        outcome = _outcome(order, room, runner)
    except AnswerError:
        outcome = Outcome(ended=Ended.FAILED)
    except SandboxError as error:
        outcome = Outcome(ended=Ended.ENGINE_FAILED, note=type(error).__name__)
    slot = slot_seconds(order)
    if slot:
        time.sleep(slot - (time.monotonic() - begun) % slot)
    return replace(outcome, seconds=time.monotonic() - begun)


def compiled(terms: tuple[ViewTerms, ...], *, scope: str, room: Room) -> tuple[View, ...]:
    """Return the views of these terms under the scenario `scope`, compiled or found in the cache."""
    key = room.pseudonym_key.read_bytes()
    return tuple(
        compile_view(each, scope=scope, key=key, data=room.data, views=room.views) for each in terms
    )


def examine(
    leaving: Leaving, *, room: Room, runner: Runner, shadows: Shadows | None = None
) -> Inspected:
    """Inspect what a run left behind against the gate's own side of its views."""
    inspection = inspection_of(leaving, room=room, runner=runner)
    return inspect(leaving.artifacts, replace(inspection, shadows=shadows or Here()))


def reopened(
    leaving: Leaving,
    signed: Mapping[str, Digest],
    *,
    room: Room,
    runner: Runner,
    shadows: Shadows | None = None,
) -> tuple[Cleared, ...]:
    """Return the bytes that were decided on; raise `ChangedError` where they are others now."""
    inspection = inspection_of(leaving, room=room, runner=runner)
    inspection = replace(inspection, shadows=shadows or Here())
    return tuple(
        reopen(artifact, inspection, signed=signed[artifact.name], among=leaving.artifacts)
        for artifact in leaving.artifacts
    )


def inspection_of(leaving: Leaving, *, room: Room, runner: Runner) -> Inspection:
    """Return the terms of an inspection, with the gate's side of each view."""
    views = compiled(leaving.views, scope=leaving.scope, room=room)
    return Inspection(
        outputs=leaving.outputs,
        policy=leaving.policy,
        views=tuple(
            _gate_view(terms, view, room) for terms, view in zip(leaving.views, views, strict=True)
        ),
        read=read_own if leaving.maker is Maker.PLANNER else _reading(runner),
        maker=leaving.maker,
        ledger=Ledger(data=room.data, before=leaving.before),
        asked=leaving.asked,
    )


def _reading(runner: Runner) -> Read:
    """Return what reads untrusted artifacts: the reader container."""

    def read(artifact: Artifact, question: Question) -> bytes:
        return runner.read(artifact, asked=question.written(), limits=READING)

    return read


def _gate_view(terms: ViewTerms, view: View, room: Room) -> GateView:
    source = asset(terms.snapshot, data=room.data)
    bare = GateView(asset=source, terms=terms, gate=view.gate)
    if terms.generalise:  # the labels of its classes are in no snapshot
        return replace(bare, store=sealed_store(view.gate.parent, view.gate, bare.columns()))
    return replace(bare, store=snapshot_store(source, data=room.data))


def _outcome(order: Order, room: Room, runner: Runner) -> Outcome:
    if isinstance(order, BlocksOrder):
        ground = Ground(data=room.data, views=room.views, key=room.pseudonym_key.read_bytes())
        outcome = over_blocks(order, ground=ground, runner=runner)
        # the views of blocks that ran are found where these were cut from
        known = compiled(order.views, scope=order.scope, room=room) if outcome.views else ()
        return replace(outcome, anonymity=_sealed(known))
    views = compiled(order.views, scope=order.scope, room=room)
    if isinstance(order, ContainerOrder):
        outcome = runner.run(order, [(view.asset, view.job) for view in views])
    else:
        outcome = answered(order, views, runner)
    read = tuple(view.digest for view in views)
    return replace(outcome, views=read, anonymity=_sealed(views))


def _sealed(views: Iterable[View]) -> str:
    return as_json(seal(view.asset, view.evidence) for view in views)
