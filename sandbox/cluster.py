"""Puts orders on Ray: where and when they run; what runs there is only our own code."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ray
from ray.exceptions import RayError

from sandbox.egress.inspection import Inspected
from sandbox.errors import ClusterDownError
from sandbox.order import Order, Outcome
from sandbox.run import Leaving, Room, examine, run
from sandbox.runner.keeper import KeeperClient


@dataclass(frozen=True, slots=True)
class Ticket:
    """Stands for one task that Ray has taken."""

    ref: Any


class Cluster:
    """Ray, reached from one process; its tasks call their node's keeper and nothing else."""

    def __init__(self, room: Room, *, owned: Path | None) -> None:
        """Use the Ray that this process is connected to; `owned` is its folder where we started it."""
        self._room, self._owned = room, owned
        # max_retries=0: attempts are ours (job, epoch), never Ray's
        self._run = ray.remote(num_cpus=1, max_retries=0)(_run)
        self._examine = ray.remote(num_cpus=0.5, max_retries=0)(_examine)

    @classmethod
    def connect(cls, room: Room, *, address: str = "", cpus: int | None = None) -> Self:
        """Connect to the Ray at `address`, or start one on this machine (3-20 s, 0.5 GB).

        Raises:
            ClusterDownError: no Ray answers at `address`, or none could be started.

        """
        # unix socket paths end at 107 bytes: Ray's own folder must be near the root
        owned = None if address else Path(tempfile.mkdtemp(prefix="shuyu-ray-"))
        try:
            ray.init(
                address=address or "local",
                num_cpus=None if address else cpus,
                include_dashboard=None if address else False,
                _temp_dir=None if address else str(owned),
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ClusterDownError("Ray could not be reached or started") from error
        return cls(room, owned=owned)

    def run(self, order: Order) -> Ticket:
        """Have `order` run on a node of the cluster."""
        return self._taken(lambda: self._run.remote(order, self._room))

    def examine(self, leaving: Leaving) -> Ticket:
        """Have what a job left inspected by a trusted task."""
        return self._taken(lambda: self._examine.remote(leaving, self._room))

    def done(self, ticket: Ticket) -> bool:
        """Say whether the task has ended, well or not."""
        ready, _ = ray.wait([ticket.ref], timeout=0)
        return bool(ready)

    def outcome(self, ticket: Ticket) -> Outcome:
        """Return what an ended run came to; raise `ClusterDownError` where Ray lost it."""
        outcome: Outcome = self._fetched(ticket)
        return outcome

    def inspected(self, ticket: Ticket) -> Inspected:
        """Return what an ended inspection found; raise `ClusterDownError` where Ray lost it."""
        inspected: Inspected = self._fetched(ticket)
        return inspected

    def cancel(self, ticket: Ticket) -> None:
        """End the task's process; its container is the keeper's to end."""
        ray.cancel(ticket.ref, force=True, recursive=True)

    def close(self) -> None:
        """Leave the cluster, and stop it where this process started it."""
        ray.shutdown()
        if self._owned is not None:
            shutil.rmtree(self._owned, ignore_errors=True)

    def _taken(self, submit: Callable[[], Any]) -> Ticket:
        try:
            return Ticket(submit())
        except RayError as error:
            raise ClusterDownError("Ray took no task") from error

    def _fetched(self, ticket: Ticket) -> Any:  # noqa: ANN401 - Ray's references carry no type
        try:
            return ray.get(ticket.ref, timeout=5)
        except RayError as error:
            # its text may quote what the task held: the type is enough
            raise ClusterDownError(f"Ray lost a task: {type(error).__name__}") from None


def _run(order: Order, room: Room) -> Outcome:
    return run(order, room=room, runner=KeeperClient(room.keeper))


def _examine(leaving: Leaving, room: Room) -> Inspected:
    return examine(leaving, room=room, runner=KeeperClient(room.keeper))
