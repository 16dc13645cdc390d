"""Time stamps of OpenSSL's own authority, over real HTTP."""

import subprocess
import time
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificates

from gateway.anchoring.offer import AnchoringError, UnreachableError, UnsoundError
from gateway.anchoring.timestamp import Stamper
from tests.gateway.anchoring.outside import CANARY, Authority, Domain, Server, answering, now

REPLY = "application/timestamp-reply"


def stamper(url: str, root: bytes, *, seconds: float = 10) -> Stamper:
    roots = tuple(load_pem_x509_certificates(root))
    return Stamper(url, host="tsa.test", roots=roots, seconds=seconds)


def test_a_stamp_of_openssl_is_taken_and_openssl_takes_it_back(
    domain: Domain, authority: Authority, tmp_path: Path
) -> None:
    offer = domain.offer(domain.grown(3))
    server = Server(authority.reply)

    with answering(server) as url:
        evidence = stamper(url, authority.root).vouch(offer)

    (tmp_path / "note").write_text(offer.checkpoint.note, "utf-8")
    (tmp_path / "stamp.tsr").write_bytes(evidence)
    authority.run(
        *("ts", "-verify", "-data", str(tmp_path / "note"), "-CAfile", "ca.pem"),
        *("-in", str(tmp_path / "stamp.tsr")),
    )
    when = stamper("http://nowhere", authority.root).check(offer.checkpoint.note, evidence)
    assert when[:10] == now().date().isoformat()
    assert CANARY.encode() not in server.heard[0]
    assert len(server.heard[0]) < 100  # a digest and a number, whatever the log holds


def test_openssl_itself_refuses_the_stamp_for_another_note(
    domain: Domain, authority: Authority, tmp_path: Path
) -> None:
    with answering(Server(authority.reply)) as url:
        evidence = stamper(url, authority.root).vouch(domain.offer(domain.grown(3)))
    (tmp_path / "note").write_text(domain.grown().note, "utf-8")
    (tmp_path / "stamp.tsr").write_bytes(evidence)

    with pytest.raises(subprocess.CalledProcessError):
        authority.run(
            *("ts", "-verify", "-data", str(tmp_path / "note"), "-CAfile", "ca.pem"),
            *("-in", str(tmp_path / "stamp.tsr")),
        )


def test_a_stamp_under_another_root_is_refused(
    domain: Domain, authority: Authority, tmp_path: Path
) -> None:
    other = Authority.made(tmp_path / "other")

    with answering(Server(authority.reply)) as url, pytest.raises(UnsoundError, match="roots"):
        stamper(url, other.root).vouch(domain.offer(domain.grown(3)))


def test_a_stamp_that_is_played_again_is_refused(domain: Domain, authority: Authority) -> None:
    offer = domain.offer(domain.grown(3))
    with answering(Server(authority.reply)) as url:
        old = stamper(url, authority.root).vouch(offer)

    with answering(Server(lambda _: (200, REPLY, old))) as url, pytest.raises(UnsoundError):
        stamper(url, authority.root).vouch(offer)  # its number is another's


def test_a_stamp_over_another_checkpoint_is_refused(domain: Domain, authority: Authority) -> None:
    offers = [domain.offer(domain.grown(3)) for _ in range(2)]
    with answering(Server(authority.reply)) as url:
        first = stamper(url, authority.root)
        evidence = first.vouch(offers[0])

    with (
        answering(Server(lambda _: (200, REPLY, evidence))) as url,
        pytest.raises(UnsoundError, match="something else"),
    ):
        stamper(url, authority.root).vouch(offers[1])
    with pytest.raises(UnsoundError, match="something else"):
        first.check(offers[1].checkpoint.note, evidence)


REFUSED = bytes.fromhex("30053003020102")  # TimeStampResp { PKIStatusInfo { rejection } }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, REPLY, b""), UnsoundError),
        ((200, REPLY, b"\x30" * 500), UnsoundError),
        ((200, REPLY, REFUSED), UnsoundError),
        ((200, "text/html", b"<html>"), UnsoundError),
        ((200, REPLY, b"x" * 300_000), UnsoundError),
        ((404, "text/plain", b""), UnreachableError),
        ((503, "text/plain", b""), UnreachableError),
    ],
)
def test_each_bad_answer_has_its_error(
    domain: Domain,
    authority: Authority,
    answer: tuple[int, str, bytes],
    error: type[AnchoringError],
) -> None:
    with answering(Server(lambda _: answer)) as url, pytest.raises(error):
        stamper(url, authority.root).vouch(domain.offer(domain.grown(3)))


def test_a_stamp_with_a_byte_altered_is_refused_or_says_the_same(
    domain: Domain, authority: Authority
) -> None:
    note = domain.grown(3).note
    with answering(Server(authority.reply)) as url:
        asked = stamper(url, authority.root)
        evidence = asked.vouch(domain.offer(domain.sign()))
    truth, refused = asked.check(note, evidence), 0

    for place in range(len(evidence)):
        altered = bytearray(evidence)
        altered[place] ^= 0x10
        try:
            assert asked.check(note, bytes(altered)) == truth
        except UnsoundError:
            refused += 1

    assert refused > 0.9 * len(evidence)


def test_an_authority_that_is_slow_is_left_after_the_time_limit(
    domain: Domain, authority: Authority
) -> None:
    def slow(query: bytes) -> tuple[int, str, bytes]:
        time.sleep(1)
        return authority.reply(query)

    with answering(Server(slow)) as url, pytest.raises(UnreachableError):
        stamper(url, authority.root, seconds=0.2).vouch(domain.offer(domain.grown(3)))
