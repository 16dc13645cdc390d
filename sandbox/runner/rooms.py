"""Runs orders in containers on this node: from the order to the outcome, leaving nothing behind."""

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError
from sandbox.order import Artifact, ContainerOrder, Ended, Limits, Outcome
from sandbox.reason import Said
from sandbox.runner.chores import Chores
from sandbox.runner.collect import Odd, collect
from sandbox.runner.container import LABEL, Host
from sandbox.runner.contract import Found, Missing
from sandbox.runner.engine import Engine, Facts
from sandbox.runner.errand import Errand, Key, allowed, errand_of, reading_of
from sandbox.runner.images import Images
from sandbox.runner.lacking import NO_ENGINE, OLD_ENGINE, STALE_READER, lacking, lost, too_early
from sandbox.runner.places import clear, holder, place, share, unshare
from sandbox.runner.pool import Pool, Warmth
from sandbox.runner.reader import PROBE, READING, Reading, is_proven
from sandbox.runner.reaping import WARM, reap_containers, reap_folders
from sandbox.runner.register import Trust
from sandbox.runner.slots import Slots
from sandbox.runner.stay import End, Leash, Stay
from sandbox.runner.warm import Lodging, NotBegun, Warm

_READING = "read-"
_READER = "reader"
_CLOSE_SECONDS = 30
_TOO_MUCH = frozenset({Ended.OUT_OF_MEMORY, Ended.TIMED_OUT, Ended.OUTPUT_REFUSED})
Left = tuple[End, tuple[Artifact, ...] | Odd]
"""How a container ended, and what was found in its output folder."""


