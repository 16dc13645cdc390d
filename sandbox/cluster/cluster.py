"""The worker's hold on Ray: which nodes there are, where each order goes, and what came of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sandbox.asset import Digest, ImageDigest
from sandbox.cluster import tasks
from sandbox.cluster.link import Link
from sandbox.cluster.placement import Held, Node, Share, asked, free, placed
from sandbox.cluster.tasks import Sight
from sandbox.data.staging import clear
from sandbox.data.view import view_digest
from sandbox.egress.inspection import Cleared, Inspected
from sandbox.errors import ClusterDownError, EngineError, ImageError, SandboxError
from sandbox.order import Ended, Limits, Order, Outcome, ViewTerms
from sandbox.run import Leaving, Room
from sandbox.runner.contract import Found

_NOTHING = Share(cpus=0, memory_bytes=0)
_PATIENCE = 30.0
"""Seconds after which a node that has not said what it has counts as having nothing; its first process takes some to import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Stands for one task that Ray has taken."""

    ref: Any
    held: Held
    job: str = ""
    """Whose order it runs; empty for an inspection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glance:
    """A look at another node that is under way."""

    ref: Any
    since: float


class Cluster:
    """Ray, reached from one process; its tasks call their node's keeper and nothing else.

    It is the only one that gives this Ray orders: what is taken of each node is known from its own tickets.
    """

    def __init__(self, room: Room, link: Link) -> None:
        """Mean the Ray behind `link`; `room` is this node's, and that of every node that says nothing else."""
        self._room, self._link = room, link
        self._nodes: dict[str, Node] = {}
        self._glances: dict[str, _Glance] = {}
        self._tickets: set[Ticket] = set()
        self._failed: dict[str, str] = {}
        self._cancelled: dict[str, float] = {}
        self._suspects: dict[str, float] = {}
        # max_retries=0: attempts are ours (job, epoch), never Ray's
        self._run, self._examine, self._reopen, self._look = (
            ray.remote(num_cpus=0, max_retries=0)(task)
            for task in (tasks.run_here, tasks.examine_here, tasks.reopen_here, tasks.look_here)
        )

    def connect(self) -> Self:
        """Connect to Ray, or start it; raise `ClusterDownError` where that fails."""
        self._link.open()
        return self

    def renew(self) -> None:
        """Leave a Ray that no longer answers, and connect again; every ticket is void."""
        self.close()
        self.connect()

    def close(self) -> None:
        """Leave the cluster, and stop it where this process started it."""
        every = (self._nodes, self._glances, self._tickets, self._failed)
        for kept in (*every, self._cancelled, self._suspects):
            kept.clear()
        self._link.close()

    def look(self) -> Found | None:
        """See which nodes there are and what they have; return what they have together, nothing where no keeper answers.

        Raise `ClusterDownError` where Ray does not answer.
        """
        if not self._link.stands():
            raise ClusterDownError("Ray's head does not answer")
        here, alive = self._link.here(), self._link.nodes()
        if here not in alive:
            raise ClusterDownError("this machine is no node of Ray any more")
        self._glances = {id_: each for id_, each in self._glances.items() if id_ in alive}
        self._nodes = {id_: self._seen(id_, share, here=here) for id_, share in alive.items()}
        return _together([node.found for node in self._nodes.values() if node.found is not None])

    def housed(self) -> frozenset[str] | None:
        """Return the jobs that a node had a container of; nothing where a node was not heard since its last cancel."""
        nodes = [node for node in self._nodes.values() if node.all.cpus > 0]
        if any(
            node.found is None or node.seen_at < self._cancelled.get(node.id, 0.0) for node in nodes
        ):
            return None
        return frozenset(job for node in nodes if node.found for job, _ in node.found.housed)

    @property
    def is_sure(self) -> bool:
        """Say whether every node has been heard: an image that none of them has is then nowhere."""
        return bool(self._nodes) and all(node.seen_at > 0 for node in self._nodes.values())

    def has_room(self, limits: Limits, image: ImageDigest | None) -> bool:
        """Say whether an order could start now: one of this image, or a query.

        Where it is sure that no node has the image, it could: its admission will say so.
        """
        known = [node for node in self._nodes.values() if image is None or node.has(image)]
        if not known:
            return self.is_sure
        nodes = [node for node in self._trusted() if node in known]
        return placed(asked(limits, nodes), nodes, held=self._held()) is not None

    def run(self, order: Order) -> Ticket:
        """Have `order` run on a node of the cluster."""
        nodes = [node for node in self._trusted() if node.can_run(order)]
        share = asked(order.limits, nodes or self._nodes.values())
        failed = frozenset({self._failed.pop(order.job, "")})
        views = self._digests(order.views, order.scope)
        held = self._held()
        node = placed(share, nodes, held=held, views=views, failed=failed) or max(
            nodes, key=lambda node: free(node, held).cpus, default=None
        )
        needs = {"num_cpus": share.cpus, "memory": share.memory_bytes}
        taken = Held(node=node.id if node else "", share=share)
        ref = self._taken(
            lambda: self._run.options(**needs, **_at(taken)).remote(order, self._room)
        )
        return self._noted(Ticket(ref=ref, held=taken, job=order.job))

    def bench(self) -> int:
        """Return how many more inspections may begin now: each has a process of its own, which takes seconds to start."""
        return sum(map(self._seats, self._inspectors()))

    def examine(self, leaving: Leaving) -> Ticket:
        """Have what a job left inspected by a trusted task."""
        there = self._beside(leaving)
        ref = self._taken(lambda: self._examine.options(**_at(there)).remote(leaving, self._room))
        return self._noted(Ticket(ref=ref, held=there))

    def reopen(self, leaving: Leaving, signed: Mapping[str, Digest]) -> Ticket:
        """Have the bytes that were decided on made again, in a trusted task."""
        there = self._beside(leaving)
        ref = self._taken(
            lambda: self._reopen.options(**_at(there)).remote(leaving, dict(signed), self._room)
        )
        return self._noted(Ticket(ref=ref, held=there))

    def done(self, ticket: Ticket) -> bool:
        """Say whether the task has ended, well or not."""
        ready, _ = ray.wait([ticket.ref], timeout=0)
        return bool(ready)

    def outcome(self, ticket: Ticket) -> Outcome:
        """Return what an ended run came to; where Ray or the node lost it, that the engine failed."""
        try:
            outcome: Outcome = self._fetched(ticket)
        except (ClusterDownError, EngineError, ImageError) as error:
            outcome = Outcome(ended=Ended.ENGINE_FAILED, note=str(error))
        if outcome.ended is Ended.ENGINE_FAILED:
            self._failed[ticket.job] = ticket.held.node
        return outcome

    def inspected(self, ticket: Ticket) -> Inspected:
        """Return what an ended inspection found.

        Raise `ClusterDownError` where Ray lost it, `EngineError` or `ImageError` where no file could be read on its node.
        """
        inspected: Inspected = self._fetched(ticket)
        return inspected

    def cleared(self, ticket: Ticket) -> tuple[Cleared, ...]:
        """Return the bytes of an ended reopening; raise `ClusterDownError` where there are none."""
        cleared: tuple[Cleared, ...] = self._fetched(ticket)
        return cleared

    def tidy(self) -> None:
        """Remove what tasks that were killed here left half made of a view; other nodes do so with the next view."""
        clear(self._room.views)

    def cancel(self, ticket: Ticket) -> None:
        """End the task's process, wherever it runs: with its connection, its keeper ends the container."""
        self._tickets.discard(ticket)
        self._cancelled[ticket.held.node] = time.monotonic()
        ray.cancel(ticket.ref, force=True, recursive=True)

    def _held(self) -> list[Held]:
        return [ticket.held for ticket in self._tickets]

    def _noted(self, ticket: Ticket) -> Ticket:
        self._tickets.add(ticket)
        return ticket

    def _seen(self, node: str, share: Share, *, here: str) -> Node:
        if node == here:
            now = time.monotonic()
            return _node(node, share, tasks.look_here(self._room), now)
        before = self._nodes.get(node) or Node(id=node, all=share)
        glance = self._glances.get(node)
        if glance is None:
            self._glance(node)
            return before
        if not ray.wait([glance.ref], timeout=0)[0]:
            late = Node(id=node, all=share, seen_at=glance.since)
            return late if _is_late(glance) else before
        self._glance(node)
        return _node(node, share, _answer(glance), glance.since)

    def _glance(self, node: str) -> None:
        """Ask another node what it has."""
        ref = self._look.options(**_only_at(node)).remote(self._room)
        self._glances[node] = _Glance(ref=ref, since=time.monotonic())

    def _beside(self, leaving: Leaving) -> Held:
        """Choose a node for an inspection: it takes no processor that is counted, and waits for no job."""
        views = self._digests(leaving.views, leaving.scope)
        node = placed(_NOTHING, self._inspectors(), held=self._held(), views=views)
        return Held(node=node.id if node else "", share=_NOTHING)

    def _inspectors(self) -> list[Node]:
        """Return the nodes that can take an inspection now; where no file can be read, those of private answers still can be made."""
        nodes = [node for node in self._trusted() if node.has_reader]
        return [node for node in nodes or self._trusted() if self._seats(node) > 0]

    def _trusted(self) -> list[Node]:
        """Return the nodes but those that have lost a task since they were last heard: Ray may not know yet that they died."""
        nodes = list(self._nodes.values())
        return [node for node in nodes if node.seen_at >= self._suspects.get(node.id, 0.0)] or nodes

    def _seats(self, node: Node) -> int:
        """Return how many more inspections a node takes: as many as it has processors, and one at least."""
        taken = sum(held.node == node.id and held.share == _NOTHING for held in self._held())
        return max(1, int(node.all.cpus)) - taken

    def _digests(self, terms: tuple[ViewTerms, ...], scope: str) -> list[Digest]:
        """Return which views these terms mean, where there is a choice between nodes."""
        if len(self._nodes) < 2:  # noqa: PLR2004 - one node is no choice
            return []
        key = self._room.pseudonym_key.read_bytes()
        try:
            return [view_digest(each, scope=scope, key=key, data=self._room.data) for each in terms]
        except SandboxError:
            return []  # the task itself meets it, and its outcome says so

    def _taken(self, submit: Callable[[], Any]) -> Any:  # noqa: ANN401 - Ray's references carry no type
        if not ray.is_initialized():  # a task given now would start a Ray of its own, without walls
            raise ClusterDownError("Ray is not connected")
        try:
            return submit()
        except (RayError, RuntimeError, ConnectionError) as error:
            raise ClusterDownError("Ray took no task") from error

    def _fetched(self, ticket: Ticket) -> Any:  # noqa: ANN401 - Ray's references carry no type
        self._tickets.discard(ticket)
        try:
            return ray.get(ticket.ref, timeout=5)
        except (
            EngineError,
            ImageError,
        ) as error:  # Ray raises it as both: the task's own, and Ray's
            raise _lacking(error) from None
        except RayError as error:
            self._suspects[ticket.held.node] = time.monotonic()
            # its text may quote what the task held: the type is enough
            raise ClusterDownError(f"Ray lost a task: {type(error).__name__}") from None


