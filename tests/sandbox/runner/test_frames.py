"""The keeper's wire: what goes in comes out, and what is cut short or too large does not."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError
from sandbox.order import (
    Artifact,
    ContainerOrder,
    Ended,
    Limits,
    Outcome,
    OutputName,
)
from sandbox.runner.frames import MAX_BLOBS, MAX_HEAD, Frame, FrameError, receive, send
from sandbox.runner.messages import Answer, Message, Mistake, Ran, Read, Reap, Run, framed, said
from tests.sandbox.runner.conftest import LIMITS, output

FILES = st.lists(st.tuples(st.text(), st.binary(max_size=2000)), max_size=4).map(tuple)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def through(frame: Frame) -> Frame | None:
    near, far = socket.socketpair()
    with near, far:
        sender = threading.Thread(target=send, args=(near, frame))
        sender.start()
        try:
            return receive(far)
        finally:
            sender.join()


@given(head=st.binary(max_size=70_000), blobs=st.lists(st.binary(max_size=70_000), max_size=4))
def test_every_frame_arrives_as_it_was_sent(head: bytes, blobs: list[bytes]) -> None:
    frame = Frame(head=head, blobs=tuple(blobs))

    assert through(frame) == frame


def order(files: tuple[tuple[str, bytes], ...], limits: Limits) -> ContainerOrder:
    return ContainerOrder(
        job="J",
        epoch=2,
        scope="S",
        image=ImageDigest("sha256:0"),
        command=("a",),
        code=files,
        views=(),
        outputs=(output("O1"),),
        limits=limits,
    )


@given(files=FILES)
def test_every_message_says_after_the_wire_what_it_said_before(
    files: tuple[tuple[str, bytes], ...],
) -> None:
    artifacts = tuple(Artifact(OutputName(name), "csv", content) for name, content in files)
    messages: list[Message] = [
        Run(order=order(files, LIMITS), views=(("A", Path("/x")),)),
        Ran(outcome=Outcome(ended=Ended.FINISHED, artifacts=artifacts)),
        Answer(content=b"".join(content for _, content in files)),
        Reap(live=tuple(name for name, _ in files)),
    ]
    messages += [Read(artifact=one, asked="{}", limits=LIMITS) for one in artifacts]

    assert [said(framed(message)) for message in messages] == messages


def test_an_error_is_raised_on_the_askers_side_as_what_it_was() -> None:
    error = Mistake(error="EngineDownError", why="down").raised()

    assert isinstance(error, EngineDownError)
    assert str(error) == "down"


@pytest.mark.parametrize(
    "frame",
    [Frame(head=bytes(MAX_HEAD + 1)), Frame(head=b"", blobs=(b"",) * (MAX_BLOBS + 1))],
    ids=["head", "blobs"],
)
def test_a_frame_beyond_the_caps_is_not_sent(
    pair: tuple[socket.socket, socket.socket], frame: Frame
) -> None:
    with pytest.raises(FrameError):
        send(pair[0], frame)


@pytest.mark.parametrize(
    "raw",
    [b"\0", b"\xff" * 8, b"\0\0\0\1\0\0\0\1" + b"\xff" * 8, b"\0\0\0\4\0\0\0\0ab"],
    ids=["start cut", "counts too large", "blob too large", "head cut"],
)
def test_a_frame_that_is_cut_short_or_claims_too_much_is_not_taken(
    pair: tuple[socket.socket, socket.socket], raw: bytes
) -> None:
    pair[0].sendall(raw)
    pair[0].shutdown(socket.SHUT_WR)

    with pytest.raises(FrameError):
        receive(pair[1])
