"""The client of a witness, against a witness over real HTTP and against servers that answer badly."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.offer import (
    AnchoringError,
    ForkError,
    OvertakenError,
    StrangerError,
    UnreachableError,
    UnsoundError,
)
from gateway.anchoring.request import AddCheckpoint
from gateway.anchoring.witness import Cosigned, Elsewhere, Witness
from jobs.proof.cosignature import WitnessKey, cosign
from jobs.proof.keys import SigningKey
from tests.gateway.anchoring.outside import CANARY, Domain, Server, answering, now, witness

OWN = SigningKey.unsaved("witness.test/w1")
LATER = timedelta(hours=1)


def wire(watching: Witness) -> Server:
    """Return a server that says what `watching` says, and keeps what it was sent."""

    def answer(body: bytes) -> tuple[int, str, bytes]:
        found = watching.add(body)
        if isinstance(found, Cosigned):
            return 200, "text/plain", found.line.encode()
        if isinstance(found, Elsewhere):
            return 409, "text/x.tlog.size", f"{found.size}\n".encode()
        return found.status, "text/plain", found.why.encode()

    return Server(answer)


@pytest.fixture
def served(tmp_path: Path, log_key: SigningKey) -> Iterator[tuple[Server, Cosigner]]:
    (tmp_path / "witness").mkdir()
    server = wire(witness(tmp_path / "witness", OWN, log_key))
    with answering(server) as url:
        yield server, client(url)


def client(url: str, *, seconds: float = 10) -> Cosigner:
    return Cosigner(url, key=WitnessKey.of(OWN), clock=now, seconds=seconds)


def saying(status: int, body: bytes) -> Server:
    return Server(lambda _: (status, "text/plain", body))


def test_a_witness_vouches_and_its_line_is_the_evidence(
    domain: Domain, served: tuple[Server, Cosigner]
) -> None:
    offer = domain.offer(domain.grown(5))

    evidence = served[1].vouch(offer)

    assert evidence.startswith("\u2014 witness.test/w1 ".encode())
    assert served[1].check(offer.checkpoint.note, evidence)[:10] == now().date().isoformat()


def test_what_the_witness_is_sent_holds_sizes_hashes_and_signatures_alone(
    domain: Domain, served: tuple[Server, Cosigner]
) -> None:
    served[1].vouch(domain.offer(domain.grown(5)))
    served[1].vouch(domain.offer(domain.grown(4), since=5))

    for body in served[0].heard:
        asked = AddCheckpoint.read(body)
        assert asked.written() == body
        assert asked.note.count("\n") == 5  # origin, size, root, a gap, a signature
        assert CANARY.encode() not in body
        assert b"J-1" not in body


@pytest.mark.parametrize("since", [0, 3, 5])
def test_a_size_that_the_record_forgot_is_asked_of_the_witness(
    domain: Domain, served: tuple[Server, Cosigner], since: int
) -> None:
    domain.grown(3)
    served[1].vouch(domain.offer(domain.grown(2)))
    offer = domain.offer(domain.grown(4), since=since)

    assert served[1].vouch(offer)


def test_a_witness_that_forgot_is_brought_up_from_nothing(
    domain: Domain, served: tuple[Server, Cosigner]
) -> None:
    assert served[1].vouch(domain.offer(domain.grown(5), since=5))


@pytest.mark.parametrize("more", [0, 2])
def test_a_fork_under_the_same_key_is_called_one(
    domain: Domain, twin: Domain, served: tuple[Server, Cosigner], more: int
) -> None:
    served[1].vouch(domain.offer(domain.grown(5)))
    forked = twin.grown(5 + more, what="another history")

    for since in (0, 5):
        with pytest.raises(ForkError):
            served[1].vouch(twin.offer(forked, since=since))


def test_a_log_that_was_cut_is_called_a_fork(
    domain: Domain, twin: Domain, served: tuple[Server, Cosigner]
) -> None:
    served[1].vouch(domain.offer(domain.grown(5)))

    with pytest.raises(ForkError):
        served[1].vouch(twin.offer(twin.grown(3)))


def test_a_checkpoint_that_was_overtaken_is_no_fork(
    domain: Domain, served: tuple[Server, Cosigner]
) -> None:
    older = domain.offer(domain.grown(3))
    served[1].vouch(domain.offer(domain.grown(2)))

    with pytest.raises(OvertakenError):
        served[1].vouch(older)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", UnsoundError),
        (200, b"\xff\xfe" * 100, UnsoundError),
        (200, b"x" * 300_000, UnsoundError),
        (204, b"", UnsoundError),
        (302, b"", UnsoundError),
        (400, b"", UnsoundError),
        (403, b"", StrangerError),
        (404, b"", StrangerError),
        (409, b"", UnsoundError),
        (409, b"-1\n", UnsoundError),
        (409, b"0\n", OvertakenError),
        (409, b"4\n", ForkError),
        (422, b"", ForkError),
        (500, b"", UnreachableError),
    ],
)
def test_each_bad_answer_has_its_error(
    domain: Domain, status: int, body: bytes, error: type[AnchoringError]
) -> None:
    offer = domain.offer(domain.grown(3))

    with answering(saying(status, body)) as url, pytest.raises(error):
        client(url).vouch(offer)


def test_only_the_key_of_the_settings_is_believed(domain: Domain) -> None:
    offer = domain.offer(domain.grown(3))
    other = SigningKey.unsaved(OWN.public.name)
    lines = [cosign(offer.checkpoint.note, other, at=now())]
    lines.append(cosign(domain.grown().note, OWN, at=now()))  # its own, over something else
    lines.append(cosign(offer.checkpoint.note, OWN, at=now() + LATER))

    for line in lines:
        with answering(saying(200, line.encode())) as url, pytest.raises(UnsoundError):
            client(url).vouch(offer)


def test_lines_of_others_beside_the_witness_are_left_out(domain: Domain) -> None:
    offer = domain.offer(domain.grown(3))
    mine = cosign(offer.checkpoint.note, OWN, at=now())
    others = cosign(offer.checkpoint.note, SigningKey.unsaved("another.test/w"), at=now())

    with answering(saying(200, (others + mine + "chatter\n").encode())) as url:
        assert client(url).vouch(offer) == mine.encode()


def test_a_witness_that_hangs_is_left_after_the_time_limit(domain: Domain) -> None:
    offer = domain.offer(domain.grown(3))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun = time.monotonic()

        with pytest.raises(UnreachableError):
            client(f"http://127.0.0.1:{mute.getsockname()[1]}", seconds=0.3).vouch(offer)

    assert time.monotonic() - begun < 3


def test_a_witness_that_drips_does_not_hold_the_line_for_longer(domain: Domain) -> None:
    offer, stop = domain.offer(domain.grown(3)), time.monotonic() + 5

    def drip(_: bytes) -> tuple[int, str, bytes]:
        while time.monotonic() < min(stop, begun + 2):
            time.sleep(0.05)
        return 200, "text/plain", b""

    begun = time.monotonic()
    with answering(Server(drip)) as url, pytest.raises(UnreachableError):
        client(url, seconds=0.3).vouch(offer)


def test_a_witness_that_is_not_there_is_unreachable(domain: Domain) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    for url in (f"http://127.0.0.1:{port}", "http://127.0.0.1:99999", "http://[::1"):
        with pytest.raises(UnreachableError):
            client(url).vouch(domain.offer(domain.grown(3)))
