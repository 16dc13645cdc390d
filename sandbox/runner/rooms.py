"""Runs orders in containers on this node: from the order to the outcome, leaving nothing behind."""

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError
from sandbox.order import Artifact, ContainerOrder, Ended, Limits, Outcome
from sandbox.reason import Said
from sandbox.runner.collect import Odd, collect
from sandbox.runner.container import LABEL, Cell
from sandbox.runner.contract import Found, Missing
from sandbox.runner.engine import Engine, Facts
from sandbox.runner.errand import Errand, errand_of, reading_of
from sandbox.runner.images import Images
from sandbox.runner.places import clear, place
from sandbox.runner.stay import End, Stay

_READING = "read-"
_CLOSE_SECONDS = 30
_TOO_MUCH = frozenset({Ended.OUT_OF_MEMORY, Ended.TIMED_OUT, Ended.OUTPUT_REFUSED})


class Rooms:
    """The runner of this node, for the one process that holds the engine's socket; it mounts, so it is root."""

    def __init__(self, home: Path, engine: Engine, *, slots: int = 64) -> None:
        """Keep jobs' folders under `home`/run/rooms, images under `home`/images; run at most `slots` at once."""
        self._rooms, self._engine = home / "run" / "rooms", engine
        self._rooms.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._images = Images(home / "images", engine)
        self._domain = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
        self._slots = set(range(slots))
        self._stays: dict[tuple[str, int], Stay] = {}
        self._lock = threading.Lock()
        self._runtimes: tuple[str, ...] = ()

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        """Run the order in one fresh container (see `Runner`)."""
        if not self._images.is_registered(order.image):
            raise ImageError("the image is not registered in this domain")
        return self._run(errand_of(order, tuple(views)))

    def read(self, artifact: Artifact, *, limits: Limits) -> bytes:
        """Read an untrusted artifact as a table (see `Runner`)."""
        reader = self._images.named("reader")
        if reader is None:
            raise ImageError("no image is registered as reader: images/build.sh reader")
        job = f"{_READING}{secrets.token_hex(8)}"
        return _table(self._run(reading_of(artifact, job=job, reader=reader, limits=limits)))

    def cancel(self, job: str) -> None:
        """End this job's container now, if it has one here."""
        with self._lock:
            stays = [stay for (name, _), stay in self._stays.items() if name == job]
        for stay in stays:
            stay.cancel()

    def close(self) -> None:
        """End every container here and take no more; return once each is gone, or after 30 s."""
        with self._lock:
            self._slots.clear()
            stays = list(self._stays.values())
        for stay in stays:
            stay.cancel()
        end = time.monotonic() + _CLOSE_SECONDS
        while self._stays and time.monotonic() < end:
            time.sleep(0.05)

    def reap(self, live: Collection[str]) -> tuple[str, ...]:
        """Remove what belongs to no live job; readings under way are not the caller's (see `Runner`)."""
        with self._lock:
            here = {job for job, _ in self._stays}
        strays = {job for job in here - set(live) if not job.startswith(_READING)}
        for job in strays:
            self.cancel(job)  # its own thread removes what it has
        kept = here | set(live)
        return tuple(sorted(strays | self._containers(kept) | self._folders(kept)))

    def found(self) -> Found:
        """Say what the node has and what it lacks (see `Runner`)."""
        images = tuple((image.name, image.digest) for image in self._images.listed())
        missing = tuple(_lacking({name for name, _ in images}))
        try:
            facts = self._engine.facts()
        except EngineDownError:
            facts, missing = Facts(version="", runtimes=(), cgroup=""), (_NO_ENGINE, *missing)
        return Found(
            engine=facts.version,
            runtimes=facts.runtimes,
            cgroup=facts.cgroup,
            images=images,
            missing=missing,
        )

    def import_image(self, archive: Path, *, name: str) -> ImageDigest:
        """Check, load and register an archive (see `Runner`)."""
        return self._images.import_archive(archive, name=name)

    def register_image(self, digest: ImageDigest, *, name: str) -> ImageDigest:
        """Register an image that the engine has (see `Runner`)."""
        return self._images.register(digest, name=name)

    def _run(self, errand: Errand) -> Outcome:
        self._demand(errand.runtime)
        begun = time.monotonic()
        with ExitStack() as stack:
            stay = stack.enter_context(self._staying(errand))
            slot = stack.enter_context(self._slot())
            here = stack.enter_context(place(self._rooms / errand.room, errand.luggage(slot)))
            end = _through(stay, errand.cell(self._domain, slot, here.binds))
            seconds = time.monotonic() - begun
            left = _left(end, here.out, errand)
        return _outcome(end, left, seconds)

    def _demand(self, runtime: str) -> None:
        """Raise `EngineDownError` where the engine cannot run containers by this runtime."""
        if runtime not in self._runtimes:
            self._runtimes = self._engine.facts().runtimes
        if runtime not in self._runtimes:
            raise EngineDownError(f"the container engine has no runtime called {runtime}")

    @contextmanager
    def _staying(self, errand: Errand) -> Iterator[Stay]:
        stay, key = Stay(self._engine), (errand.job, errand.epoch)
        with self._lock:
            if key in self._stays:
                raise EngineError("this attempt of the job runs already")
            self._stays[key] = stay
        try:
            yield stay
        finally:
            with self._lock:
                del self._stays[key]

    @contextmanager
    def _slot(self) -> Iterator[int]:
        with self._lock:
            if not self._slots:
                raise EngineError("every slot of this node is taken")
            slot = self._slots.pop()
        try:
            yield slot
        finally:
            with self._lock:
                self._slots.add(slot)

    def _containers(self, kept: Collection[str]) -> set[str]:
        """Remove the containers of other jobs than these; return the jobs."""
        label = f"{LABEL}domain"
        found = self._engine.labelled(label, self._domain)
        strays = {one: labels[f"{LABEL}job"] for one, labels in found}
        strays = {one: job for one, job in strays.items() if job not in kept}
        for container in strays:
            self._engine.remove(container)
        return set(strays.values())

    def _folders(self, kept: Collection[str]) -> set[str]:
        """Unmount and remove the folders of other jobs than these; return the jobs."""
        strays = {folder: folder.name.rpartition(".")[0] for folder in self._rooms.iterdir()}
        strays = {folder: job for folder, job in strays.items() if job not in kept}
        for folder in strays:
            clear(folder)
        return set(strays.values())


