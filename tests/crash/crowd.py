"""A crowd that keeps the domain busy, and a killer that spares none of its processes."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.client import Job
from sandbox.errors import EngineError
from tests.crash.journeys import JOURNEYS, Walk
from tests.crash.place import Place

_WALKERS = 3
_OFTEN = {
    "query": 12,
    "report": 5,
    "table": 3,
    "parquet table": 2,
    "cancelled": 2,
    "vetoed report": 1,
    "empty table": 1,
    "broken program": 1,
    "forbidden query": 1,
    "suspended": 1,
}
_CUT_SHORT = frozenset({"failed", "stopped", "refused"})
"""Where a job may end instead: cut twice, killed inside, or met by a suspension that another walker made."""
_UNJUDGED = ["egress.unjudged"]
"""Its inspection was killed twice: what cannot be judged stays in."""


@dataclass(slots=True)
class Crowd:
    """Walkers that take one journey after another until they are told to go home."""

    place: Place
    seed: str
    home_time: threading.Event = field(default_factory=threading.Event)
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def come(self) -> None:
        """Begin to walk."""
        for number in range(_WALKERS):
            walker = threading.Thread(target=self._walk, args=(f"{self.seed}-{number}",))
            walker.start()
            self.threads.append(walker)

    def go_home(self) -> None:
        """Let each walker finish the journey that it is on."""
        self.home_time.set()
        for walker in self.threads:
            walker.join()

    def _walk(self, name: str) -> None:
        dice = random.Random(name)
        number = 0
        while not self.home_time.is_set():
            [chosen] = dice.choices(list(_OFTEN), list(_OFTEN.values()))
            number += 1
            try:
                self._one(chosen, f"{name}-{number}")
            except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
                self.faults.append(f"{chosen} {name}-{number}: {type(error).__name__}: {error}")

    def _one(self, chosen: str, key: str) -> None:
        walk = Walk(domain=self.place.domain, journey=JOURNEYS[chosen], key=key)
        job = walk.whole()
        self.ends[f"{job.state} unjudged" if _rules(job) == _UNJUDGED else job.state] += 1
        if job.state not in {walk.journey.end, *_CUT_SHORT} and _rules(job) != _UNJUDGED:
            self.faults.append(f"{chosen} {key}: it ended as {job.state} {_rules(job)}")
        if walk.submitted().id != job.id:
            self.faults.append(f"{chosen} {key}: asked again, it is another job")


_SLOW = frozenset({"worker", "keeper"})
_SPARED = 0.8


@dataclass(slots=True)
class Killer:
    """Kills a process of the domain at a time, chosen by dice.

    Worker and keeper are spared, four times of five, until a job has come to its end since they died
    last: on a slow machine the domain would else do nothing but start.
    """

    place: Place
    dice: random.Random
    victims: Counter[str] = field(default_factory=Counter)
    seen: dict[str, int] = field(default_factory=dict)

    def strike(self, crowd: Crowd) -> None:
        """Kill one; where none of the chosen kind runs just now, another kind."""
        ended = crowd.ends.total()
        while True:
            [kind] = self.dice.choices(list(_KINDS), [share for share, _ in _KINDS.values()])
            if kind in _SLOW and self.seen.get(kind) == ended and self.dice.random() < _SPARED:
                continue
            if _KINDS[kind][1](self.place, self.dice):
                self.victims[kind] += 1
                self.seen[kind] = ended
                return


def _part(part: str) -> Callable[[Place, random.Random], bool]:
    def kill(place: Place, _dice: random.Random) -> bool:
        place.parts.kill(part)
        return True

    return kill


def _task(place: Place, dice: random.Random) -> bool:
    return _killed(place.parts.tasks(), dice)


def _container(place: Place, dice: random.Random) -> bool:
    pids = []
    for container in place.containers():
        with suppress(EngineError):  # it ended meanwhile
            pids.append(int(place.engine.inspect(container)["State"]["Pid"]))
    return _killed(pids, dice)


_KINDS: dict[str, tuple[int, Callable[[Place, random.Random], bool]]] = {
    "gateway": (7, _part("serve")),
    "keeper": (4, _part("keep")),
    "worker": (3, _part("work")),
    "task": (3, _task),
    "container": (4, _container),
}


def _killed(pids: Iterable[int], dice: random.Random) -> bool:
    alive = sorted(pid for pid in pids if pid > 0 and Path(f"/proc/{pid}").exists())
    if not alive:
        return False
    with suppress(ProcessLookupError):
        os.kill(dice.choice(alive), signal.SIGKILL)
    return True


def _rules(job: Job) -> list[str]:
    return [reason.rule for reason in job.reasons]
