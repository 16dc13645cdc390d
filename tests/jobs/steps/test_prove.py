from pathlib import Path
from typing import Any

import pytest

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.proof import dsse
from jobs.proof.bodies import digest_of, dump, load
from jobs.proof.certificate import verify
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Hashing, leaf_hash, verify_inclusion
from jobs.proof.ring import KeyRing
from jobs.proof.statement import LogProof
from jobs.proof.trusted import PARTS
from jobs.record import log
from jobs.record.database import Record
from jobs.release import ReleaseId
from jobs.steps.prove import prove
from tests.jobs.steps.town import Clock, Keys, Town


def proved(town: Town, release: ReleaseId) -> LogProof:
    with town.record.reading() as tx:
        return prove(tx, release, keys=KeyRing.of(town.keys.log.public))


@pytest.mark.req("J-02")
def test_a_certificate_is_proved_to_stand_in_the_log_by_its_digest(either: Town) -> None:
    out = either.release(either.approved())
    with either.record.writing() as tx:
        log.checkpoint(tx, either.keys.log)

    proof = proved(either, out.id)

    head = KeyRing.of(either.keys.log.public).open(proof.checkpoint).head
    leaf = proof.leaf.encode()
    assert verify_inclusion(leaf_hash(leaf), seq=proof.seq, head=head, proof=proof.hashes)
    facts = load(dict[str, object], leaf)["facts"]
    certificate = either.hands.shelf.fetch(out.certificate)
    assert isinstance(facts, dict)
    assert facts["certificate"] == digest_of(certificate) == out.certificate
    used = verify(certificate, keys=either.keys.trusted).facts.keys
    assert (facts["release_key"], facts["grant_key"], facts["log_key"]) == (
        *(used.release, used.grant, used.log),
    )


def test_before_the_log_is_signed_again_there_is_no_proof_yet(town: Town) -> None:
    out = town.release(town.approved())

    with pytest.raises(OutOfOrderError, match="ask again in a few seconds"):
        proved(town, out.id)


def test_a_checkpoint_of_a_key_that_is_not_believed_proves_nothing(town: Town) -> None:
    out = town.release(town.approved())
    with town.record.writing() as tx:
        size = log.checkpoint(tx, town.keys.log).head.size
    revoked = KeyRing(
        keys=tuple(
            type(known)(public=known.public, until=size, revoked=size)
            for known in KeyRing.of(town.keys.log.public).keys
        )
    )

    with pytest.raises(OutOfOrderError), town.record.reading() as tx:
        prove(tx, out.id, keys=revoked)


def test_under_sm2_a_release_and_its_proof_are_of_the_suite_from_end_to_end(
    sqlite_record: Record, tmp_path: Path
) -> None:
    sqlite_record.found(domain="shuyu.test", hashing=Hashing.SM3)
    parts = {part: SigningKey.unsaved(f"shuyu.test/{part}", Suite.SM2) for part in PARTS}
    town = Town(record=sqlite_record, folder=tmp_path, clock=Clock(), keys=Keys(**parts))
    town.settle()
    out = town.release(town.approved())
    with sqlite_record.writing() as tx:
        log.checkpoint(tx, town.keys.log)

    shelf = town.hands.shelf
    certificate, files = (
        shelf.fetch(out.certificate),
        {f.file: shelf.fetch(f.digest) for f in out.files},
    )
    proof = dump(proved(town, out.id)).encode()

    assert verify(certificate, keys=town.keys.trusted, files=files, proof=proof).files_seen
    (subject,) = load(dict[str, Any], dsse.read(certificate).payload)["subject"]
    assert subject["digest"]["sm3"] == Hashing.SM3.digest(files[subject["name"]]).hex()


def test_there_is_no_proof_of_a_release_that_was_never_made(town: Town) -> None:
    with pytest.raises(NotFoundError):
        proved(town, ReleaseId("R-NEVER"))
