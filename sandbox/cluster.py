"""Puts orders on Ray: where and when they run; what runs there is only our own code."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ray
from ray.exceptions import RayError

from sandbox.asset import Digest
from sandbox.data.staging import clear
from sandbox.egress.inspection import Cleared, Inspected
from sandbox.errors import ClusterDownError
from sandbox.order import Order, Outcome
from sandbox.run import Leaving, Room, examine, reopened, run
from sandbox.runner.client import KeeperClient


@dataclass(frozen=True, slots=True)
class Ticket:
    """Stands for one task that Ray has taken."""

    ref: Any


class Cluster:
    """Ray, reached from one process; its tasks call their node's keeper and nothing else."""

    def __init__(self, room: Room, *, address: str = "", cpus: int | None = None) -> None:
        """Mean the Ray at `address`, or one that is started on this machine; `connect` goes there."""
        self._room, self._address, self._cpus = room, address, cpus
        self._folder: Path | None = None
        # max_retries=0: attempts are ours (job, epoch), never Ray's
        self._ready = ray.remote(num_cpus=1, max_retries=0)(_ready)
        self._warm: list[Any] = []
        self._run = ray.remote(num_cpus=1, max_retries=0)(_run)
        self._examine = ray.remote(num_cpus=0.5, max_retries=0)(_examine)
        self._reopen = ray.remote(num_cpus=0.5, max_retries=0)(_reopen)

    def connect(self) -> Self:
        """Connect to Ray, or start it (3-20 s, 0.5 GB); raise `ClusterDownError` where that fails."""
        if not self._address:
            # unix socket paths end at 107 bytes: Ray's own folder must be near the root
            self._folder = Path(tempfile.mkdtemp(prefix="shuyu-ray-"))
        own = {
            "include_dashboard": False,
            "num_cpus": self._cpus,
            "_temp_dir": str(self._folder),
            # a Ray that died ends this process so many seconds later; `shuyu up` starts both again
            "_system_config": {"gcs_rpc_server_reconnect_timeout_s": 5},
        }
        try:
            ray.init(
                address=self._address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                **({} if self._address else own),
            )
        except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ClusterDownError("Ray could not be reached or started") from error
        self._warm = [self._ready.remote() for _ in range(self._cpus or 1)]
        return self

    def renew(self) -> None:
        """Leave a Ray that no longer answers, and connect again; every ticket is void."""
        self.close()
        self.connect()

    def run(self, order: Order) -> Ticket:
        """Have `order` run on a node of the cluster."""
        return self._taken(lambda: self._run.remote(order, self._room))

    def examine(self, leaving: Leaving) -> Ticket:
        """Have what a job left inspected by a trusted task."""
        return self._taken(lambda: self._examine.remote(leaving, self._room))

    def reopen(self, leaving: Leaving, signed: Mapping[str, Digest]) -> Ticket:
        """Have the bytes that were decided on made again, in a trusted task."""
        return self._taken(lambda: self._reopen.remote(leaving, dict(signed), self._room))

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

    def cleared(self, ticket: Ticket) -> tuple[Cleared, ...]:
        """Return the bytes of an ended reopening; raise `ClusterDownError` where there are none."""
        cleared: tuple[Cleared, ...] = self._fetched(ticket)
        return cleared

    def tidy(self) -> None:
        """Remove what tasks that were killed left half made of a view."""
        clear(self._room.views)

    def cancel(self, ticket: Ticket) -> None:
        """End the task's process; its container is the keeper's to end."""
        ray.cancel(ticket.ref, force=True, recursive=True)

    def close(self) -> None:
        """Leave the cluster, and stop it where this process started it."""
        ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _taken(self, submit: Callable[[], Any]) -> Ticket:
        try:
            return Ticket(submit())
        except (RayError, RuntimeError, ConnectionError) as error:
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


def _reopen(leaving: Leaving, signed: dict[str, Digest], room: Room) -> tuple[Cleared, ...]:
    return reopened(leaving, signed, room=room, runner=KeeperClient(room.keeper))


def _ready() -> None:
    """Do nothing: importing this module is what the first task of a process takes its seconds for."""
