"""Removals off the way: done soon, tried again, and never holding up the others; numbers that are never shared."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.errors import EngineError
from sandbox.runner.chores import Chores
from sandbox.runner.slots import Slots
from sandbox.runner.stay import Leash
from tests.sandbox.runner.conftest import until


def test_a_chore_is_tried_until_it_is_done_and_named_until_then() -> None:
    chores, tries = Chores(), list[int]()

    def chore() -> None:
        tries.append(1)
        if len(tries) < 2:
            raise EngineError("not now")

    chores.add("J", chore)

    assert chores.names == {"J"}
    until(lambda: chores.names == frozenset())
    assert len(tries) == 2
    chores.close(1)


@pytest.mark.parametrize("error", [EngineError("no"), ValueError("no")])
def test_chores_that_fail_hold_up_no_others_and_no_end(error: Exception) -> None:
    chores, done = Chores(), threading.Event()

    def fail() -> None:
        raise error

    for number in range(3):
        chores.add(f"stuck-{number}", fail)
    chores.add("J", done.set)

    assert done.wait(5)
    chores.close(5)
    assert chores.names == frozenset()


def test_no_two_hold_one_number_at_a_time() -> None:
    slots = Slots()
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: slots.take(), range(100)))

    slots.give(41)

    assert sorted(taken) == list(range(100))
    assert [slots.take(), slots.take()] == [41, 100]


def test_what_was_let_go_of_is_not_ended_any_more() -> None:
    leash, ended = Leash(), list[str]()

    assert leash.hold(lambda: ended.append("first"))
    leash.pull()
    assert not leash.hold(lambda: ended.append("second"))
    leash.hold(lambda: None)
    leash.pull()

    assert ended == ["first"]