_NO_ENGINE = Missing(
    what=Said(zh="没有应答的容器引擎", en="No container engine answers"), mend="images/engine.sh up"
)


def _lacking(names: Collection[str]) -> Iterator[Missing]:
    if os.geteuid() != 0:
        yield Missing(
            what=Said(
                zh="守门进程须以 root 运行，才能挂载", en="The keeper must be root, to mount"
            ),
            mend="sudo shuyu keep",
        )
    for name in ("python", "reader"):
        if name not in names:
            yield Missing(
                what=Said(zh=f"未登记镜像 {name}", en=f"The image {name} is not registered"),
                mend=f"images/build.sh {name}",
            )


def _through(stay: Stay, cell: Cell) -> End:
    """Let the container run; an engine that answers and refuses is an end, one that is gone is an error."""
    try:
        return stay.through(cell)
    except EngineDownError:
        raise
    except EngineError as error:
        return End(ended=Ended.ENGINE_FAILED, note=str(error))


def _left(end: End, out: Path, errand: Errand) -> tuple[Artifact, ...] | Odd:
    if end.ended is not Ended.FINISHED:
        return ()
    return collect(out, errand.outputs, errand.limits)


def _outcome(end: End, left: tuple[Artifact, ...] | Odd, seconds: float) -> Outcome:
    return Outcome(
        ended=Ended.OUTPUT_REFUSED if isinstance(left, Odd) else end.ended,
        artifacts=() if isinstance(left, Odd) else left,
        seconds=seconds,
        conformity=end.conformity,
        note=left.note if isinstance(left, Odd) else end.note,
    )


def _table(outcome: Outcome) -> bytes:
    """Return what the reader wrote; where it could not, say so in its place."""
    if outcome.ended is Ended.ENGINE_FAILED:
        raise EngineError(outcome.note)
    if outcome.artifacts:
        return outcome.artifacts[0].content
    why = "too large" if outcome.ended in _TOO_MUCH else "unreadable"
    return json.dumps({"refused": why}).encode()
