"""The pool's own rules, with containers that only pretend: how many wait, for whom, how long, and after what."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import EngineError
from sandbox.runner.errand import Errand, Key
from sandbox.runner.pool import Pool, Warmth
from tests.sandbox.runner.conftest import LIMITS, until

WARMTH = Warmth(each=2, total=4, memory_bytes=1000, idle_seconds=60)


@dataclass
class Pretended:
    """A container that pretends."""

    key: Key
    memory: int = 10
    fails: bool = False
    is_waiting: bool = True
    modules: frozenset[str] = frozenset({"json"})
    kill: Callable[[], None] = field(default=lambda: None)

    def prepare(self) -> None:
        if self.fails:
            raise EngineError("no")


@dataclass
class Yard:
    """Where they are made and parted with."""

    fails: bool = False
    memory: int = 10
    made: list[Pretended] = field(default_factory=list)
    parted: list[Pretended] = field(default_factory=list)

    def make(self, key: Key) -> Pretended:
        self.made.append(Pretended(key, fails=self.fails, memory=self.memory))
        return self.made[-1]


@pytest.fixture
def yard() -> Yard:
    return Yard()


@pytest.fixture
def pooled(yard: Yard, tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools = []

    def opened(**changes: float) -> Pool:
        warmth = replace(WARMTH, **changes)  # type: ignore[arg-type]
        pool = Pool(warmth, make=yard.make, part=yard.parted.append, file=tmp_path / "warm.json")  # type: ignore[arg-type]
        pool.start(lambda _: True)
        pools.append(pool)
        return pool

    yield opened
    for pool in pools:
        pool.close()


def errand(image: str = "a", *files: str) -> Errand:
    return Errand(
        job="J",
        epoch=1,
        image=ImageDigest(image),
        command=("python3", "-c", "1"),
        runtime="runc",
        limits=LIMITS,
        files=tuple((name, b"") for name in files),
        views=(),
        outputs=frozenset(),
    )


def counts(pool: Pool) -> dict[str, int]:
    return {one.image: one.count for one in pool.waiting}


def test_a_key_is_learned_by_its_first_job(pooled: Callable[..., Pool]) -> None:
    pool = pooled()

    assert pool.take(errand()) is None

    until(lambda: counts(pool) == {"a": 2})


def test_none_is_given_twice_and_all_that_were_not_given_are_parted_with(
    yard: Yard, pooled: Callable[..., Pool]
) -> None:
    pool = pooled(each=4)
    pool.take(errand())
    until(lambda: counts(pool) == {"a": 4})

    with ThreadPoolExecutor(8) as threads:
        taken = [one for one in threads.map(lambda _: pool.take(errand()), range(8)) if one]
    pool.close()

    assert len(taken) >= 4
    assert len({id(one) for one in taken}) == len(taken)
    given = {id(one) for one in (*taken, *yard.parted)}
    assert given == {id(one) for one in yard.made}
    assert len(taken) + len(yard.parted) == len(yard.made)


def test_the_keys_used_last_share_what_may_wait_in_all(pooled: Callable[..., Pool]) -> None:
    pool = pooled()

    for image in ("a", "b", "c", "b"):
        pool.take(errand(image))

    until(lambda: counts(pool) == {"b": 2, "c": 2})


def test_what_waits_is_bounded_by_memory(yard: Yard, pooled: Callable[..., Pool]) -> None:
    yard.memory = 400
    pool = pooled(each=4)

    pool.take(errand())
    until(lambda: counts(pool) == {"a": 2})
    time.sleep(0.2)

    assert len(yard.made) == 2


def test_a_key_without_jobs_is_given_up(yard: Yard, pooled: Callable[..., Pool]) -> None:
    pool = pooled(idle_seconds=0.5)
    pool.take(errand())
    pool.refill()

    until(lambda: yard.made and len(yard.parted) == len(yard.made) and counts(pool) == {})


def test_containers_that_die_or_cannot_be_made_start_no_storm(
    yard: Yard, pooled: Callable[..., Pool]
) -> None:
    pool = pooled()
    pool.take(errand())
    until(lambda: counts(pool) == {"a": 2})

    yard.fails = True
    for one in yard.made:
        one.is_waiting = False
    until(lambda: len(yard.parted) == 2)
    assert [one.en for one in pool.slower] != []
    time.sleep(3)

    assert len(yard.made) <= 3
    assert pool.take(errand()) is None


def test_a_container_that_died_while_it_waited_is_not_given(
    yard: Yard, pooled: Callable[..., Pool]
) -> None:
    pool = pooled()
    pool.take(errand())
    until(lambda: counts(pool) == {"a": 2})

    yard.made[0].is_waiting = False

    assert id(pool.take(errand())) == id(yard.made[1])


def test_a_job_whose_file_bears_the_name_of_what_is_imported_already_gets_none(
    pooled: Callable[..., Pool],
) -> None:
    pool = pooled()
    pool.take(errand())
    until(lambda: counts(pool) == {"a": 2})

    assert pool.take(errand("a", "main.py", "lib/json.py")) is None
    assert pool.take(errand("a", "main.py")) is not None


def test_what_was_asked_for_is_remembered_over_a_restart_and_a_spoilt_memory_is_none(
    pooled: Callable[..., Pool], tmp_path: Path
) -> None:
    pool = pooled()
    pool.take(errand())
    until(lambda: counts(pool) == {"a": 2})
    pool.close()

    until(lambda: counts(pooled()) == {"a": 2})
    (tmp_path / "warm.json").write_text("spoilt")

    assert counts(pooled()) == {}


@pytest.mark.parametrize(
    ("command", "interpreter"),
    [
        (("python3", "/job/main.py", "x"), "python3"),
        (("/usr/bin/python3.11", "-c", "1"), "/usr/bin/python3.11"),
        (("python3", "-c"), None),
        (("python3", "-m", "x"), None),
        (("python3", "main.py"), None),
        (("python3", "/job/../job/main.py"), None),
        (("python3", "/job"), None),
        (("python3", "-c", "1", "\0"), None),
        (("python3",), None),
        (("bash", "-c", "1"), None),
        (("pypython3", "/job/main.py"), None),
    ],
    ids=str,
)
def test_only_a_script_and_code_for_a_python_have_a_key(
    command: tuple[str, ...], interpreter: str | None
) -> None:
    key = replace(errand(), command=command).key

    assert (key.interpreter if key else None) == interpreter
