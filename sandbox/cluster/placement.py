"""Which node an order goes to: one that can run it now, holds its views, and has not failed it before."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sandbox.asset import Digest, ImageDigest
from sandbox.order import Limits, Order, image_of, runtime_of
from sandbox.runner.contract import Found

Places = frozenset[str]
"""Ids of nodes, as Ray names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a node: what an order takes of it while it runs, or all that it has."""

    cpus: float
    memory_bytes: int

    def fits(self, free: "Share") -> bool:
        """Say whether there is room for this."""
        return self.cpus <= free.cpus and self.memory_bytes <= free.memory_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node that is alive, as it was last seen."""

    id: str
    all: Share
    """Also what is taken now."""
    found: Found | None = None
    """What its keeper answered; unknown before the first answer, and where no keeper answers."""
    views: frozenset[Digest] = frozenset()
    """Which views are compiled there."""
    seen_at: float = 0.0
    """Monotonic seconds at which it was asked for this."""

    @property
    def has_engine(self) -> bool:
        """Say whether containers can run there."""
        return self.found is not None and bool(self.found.engine)

    @property
    def has_reader(self) -> bool:
        """Say whether files can be read there."""
        return self.found is not None and self.has_engine and "reader" in dict(self.found.images)

    def has(self, image: ImageDigest) -> bool:
        """Say whether containers of this image can run there."""
        return (
            self.found is not None and self.has_engine and image in dict(self.found.images).values()
        )

    def can_run(self, order: Order) -> bool:
        """Say whether it has what the order needs, its room aside."""
        image = image_of(order)
        if image is None:
            return True
        runtimes = self.found.runtimes if self.found is not None else ()
        return self.has(image) and runtime_of(order) in runtimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one task has taken of a node."""

    node: str
    share: Share


def asked(limits: Limits, nodes: Iterable[Node]) -> Share:
    """Return what these limits take of a node: no more than the largest has, or the order would wait for ever."""
    every = [node.all for node in nodes]
    return Share(
        cpus=min(limits.cpus, max((each.cpus for each in every), default=limits.cpus)),
        memory_bytes=min(
            limits.memory_bytes,
            max((each.memory_bytes for each in every), default=limits.memory_bytes),
        ),
    )


def free(node: Node, held: Iterable[Held]) -> Share:
    """Return what of a node is not taken."""
    here = [each.share for each in held if each.node == node.id]
    return Share(
        cpus=node.all.cpus - sum(each.cpus for each in here),
        memory_bytes=node.all.memory_bytes - sum(each.memory_bytes for each in here),
    )


def placed(
    share: Share,
    nodes: Collection[Node],
    *,
    held: Collection[Held],
    views: Collection[Digest] = (),
    failed: Places = frozenset(),
) -> Node | None:
    """Choose among `nodes`, each of which can run the order; nothing where none has room now.

    A node that failed the order before comes last, whatever it holds. Then the most of its views decide, then the most
    processors that are free: a view is compiled in seconds, and a container is started in milliseconds.
    """
    rooms = {node.id: free(node, held) for node in nodes}
    fitting = [node for node in nodes if share.fits(rooms[node.id])]

    def worth(node: Node) -> tuple[bool, int, float, str]:
        return (
            node.id not in failed,
            len(node.views.intersection(views)),
            rooms[node.id].cpus,
            node.id,
        )

    return max(fitting, key=worth, default=None)
