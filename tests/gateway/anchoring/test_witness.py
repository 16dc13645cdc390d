"""The witness's decisions, over real folders; its process is tested with the command line."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.anchoring.offer import Offer
from gateway.anchoring.request import AddCheckpoint
from gateway.anchoring.witness import Cosigned, Elsewhere, Turned, Witness
from gateway.anchoring.witness_app import witness_app
from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import sign_checkpoint
from jobs.proof.cosignature import WitnessKey, cosigned, vouchers
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Hashing, Head
from tests.gateway.anchoring.outside import Domain, witness

OWN = SigningKey.unsaved("witness.test/w1")


@pytest.fixture
def watching(tmp_path: Path, log_key: SigningKey) -> Witness:
    return again(tmp_path, log_key)


def again(tmp_path: Path, log_key: SigningKey) -> Witness:
    """Return the witness as it stands after a restart."""
    folder = tmp_path / "witness"
    folder.mkdir(exist_ok=True)
    return witness(folder, OWN, log_key)


def asking(offer: Offer) -> bytes:
    note, proof = offer.checkpoint.note, offer.prove(offer.since)
    return AddCheckpoint(old=offer.since, proof=proof, note=note).written()


def test_a_log_that_only_grows_is_cosigned_at_each_size(domain: Domain, watching: Witness) -> None:
    size = 0
    for count in (1, 1, 3, 8, 200):
        offer = domain.offer(domain.grown(count), since=size)

        answer = watching.add(asking(offer))

        assert isinstance(answer, Cosigned)
        note = cosigned(offer.checkpoint.note, answer.line, [WitnessKey.of(OWN)])
        assert [each.witness for each in vouchers(note, [WitnessKey.of(OWN)])] == [OWN.public.name]
        size = offer.checkpoint.head.size


def test_the_same_checkpoint_is_cosigned_again(domain: Domain, watching: Witness) -> None:
    signed = domain.grown(3)
    watching.add(asking(domain.offer(signed)))

    assert isinstance(watching.add(asking(domain.offer(signed, since=3))), Cosigned)


def test_a_fork_is_refused_at_a_larger_size_and_at_the_same(
    domain: Domain, twin: Domain, watching: Witness
) -> None:
    watching.add(asking(domain.offer(domain.grown(5))))
    same = twin.grown(5, what="another history")

    answers = [
        watching.add(asking(twin.offer(same, since=5))),
        watching.add(asking(twin.offer(twin.grown(4), since=5))),
    ]

    assert answers[0] == Elsewhere(size=5)
    assert isinstance(answers[1], Turned)
    assert answers[1].status == 422


def test_a_log_is_never_rolled_back(domain: Domain, watching: Witness) -> None:
    small = domain.grown(5)
    watching.add(asking(domain.offer(domain.grown(5))))

    answers = [watching.add(asking(domain.offer(small, since=size))) for size in (0, 5)]

    assert answers == [Elsewhere(size=10), Elsewhere(size=10)]


def test_what_was_cosigned_is_remembered_over_a_restart(
    domain: Domain, twin: Domain, tmp_path: Path, log_key: SigningKey
) -> None:
    again(tmp_path, log_key).add(asking(domain.offer(domain.grown(5))))
    fork = twin.grown(7, what="another history")

    assert again(tmp_path, log_key).add(asking(twin.offer(fork))) == Elsewhere(size=5)
    answer = again(tmp_path, log_key).add(asking(twin.offer(fork, since=5)))
    assert isinstance(answer, Turned)


def test_of_many_at_once_the_sizes_only_rise_and_every_fork_loses(
    domain: Domain, twin: Domain, tmp_path: Path, log_key: SigningKey
) -> None:
    offers = [
        asking(each.offer(each.grown(1, what=what)))
        for _ in range(8)
        for each, what in ((domain, "one"), (twin, "another"))
    ]
    several = [again(tmp_path, log_key) for _ in offers]  # each as another process would have it

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].add(pair[1]), zip(several, offers, strict=True))
        )

    assert sum(isinstance(answer, Cosigned) for answer in answers) == 1


def test_a_memory_that_was_altered_cosigns_nothing(
    domain: Domain, watching: Witness, tmp_path: Path
) -> None:
    watching.add(asking(domain.offer(domain.grown(5))))
    (memory,) = (tmp_path / "witness").glob("*.note")
    memory.write_text(memory.read_text("utf-8").replace("\n5\n", "\n4\n"), "utf-8")

    with pytest.raises(RecordBrokenError):
        watching.add(asking(domain.offer(domain.grown(1), since=5)))
    assert (
        TestClient(witness_app(watching))
        .post("/add-checkpoint", content=asking(domain.offer(domain.sign(), since=5)))
        .status_code
        == 500
    )


def test_a_write_that_was_cut_short_leaves_the_memory_whole(
    domain: Domain, watching: Witness, tmp_path: Path
) -> None:
    watching.add(asking(domain.offer(domain.grown(5))))
    (memory,) = (tmp_path / "witness").glob("*.note")
    memory.with_suffix(".new").write_text("half a li", "utf-8")

    assert isinstance(watching.add(asking(domain.offer(domain.grown(1), since=5))), Cosigned)


def test_a_log_under_chinese_commercial_cryptography_is_watched_as_well(
    domain: Domain, twin: Domain, tmp_path: Path
) -> None:
    key = SigningKey.unsaved("shuyu.test/log", Suite.SM2)
    for each in (domain, twin):
        each.record.found(domain="shuyu.test", hashing=Hashing.SM3)
    log, fork = (Domain(record=each.record, key=key) for each in (domain, twin))
    watching = again(tmp_path, key)

    grown = [watching.add(asking(log.offer(log.grown(4))))]
    size = log.sign().head.size
    grown.append(watching.add(asking(log.offer(log.grown(3), since=size))))
    answer = watching.add(asking(fork.offer(fork.grown(20, what="another"), since=size + 3)))

    assert [type(each) for each in grown] == [Cosigned, Cosigned]
    assert isinstance(answer, Turned)


def test_each_reason_has_the_status_of_the_specification(
    domain: Domain, watching: Witness, log_key: SigningKey
) -> None:
    stranger, forger = SigningKey.unsaved("other.test/log"), SigningKey.unsaved(log_key.public.name)
    head = Head(size=2, root=bytes(32))
    notes = [sign_checkpoint(head, each).note for each in (stranger, forger, log_key)]
    offered = domain.offer(domain.grown(3))
    watching.add(asking(offered))
    bad_proof = AddCheckpoint(old=3, proof=(bytes(32),), note=domain.grown(2).note)
    http = TestClient(witness_app(watching))

    def status(asked: AddCheckpoint | bytes) -> int:
        body = asked if isinstance(asked, bytes) else asked.written()
        return http.post("/add-checkpoint", content=body).status_code

    assert status(b"old 0\n\nnothing\n") == 400
    assert status(AddCheckpoint(old=3, proof=(), note=notes[2])) == 400
    assert status(AddCheckpoint(old=0, proof=(), note=notes[0])) == 404
    assert status(AddCheckpoint(old=0, proof=(), note=notes[1])) == 403
    assert status(asking(offered)) == 409
    assert status(bad_proof) == 422
    assert status(b"x" * 100_000) == 413
    assert http.get("/add-checkpoint").status_code == 405


def test_a_stale_size_is_answered_with_the_size_it_remembers(
    domain: Domain, watching: Witness
) -> None:
    offered = asking(domain.offer(domain.grown(3)))
    watching.add(offered)

    answer = TestClient(witness_app(watching)).post("/add-checkpoint", content=offered)

    assert (answer.status_code, answer.text) == (409, "3\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"


def test_the_answer_is_one_line_of_a_signed_note(domain: Domain, watching: Witness) -> None:
    body = asking(domain.offer(domain.grown(3)))

    answer = TestClient(witness_app(watching)).post("/add-checkpoint", content=body)

    assert answer.status_code == 200
    assert re.fullmatch(r"\u2014 witness\.test/w1 [A-Za-z0-9+/]+=*\n", answer.text)
