"""The container engine: the only module that speaks to it."""

import math
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from sandbox.errors import EngineDownError, EngineError
from sandbox.runner.streams import Channel, Listener

_ANSWER_SECONDS = 60

Inspection = dict[str, Any]
"""The engine's own description of a container or an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the engine says of itself."""

    version: str
    runtimes: tuple[str, ...]
    cgroup: str


@contextmanager
def _answered() -> Iterator[None]:
    """Turn the library's errors into ours; the engine's own words stay with security staff."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"the engine refused: {error.explanation or error}") from error
    except (requests.RequestException, DockerException) as error:
        raise EngineDownError("the container engine does not answer") from error


def _knock(host: str) -> None:
    """Raise `EngineDownError` where nobody listens: the library would leave its socket open."""
    if host.startswith("unix://"):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(host.removeprefix("unix://"))
        except OSError as error:
            raise EngineDownError("the container engine does not answer") from error


class Engine:
    """One container engine, by the address of its socket; may be shared by threads."""

    def __init__(self, host: str) -> None:
        """Remember the address, such as `unix:///var/run/docker.sock`; nothing is asked yet."""
        self._host = host
        self._lock = threading.Lock()
        self._known: docker.APIClient | None = None

    @property
    def _client(self) -> docker.APIClient:
        with self._lock, _answered():
            _knock(self._host)
            if self._known is None:
                self._known = docker.APIClient(
                    base_url=self._host, version="auto", timeout=_ANSWER_SECONDS
                )
            return self._known

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        with self._lock:
            if self._known is not None:
                self._known.close()
            self._known = None

    def facts(self) -> Facts:
        """Ask the engine what it is; raise `EngineDownError` where it does not answer."""
        with _answered():
            info = self._client.info()
        runtimes = (name for name in info["Runtimes"] if not name.startswith("io.containerd."))
        return Facts(
            version=info["ServerVersion"],
            runtimes=tuple(sorted(runtimes)),
            cgroup=info.get("CgroupVersion", "1"),
        )

    def create(self, config: dict[str, Any]) -> str:
        """Create a container and return its id."""
        with _answered():
            created = self._client.create_container_from_config(config)  # type: ignore[no-untyped-call]
        return cast("str", created["Id"])

    def listen(self, container: str) -> Listener:
        """Attach to a container that has not started, to keep the first of what it prints."""
        return Listener(self._attached(container, "stdout", "stderr"))

    def overhear(self, container: str, *, mark: bytes) -> Listener:
        """Attach to a container that waits, to keep the first of what it prints beside its words, up to `mark`."""
        return Listener(self._attached(container, "stderr"), mark=mark)

    def talk(self, container: str) -> Channel:
        """Attach to a container that has not started and will wait for words."""
        return Channel(self._attached(container, "stdin", "stdout"))

    def _attached(self, container: str, *streams: str) -> Any:  # noqa: ANN401 - whatever the library's transport uses
        with _answered():
            return self._client.attach_socket(container, dict.fromkeys((*streams, "stream"), 1))

    def start(self, container: str) -> None:
        """Start a created container."""
        with _answered():
            self._client.start(container)

    def inspect(self, container: str) -> Inspection:
        """Return what the engine holds of a container."""
        with _answered():
            return cast("Inspection", self._client.inspect_container(container))

    def ends_within(self, container: str, seconds: float) -> bool:
        """Wait for a container to end; answer whether it did in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with _answered(), suppress(requests.ReadTimeout, requests.ConnectionError):
                self._client.wait(container, timeout=math.ceil(left))
                return True
            if not self.inspect(container)["State"]["Running"]:
                return True
        return False

    def kill(self, container: str) -> None:
        """Kill a container; one that has ended, or is gone, is left as it is."""
        with suppress(EngineError), _answered():
            self._client.kill(container)

    def remove(self, container: str) -> None:
        """Kill and remove a container; return once it is gone."""
        with _answered(), suppress(NotFound):
            self._client.remove_container(container, v=True, force=True)

    def labelled(self, label: str, value: str) -> list[tuple[str, dict[str, str]]]:
        """Return the id and labels of every container, running or not, that bears this label."""
        with _answered():
            listed = self._client.containers(all=True, filters={"label": f"{label}={value}"})
        return [(one["Id"], one["Labels"]) for one in listed]

    def image(self, name: str) -> Inspection | None:
        """Return what the engine holds of an image, or nothing where it has none of that id."""
        with _answered(), suppress(NotFound):
            seen = self._client.inspect_image(name)  # type: ignore[no-untyped-call]
            return cast("Inspection", seen)
        return None

    def save(self, image: str) -> Iterator[bytes]:
        """Give an image as `docker save` does, in pieces."""
        with _answered():
            yield from self._client.get_image(image)

    def load(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        """Load an archive as `docker save` makes it; return the ids of the untagged images that it held."""
        with _answered():
            lines = list(self._client.load_image(archive))  # type: ignore[no-untyped-call]
        if wrong := [line["error"] for line in lines if "error" in line]:
            raise EngineError(f"the engine refused the image: {wrong[0]}")
        said = [line.get("stream", "").partition("Loaded image ID: ") for line in lines]
        return tuple(name.strip() for _, found, name in said if found)
