"""The container engine: the only module that speaks to it."""

import math
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError, StorageFullError
from sandbox.runner.hung import end_runtime
from sandbox.runner.streams import Channel, Listener

ANSWER_SECONDS = 30.0
"""How long the engine may take for anything but an image."""
_KILL_SECONDS = 3.0
_IMAGE_SECONDS = 3600.0

OLDEST_API = (1, 41)
"""Docker Engine 20.10: the first that gives a container a control group namespace of its own (`CgroupnsMode`)."""
Inspection = dict[str, Any]
"""The engine's own description of a container or an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the engine says of itself."""

    version: str
    runtimes: tuple[str, ...]
    cgroup: str
    """`1` or `2`."""
    api: tuple[int, ...] = ()
    guards: frozenset[str] = frozenset()
    """What the host has, and the engine applies: `seccomp`, `apparmor`, `selinux`, `userns`, `rootless`, `cgroupns`."""
    first_uid: int = 0
    """Whom of the host root in a container is: another than root where the engine remaps users."""

    @property
    def is_old(self) -> bool:
        """Say whether the engine lacks what is demanded of it."""
        return self.api < OLDEST_API


class UnansweredError(EngineError):
    """The engine took a question and did not answer in time: a runtime, the disk or the engine itself hangs."""


@contextmanager
def _answered() -> Iterator[None]:
    """Turn the library's errors into ours; the engine's own words stay with security staff."""
    try:
        yield
    except APIError as error:
        if "no space left on device" in str(error.explanation):
            raise StorageFullError("the disk that the container engine works on is full") from error
        raise EngineError(f"the engine refused: {error.explanation or error}") from error
    except requests.ReadTimeout as error:
        raise UnansweredError(
            "the container engine, or the runtime, hangs: it was given up"
        ) from error
    except (requests.RequestException, DockerException) as error:
        raise EngineDownError("the container engine does not answer") from error


def _guards(said: Iterable[str]) -> frozenset[str]:
    """Read what the engine says of the host's guards: `name=seccomp,profile=default`."""
    return frozenset(one.partition(",")[0].removeprefix("name=") for one in said)


def _first_uid(root: str) -> int:
    """Read whom it remaps root to from where it keeps its things: a folder called `<uid>.<gid>`."""
    uid, _, _ = PurePosixPath(root).name.partition(".")
    if not uid.isdigit():
        raise EngineError("the engine remaps users, and does not say to whom")
    return int(uid)


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

    def __init__(self, host: str, *, seconds: float = ANSWER_SECONDS) -> None:
        """Remember the address, such as `unix:///var/run/docker.sock`; nothing is asked yet.

        What it has not answered after `seconds` counts as hanging.
        """
        self._host, self._seconds = host, seconds
        self._lock = threading.Lock()
        self._known = dict[float, docker.APIClient]()

    @property
    def _client(self) -> docker.APIClient:
        return self._patient(self._seconds)

    def _patient(self, seconds: float) -> docker.APIClient:
        with self._lock, _answered():
            _knock(self._host)
            if seconds not in self._known:
                self._known[seconds] = docker.APIClient(
                    base_url=self._host,
                    version="auto",
                    timeout=seconds,  # type: ignore[arg-type]
                )
            return self._known[seconds]

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        with self._lock:
            for client in self._known.values():
                client.close()
            self._known.clear()

    def facts(self) -> Facts:
        """Ask the engine what it is; raise `EngineDownError` where it does not answer."""
        try:
            with _answered():
                info = self._client.info()
        except UnansweredError as error:
            raise EngineDownError("the container engine does not answer") from error
        runtimes = (name for name in info["Runtimes"] if not name.startswith("io.containerd."))
        guards = _guards(info.get("SecurityOptions") or ())
        return Facts(
            version=info["ServerVersion"],
            runtimes=tuple(sorted(runtimes)),
            cgroup=info.get("CgroupVersion", "1"),
            api=tuple(map(int, self._client.api_version.split("."))),
            guards=guards,
            first_uid=_first_uid(info["DockerRootDir"]) if "userns" in guards else 0,
        )

    def create(self, config: dict[str, Any]) -> str:
        """Create a container and return its id; raise `ImageError` where the engine has lost its image."""
        with _answered(), suppress(NotFound):
            created = self._client.create_container_from_config(config)  # type: ignore[no-untyped-call]
            return cast("str", created["Id"])
        raise ImageError("the engine has lost the image: import it again")

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
        """Start a created container; a runtime that hangs is killed, and `UnansweredError` raised."""
        try:
            with _answered():
                self._client.start(container)
        except UnansweredError:
            end_runtime(container)
            raise

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
        try:
            with _answered():
                self._patient(min(self._seconds, _KILL_SECONDS)).kill(container)
        except UnansweredError:
            end_runtime(container)
        except EngineError:
            return

    def remove(self, container: str) -> None:
        """Kill and remove a container; return once it is gone. A runtime that hangs is killed."""
        try:
            self._remove(container)
        except UnansweredError:
            if not end_runtime(container):
                raise
            self._remove(container)

    def _remove(self, container: str) -> None:
        with _answered(), suppress(NotFound):
            self._client.remove_container(container, v=True, force=True)

    def labelled(self, label: str, value: str) -> list[tuple[str, dict[str, str]]]:
        """Return the id and labels of every container, running or not, that bears this label."""
        with _answered():
            listed = self._client.containers(all=True, filters={"label": f"{label}={value}"})
        return [(one["Id"], one["Labels"]) for one in listed]

    def images(self) -> frozenset[ImageDigest]:
        """Return the ids of all images that it has; raise `EngineDownError` where it does not answer."""
        try:
            with _answered():
                return frozenset(self._client.images(quiet=True, all=True))
        except UnansweredError as error:
            raise EngineDownError("the container engine does not answer") from error

    def image(self, name: str) -> Inspection | None:
        """Return what the engine holds of an image, or nothing where it has none of that id."""
        with _answered(), suppress(NotFound):
            seen = self._client.inspect_image(name)  # type: ignore[no-untyped-call]
            return cast("Inspection", seen)
        return None

    def save(self, image: str) -> Iterator[bytes]:
        """Give an image as `docker save` does, in pieces."""
        with _answered():
            yield from self._patient(_IMAGE_SECONDS).get_image(image)

    def load(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        """Load an archive as `docker save` makes it; return the ids of the untagged images that it held."""
        with _answered():
            lines = list(self._patient(_IMAGE_SECONDS).load_image(archive))  # type: ignore[no-untyped-call]
        if wrong := [line["error"] for line in lines if "error" in line]:
            raise EngineError(f"the engine refused the image: {wrong[0]}")
        said = [line.get("stream", "").partition("Loaded image ID: ") for line in lines]
        return tuple(name.strip() for _, found, name in said if found)
