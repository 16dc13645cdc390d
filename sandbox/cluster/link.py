"""Reaches Ray, or starts it on this machine: with a token, without a dashboard, on loopback alone."""

import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ray
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray._private.authentication.authentication_token_setup import enable_token_auth_by_default
from ray.exceptions import RayError

from sandbox.cluster.placement import Share
from sandbox.errors import ClusterDownError

NODE = "SHUYU_NODE"
"""The variable by which a node of a cluster knows its own home folder; without it, the worker's is meant."""
SYSTEM: Mapping[str, Any] = MappingProxyType(
    {
        # a node that was killed is known to be dead after 3 s, one that hangs or was cut off after 15 s
        "health_check_period_ms": 1000,
        "health_check_timeout_ms": 5000,
        "health_check_failure_threshold": 3,
        # a node that was cut off ends itself, and with it the jobs on it; leaving a dead Ray takes 7 s of it
        "gcs_rpc_server_reconnect_timeout_s": 20,
        # a new process needs two seconds of a processor to import all this: it is kept
        "preload_python_modules": ["sandbox.cluster.tasks"],
        "idle_worker_killing_time_threshold_ms": 600_000,
    }
)
"""Ray's own settings, given by whoever starts its head."""
_KNOCK_SECONDS = 2.0
_VITAL = frozenset({"gcs_server", "raylet"})
_LOOPBACK = "127.0.0.1"


def token_at(path: Path) -> Path:
    """Return the file of Ray's token, made if it is not there; whoever has it can run code on every node."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path


class Link:
    """The one connection of this process to Ray."""

    def __init__(self, *, address: str, cpus: int | None, token: Path | None) -> None:
        """Mean the Ray at `address`, or one of `cpus` processors that is started on this machine.

        `token` is a file; the variables RAY_AUTH_TOKEN and RAY_AUTH_TOKEN_PATH come before it.
        """
        self._address, self._cpus, self._token = address, cpus, token
        self._folder: Path | None = None
        self._alone: dict[str, Share] = {}

    def open(self) -> None:
        """Connect to Ray, or start it (3-7 s, 0.5 GB); raise `ClusterDownError` where that fails."""
        if self._address and not self.stands():
            raise ClusterDownError(
                f"no Ray answers at {self._address}: start it there with `shuyu node run`"
            )
        self._authenticate()
        try:
            with _our_signals():
                self._join() if self._address else self._start()
        except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
            ray.shutdown()
            raise ClusterDownError(self._why(error)) from error

    def stands(self) -> bool:
        """Say whether Ray lives, without asking it: who asks a dead one waits for long, and is ended by it."""
        if not self._address:
            return not _died()
        host, _, port = self._address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS):
                return True
        except (OSError, ValueError):
            return False

    def here(self) -> str:
        """Return the id of the node that this process is on."""
        return str(ray.get_runtime_context().get_node_id())

    def nodes(self) -> dict[str, Share]:
        """Return the nodes that are alive, and what each has; raise `ClusterDownError` where Ray does not answer."""
        if self._alone:
            return self._alone
        try:
            listed = ray.nodes()
        except (RayError, ConnectionError, RuntimeError) as error:
            raise ClusterDownError("Ray does not say which nodes it has") from error
        found = {
            each["NodeID"]: Share(
                cpus=each["Resources"].get("CPU", 0.0),
                memory_bytes=int(each["Resources"].get("memory", 0)),
            )
            for each in listed
            if each["Alive"]
        }
        if not self._address:
            self._alone = found
        return found

    def close(self) -> None:
        """Leave Ray, and stop it where this process started it; takes 5-7 s where it died."""
        ray.shutdown()
        self._alone = {}
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _authenticate(self) -> None:
        logging.getLogger("ray").setLevel(logging.ERROR)
        given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
        if self._token is not None and not given:
            os.environ["RAY_AUTH_TOKEN_PATH"] = str(token_at(self._token))
        if not enable_token_auth_by_default():
            raise ClusterDownError("Ray is used with a token only: unset RAY_AUTH_MODE")

    def _join(self) -> None:
        ray.init(
            address=self._address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
        )

    def _start(self) -> None:
        # unix socket paths end at 107 bytes: Ray's own folder must be near the root
        self._folder = Path(tempfile.mkdtemp(prefix="shuyu-ray-"))
        # as RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 does, which is read when Ray is imported: without it, Ray
        # takes the host's address for 127.0.0.1, and then listens on every interface
        ray_constants.ENABLE_RAY_CLUSTER = False
        ray.init(
            address="local",
            include_dashboard=False,
            num_cpus=self._cpus,
            _temp_dir=str(self._folder),
            _node_ip_address=_LOOPBACK,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
            _system_config=dict(SYSTEM),
        )

    def _why(self, error: Exception) -> str:
        if not self._address:
            return f"Ray could not be started: {type(error).__name__}"
        return (
            f"Ray at {self._address} was not joined ({type(error).__name__}): this machine needs a node of it"
            " (`shuyu node run --join`), of the same version and with the same keys/ray.token"
        )


def _died() -> bool:
    """Say whether a process of the Ray that was started here has ended."""
    node = ray_worker._global_node  # noqa: SLF001 - Ray tells nobody else which processes it has started
    return node is None or any(name in _VITAL for name, _ in node.dead_processes())


@contextmanager
def _our_signals() -> Iterator[None]:
    """Keep what this process does on SIGINT and SIGTERM: Ray sets handlers of its own, which end it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
