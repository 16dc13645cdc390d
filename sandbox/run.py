"""Runs one order in the sealed room: compiles its views, then starts its container or answers its query."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.data.snapshot import asset
from sandbox.data.view import View, compile_view
from sandbox.egress.inspection import GateView, Inspected, Inspection, inspect
from sandbox.errors import SandboxError, ViewError
from sandbox.order import (
    Artifact,
    ContainerOrder,
    EgressPolicy,
    Ended,
    Order,
    Outcome,
    OutputTerms,
    QueryOrder,
    ViewTerms,
)
from sandbox.privacy.answer import AnswerError, answer
from sandbox.privacy.plan import Question, Unanswerable, plan
from sandbox.runner.contract import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where the sealed room keeps its things on this node."""

    data: Path
    views: Path
    pseudonym_key: Path
    """32 random bytes; every pseudonym is keyed by it and by its scenario."""
    keeper: Path
    """The room keeper's unix socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What is to be inspected: the artifacts of one job, and the terms that they must keep."""

    artifacts: tuple[Artifact, ...]
    outputs: tuple[OutputTerms, ...]
    policy: EgressPolicy
    scope: str
    views: tuple[ViewTerms, ...]


def run(order: Order, *, room: Room, runner: Runner) -> Outcome:
    """Run `order` to its end; a failure of the sandbox itself is an outcome too, never a traceback."""
    begun = time.monotonic()
    try:
        views = compiled(order.views, scope=order.scope, room=room)
        outcome = (
            _ask(order, views) if isinstance(order, QueryOrder) else _start(order, views, runner)
        )
    except AnswerError:
        outcome = Outcome(ended=Ended.FAILED)
    except SandboxError as error:
        outcome = Outcome(ended=Ended.ENGINE_FAILED, note=type(error).__name__)
    return replace(outcome, seconds=time.monotonic() - begun)


def compiled(terms: tuple[ViewTerms, ...], *, scope: str, room: Room) -> tuple[View, ...]:
    """Return the views of these terms under the scenario `scope`, compiled or found in the cache."""
    key = room.pseudonym_key.read_bytes()
    return tuple(
        compile_view(each, scope=scope, key=key, data=room.data, views=room.views) for each in terms
    )


def examine(leaving: Leaving, *, room: Room, runner: Runner) -> Inspected:
    """Inspect what a run left behind against the gate's own side of its views."""
    return inspect(leaving.artifacts, inspection_of(leaving, room=room, runner=runner))


def inspection_of(leaving: Leaving, *, room: Room, runner: Runner) -> Inspection:
    """Return the terms of an inspection, with the gate's side of each view."""
    views = compiled(leaving.views, scope=leaving.scope, room=room)
    return Inspection(
        outputs=leaving.outputs,
        policy=leaving.policy,
        views=tuple(
            GateView(asset=asset(terms.snapshot, data=room.data), terms=terms, gate=view.gate)
            for terms, view in zip(leaving.views, views, strict=True)
        ),
        read=runner.read,
    )


def _start(order: ContainerOrder, views: tuple[View, ...], runner: Runner) -> Outcome:
    outcome = runner.run(order, [(view.asset, view.job) for view in views])
    return replace(outcome, views=tuple(view.digest for view in views))


def _ask(order: QueryOrder, views: tuple[View, ...]) -> Outcome:
    planned = plan(
        Question(
            sql=order.sql,
            assets=order.assets,
            views=order.views,
            epsilon=order.epsilon,
            output=order.output,
        )
    )
    if isinstance(planned, Unanswerable):
        raise ViewError("the query was admitted under other terms")
    view = next(view for view in views if view.asset == planned.asset)
    content, _facts = answer(planned, view.gate)
    return Outcome(
        ended=Ended.FINISHED,
        artifacts=(Artifact(order.output.name, "csv", content),),
        views=tuple(view.digest for view in views),
    )