class Rooms:
    """The runner of this node, for the one process that holds the engine's socket; it mounts, so it is root."""

    def __init__(
        self, home: Path, engine: Engine, *, slots: int, warmth: Warmth, trust: Trust | None = None
    ) -> None:
        """Keep jobs' folders under `home`/run, images under `home`/images; run at most `slots` jobs at once."""
        self._rooms, self._warm = home / "run" / "rooms", home / "run" / "warm"
        for folder in (self._rooms, self._warm):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine, self._images = engine, Images(home / "images", engine, trust)
        self._domain = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
        self._most, self._slots, self._chores = slots, Slots(), Chores()
        self._stays: dict[tuple[str, int], Leash] = {}
        self._lock = threading.Lock()
        self._readers = set[ImageDigest]()
        self._readings = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._facts: Facts | None = None
        self._warmth, self._warms, self._slower = warmth, set[str](), tuple[Said, ...]()
        file = home / "run" / "warm.json"
        self._pool = Pool(warmth, make=self._made, part=self._part, file=file)

    def open(self) -> None:
        """Begin to make containers that wait for jobs, where this host can mount views into them later."""
        if not self._warmth.each:
            return
        try:
            share(self._warm)
        except EngineError as error:
            self._slower = (too_early(error),)
            return
        self._pool.start(lambda key: self._images.is_registered(key.image))

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        """Run the order in one fresh container (see `Runner`)."""
        self._images.demand(order.image)
        return self._run(errand_of(order, tuple(views)))

    def read(self, artifact: Artifact, *, asked: str, limits: Limits) -> bytes:
        """Read an untrusted artifact (see `Runner`)."""
        reader = self._images.named(_READER)
        if reader is None:
            raise ImageError("no image is registered as reader: images/build.sh reader")
        if not self._is_reader(reader):
            raise ImageError(
                f"the image registered as reader is of another version: {STALE_READER.mend}"
            )
        return self._answered(Reading(artifact=artifact, asked=asked), reader, limits)

    def cancel(self, job: str) -> None:
        """End this job's container now, if it has one here."""
        with self._lock:
            stays = [stay for (name, _), stay in self._stays.items() if name == job]
        for stay in stays:
            stay.pull()

    def close(self) -> None:
        """End every container here and take no more; return once each is gone, or after 30 s."""
        with self._lock:
            self._most = 0
            stays = list(self._stays.values())
        for stay in stays:
            stay.pull()
        self._pool.close()
        end = time.monotonic() + _CLOSE_SECONDS
        while self._stays and time.monotonic() < end:
            time.sleep(0.05)
        self._chores.close(end - time.monotonic())
        unshare(self._warm)

    def reap(self, live: Collection[str]) -> tuple[str, ...]:
        """Remove what belongs to no live job; readings under way are not the caller's (see `Runner`)."""
        with self._lock:
            here = {job for job, _ in self._stays}
            kept = here | set(live) | self._warms | self._chores.names
        strays = {job for job in here - set(live) if not job.startswith(_READING)}
        for job in strays:
            self.cancel(job)  # its own thread removes what it has
        reaped = reap_containers(self._engine, self._domain, kept)
        reaped |= reap_folders(self._rooms, kept) | reap_folders(self._warm, kept)
        return tuple(sorted(strays | reaped))

    def found(self) -> Found:
        """Say what the node has and what it lacks (see `Runner`)."""
        listed = tuple((image.name, image.digest) for image in self._images.listed())
        missing = (*self._images.wrong(), *lacking({name for name, _ in listed}))
        facts, had = self._look()
        gone = [one for one in listed if had is not None and one[1] not in had]
        stale = tuple(self._stale(had)) if facts and not facts.is_old else ()
        if facts is None or facts.is_old:
            missing = (OLD_ENGINE if facts else NO_ENGINE, *missing)
            facts = Facts(version="", runtimes=(), cgroup="")
        return Found(
            engine=facts.version,
            runtimes=facts.runtimes,
            cgroup=facts.cgroup,
            images=tuple(
                one for one in listed if one not in gone and not (stale and one[0] == _READER)
            ),
            missing=(*missing, *(lost(name) for name, _ in gone), *stale),
            slower=(*self._slower, *self._pool.slower),
            waiting=self._pool.waiting,
            housed=tuple(self._housed()) if facts.version else (),
        )

    def _answered(self, reading: Reading, reader: ImageDigest, limits: Limits) -> bytes:
        job = f"{_READING}{secrets.token_hex(8)}"
        with self._readings:
            return _answer(self._run(reading_of(reading, job=job, reader=reader, limits=limits)))

    def _is_reader(self, image: ImageDigest) -> bool:
        """Say whether an image answers as this program's reader does; it is asked until it has once."""
        if image not in self._readers and is_proven(self._answered(PROBE, image, READING)):
            self._readers.add(image)
        return image in self._readers

    def _stale(self, had: Collection[ImageDigest] | None) -> Iterator[Missing]:
        """Say that the reader is of another version; nothing where it cannot be asked now."""
        with suppress(EngineError, ImageError):
            reader = self._images.named(_READER)
            if reader is not None and reader in (had or ()) and not self._is_reader(reader):
                yield STALE_READER

    def _housed(self) -> Iterator[tuple[str, str]]:
        """Ask the engine whose containers it has; one that waits for its job is nobody's."""
        for container, labels in self._engine.labelled(f"{LABEL}domain", self._domain):
            name = labels[f"{LABEL}job"]
            job = holder(self._warm / name) if name.startswith(WARM) else name
            if job and not job.startswith(_READING):
                yield job, container

    @property
    def images(self) -> Images:
        """The images that jobs may run."""
        return self._images

    def _look(self) -> tuple[Facts | None, frozenset[ImageDigest] | None]:
        """Ask the engine what it is and which images it has; nothing where it does not answer."""
        try:
            self._facts, had = self._engine.facts(), self._engine.images()
        except EngineDownError:
            return None, None
        return self._facts, had

    def _run(self, errand: Errand) -> Outcome:
        host = self._host(errand.runtime)
        begun = time.monotonic()
        try:
            with self._staying(errand) as leash:
                left = self._warmly(errand, leash) or self._freshly(errand, leash, host)
                return _outcome(*left, seconds=time.monotonic() - begun)
        finally:
            self._pool.refill()

    def _warmly(self, errand: Errand, leash: Leash) -> Left | None:
        """Run it in a container that waits, if there is one, and if it begins there."""
        warm = self._pool.take(errand)
        if warm is None:
            return None
        try:
            end = warm.serve(errand, leash)
            if not isinstance(end, NotBegun):
                return end, _left(end, warm.out, errand)
        except EngineDownError:
            raise
        except EngineError as error:
            return End(ended=Ended.ENGINE_FAILED, note=str(error)), ()
        finally:
            self._part(warm)
        if end.blind:
            self._pool.failed(warm.key, "what is mounted later does not appear in it")
        return None

    def _freshly(self, errand: Errand, leash: Leash, host: Host) -> Left:
        """Run it in a container that is made for it."""
        slot, root = self._slots.take(), self._rooms / f"{errand.room}-{secrets.token_hex(4)}"
        stay = Stay(self._engine, leash)
        try:
            here = place(root, allowed(errand.limits, host, slot), errand.luggage)
            end = stay.through(errand.cell(host, slot, here.binds))
            return end, _left(end, here.out, errand)
        except EngineDownError:
            raise
        except (
            EngineError
        ) as error:  # an engine that answers and refuses is an end, one that is gone is an error
            return End(ended=Ended.ENGINE_FAILED, note=str(error)), ()
        finally:
            self._chores.add(errand.job, partial(self._clear, stay, root, slot))

    def _host(self, runtime: str) -> Host:
        """Say where containers are made; raise `EngineDownError` where the engine cannot make them by this runtime."""
        facts = self._facts
        if facts is None or runtime not in facts.runtimes:
            facts = self._facts = self._engine.facts()
        if facts.is_old:
            raise EngineDownError(OLD_ENGINE.what.en)
        if runtime not in facts.runtimes:
            raise EngineDownError(
                f"the container engine has no runtime called {runtime}: docs/deploy/hosts.md"
            )
        return Host(domain=self._domain, guards=facts.guards, first_uid=facts.first_uid)

    @contextmanager
    def _staying(self, errand: Errand) -> Iterator[Leash]:
        leash, key = Leash(), (errand.job, errand.epoch)
        with self._lock:
            if key in self._stays:
                raise EngineError("this attempt of the job runs already")
            jobs = sum(not job.startswith(_READING) for job, _ in self._stays)
            is_full = jobs >= self._most and not errand.job.startswith(_READING)
            if is_full or not self._most:
                raise EngineError("every slot of this node is taken")
            self._stays[key] = leash
        try:
            yield leash
        finally:
            with self._lock:
                del self._stays[key]

    def _made(self, key: Key) -> Warm:
        """Give a container that is to be prepared; raise `EngineDownError` where the engine cannot make it."""
        host = self._host(key.runtime)
        name = f"{WARM}{secrets.token_hex(8)}"
        with self._lock:
            self._warms.add(name)
        lodging = Lodging(host=host, root=self._warm / name, slot=self._slots.take())
        return Warm(self._engine, key, lodging)

    def _part(self, warm: Warm) -> None:
        """End it now, and remove it soon."""
        warm.kill()
        self._chores.add(warm.name, partial(self._parted, warm))

    def _parted(self, warm: Warm) -> None:
        warm.clear()
        self._slots.give(warm.lodging.slot)
        with self._lock:
            self._warms.discard(warm.name)

    def _clear(self, stay: Stay, root: Path, slot: int) -> None:
        stay.clear()
        clear(root)
        self._slots.give(slot)


def _left(end: End, out: Path, errand: Errand) -> tuple[Artifact, ...] | Odd:
    if end.ended is not Ended.FINISHED:
        return ()
    return collect(out, errand.outputs, errand.limits)


def _outcome(end: End, left: tuple[Artifact, ...] | Odd, *, seconds: float) -> Outcome:
    return Outcome(
        ended=Ended.OUTPUT_REFUSED if isinstance(left, Odd) else end.ended,
        artifacts=() if isinstance(left, Odd) else left,
        seconds=seconds,
        conformity=end.conformity,
        note=left.note if isinstance(left, Odd) else end.note,
    )


def _answer(outcome: Outcome) -> bytes:
    """Return what the reader wrote; where it could not, say so in its place."""
    if outcome.ended is Ended.ENGINE_FAILED:
        raise EngineError(outcome.note)
    if outcome.artifacts:
        return outcome.artifacts[0].content
    why = "too large" if outcome.ended in _TOO_MUCH else "unreadable"
    return json.dumps({"refused": why}).encode()