def _lacking(error: EngineError | ImageError) -> EngineError | ImageError:
    """Return an error of the same kind without the text of the other, which Ray has made longer."""
    kind = ImageError if isinstance(error, ImageError) else EngineError
    return kind("the task's node lacks what it needs")


def _is_late(glance: _Glance) -> bool:
    return time.monotonic() - glance.since > _PATIENCE


def _answer(glance: _Glance) -> Sight:
    try:
        sight: Sight = ray.get(glance.ref, timeout=5)
    except (RayError, SandboxError):
        return Sight(found=None, views=frozenset())
    return sight


def _node(node: str, share: Share, sight: Sight, at: float) -> Node:
    return Node(id=node, all=share, found=sight.found, views=sight.views, seen_at=at)


def _at(held: Held) -> dict[str, Any]:
    """Say where a task goes; should that node be gone by then, any other will do."""
    if not held.node:
        return {}
    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node_id=held.node, soft=True)}


def _only_at(node: str) -> dict[str, Any]:
    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node_id=node, soft=False)}


def _together(founds: list[Found]) -> Found | None:
    if not founds:
        return None
    return replace(
        founds[0],
        engine=next((found.engine for found in founds if found.engine), ""),
        runtimes=tuple(sorted({each for found in founds for each in found.runtimes})),
        images=tuple(dict.fromkeys(each for found in founds for each in found.images)),
        housed=tuple(each for found in founds for each in found.housed),
    )
