"""Leases: a job ends with whoever asked for it, also where the asker is only stopped or cut off."""

import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.order import ContainerOrder, Ended, Limits, Outcome
from sandbox.runner.client import KeeperClient
from sandbox.runner.frames import receive, send
from sandbox.runner.lease import BEAT_SECONDS, LIFE_SECONDS, Leases, while_held
from sandbox.runner.messages import Cancel, Hold, Ran, framed

SLACK = 0.5


@dataclass
class Work:
    """Goes on until it is given up, as a container does."""

    over: threading.Event = field(default_factory=threading.Event)

    def act(self) -> str:
        return "stopped" if self.over.wait(20) else "ended by itself"


def seconds_until_given_up(keeper: socket.socket) -> float:
    work, began = Work(), time.monotonic()
    assert while_held(keeper, work.act, give_up=work.over.set) == "stopped"
    return time.monotonic() - began


def test_an_asker_that_falls_silent_without_closing_has_lost_its_job_after_five_seconds() -> None:
    asker, keeper = socket.socketpair()
    with asker, keeper:
        took = seconds_until_given_up(keeper)

    assert LIFE_SECONDS <= took < LIFE_SECONDS + SLACK


def test_every_beat_gives_the_job_five_seconds_more() -> None:
    asker, keeper = socket.socketpair()
    beats = 3

    def beat() -> None:
        for _ in range(beats):
            time.sleep(BEAT_SECONDS)
            send(asker, framed(Hold()))

    with asker, keeper:
        thread = threading.Thread(target=beat)
        thread.start()
        took = seconds_until_given_up(keeper)
        thread.join()

    assert took >= beats * BEAT_SECONDS + LIFE_SECONDS


@pytest.mark.parametrize("end", ["close", "half a frame", "another word"])
def test_an_asker_that_closes_or_says_something_else_loses_its_job_at_once(end: str) -> None:
    asker, keeper = socket.socketpair()
    with keeper:
        if end == "half a frame":
            asker.sendall(b"\0\0")
        if end == "another word":
            send(asker, framed(Cancel(job="J-1")))
        asker.close()
        took = seconds_until_given_up(keeper)

    assert took < SLACK


def test_what_begins_only_after_it_was_given_up_is_given_up_again() -> None:
    asker, keeper = socket.socketpair()
    asker.close()
    words: list[float] = []
    late = threading.Event()

    def give_up() -> None:
        words.append(time.monotonic())
        if len(words) > 1:
            late.set()

    with keeper:
        assert while_held(keeper, lambda: late.wait(10), give_up=give_up)

    assert len(words) == 2


def test_a_job_is_held_as_long_as_any_of_its_attempts_is() -> None:
    leases = Leases()

    with leases.held("J-1"):
        with leases.held("J-1"):
            pass
        assert leases.jobs == {"J-1"}
    assert leases.jobs == frozenset()


def test_an_answer_that_crosses_a_beat_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "keeper.sock"
    answer = Ran(outcome=Outcome(ended=Ended.FINISHED))
    limits = Limits(
        seconds=5, memory_bytes=1, cpus=1.0, processes=1, output_bytes=1, output_files=1
    )
    order = ContainerOrder(
        job="J-1",
        epoch=1,
        scope="SC-1",
        image=ImageDigest("sha256:0"),
        command=("true",),
        views=(),
        outputs=(),
        limits=limits,
    )

    def answers_after_it_stopped_listening() -> None:
        connection, _ = listener.accept()
        with connection:
            receive(connection)
            connection.shutdown(socket.SHUT_RD)  # the next beat meets a broken pipe
            time.sleep(1.5 * BEAT_SECONDS)
            send(connection, framed(answer))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        keeper = threading.Thread(target=answers_after_it_stopped_listening)
        keeper.start()
        outcome = KeeperClient(path).run(order, [])
        keeper.join()

    assert outcome.ended is Ended.FINISHED
