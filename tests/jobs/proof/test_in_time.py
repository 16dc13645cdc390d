from dataclasses import replace

import pytest

from jobs.errors import RecordBrokenError
from jobs.proof.bodies import dump
from jobs.proof.certificate import issue, verify
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record.database import Record
from tests.jobs.proof.office import Office, known, made
from tests.jobs.record.examples import RELEASE


def test_what_a_retired_release_key_signed_before_its_end_stays_good(office: Office) -> None:
    seq = office.facts.log.seq
    file = issue(office.facts, key=office.release)
    ring = known(office.release.public, until=seq + 1)

    assert verify(file, keys=replace(office.trusted, release=ring)).facts == office.facts
    with pytest.raises(RecordBrokenError, match=rf"step 12 \(log\).*put away at entry {seq}$"):
        verify(file, keys=replace(office.trusted, release=known(office.release.public, until=seq)))


def test_a_retired_log_key_vouches_for_no_larger_log_than_its_last(office: Office) -> None:
    size = office.facts.log.size
    file = issue(office.facts, key=office.release)

    assert (
        verify(file, keys=replace(office.trusted, log=known(office.log.public, until=size))).facts
        == office.facts
    )
    with pytest.raises(RecordBrokenError, match=r"step 12 \(log\).*log's key was put away"):
        verify(file, keys=replace(office.trusted, log=known(office.log.public, until=size - 1)))


def test_a_grant_of_a_retired_key_stays_good(office: Office) -> None:
    file = issue(office.facts, key=office.release)

    assert (
        verify(file, keys=replace(office.trusted, grant=known(office.grant.public, until=0))).facts
        == office.facts
    )


@pytest.mark.parametrize("part", ["release", "grant", "log"])
def test_a_revoked_key_alone_is_not_believed_but_with_a_fresh_proof_it_is(
    office: Office, sqlite_record: Record, part: str
) -> None:
    file = issue(office.facts, key=office.release)
    next_log = SigningKey.unsaved(office.log.public.name)
    proof = made(sqlite_record, next_log, file)
    own: SigningKey = getattr(office, part)
    put_away = known(own.public, until=proof.size, revoked=proof.size)
    trusted = replace(office.trusted, **{part: put_away})
    logs = (*trusted.log.keys, *KeyRing.of(next_log.public).keys)
    trusted = replace(trusted, log=KeyRing(keys=logs))

    with pytest.raises(
        RecordBrokenError, match=r"step 12 \(log\).*ask the domain for a fresh proof"
    ):
        verify(file, keys=trusted)
    assert verify(file, keys=trusted, proof=dump(proof).encode()).facts == office.facts


def test_a_fresh_proof_must_be_of_this_certificate_and_older_than_the_revocation(
    office: Office, sqlite_record: Record
) -> None:
    file = issue(office.facts, key=office.release)
    other = issue(replace(office.facts, release=RELEASE.id), key=office.release) + b" "
    early = made(sqlite_record, office.log, file)
    late = made(sqlite_record, office.log, file)
    ring = known(office.release.public, until=late.seq, revoked=late.seq)
    trusted = replace(office.trusted, release=ring)
    wrong = {
        "another certificate": made(sqlite_record, office.log, other),
        "not about this release": made(sqlite_record, office.log, file, kind="release.downloaded"),
        f"revoked at entry {late.seq}": late,
        "not in the log": replace(early, leaf=early.leaf.replace("system", "sistem")),
        "at most 64 hashes": replace(early, hashes=early.hashes * 33),
        "signed a log of that size": replace(early, size=early.size + 1),
    }

    assert verify(file, keys=trusted, proof=dump(early).encode()).facts == office.facts
    for told, proof in wrong.items():
        with pytest.raises(RecordBrokenError, match=rf"step 12 \(log\): .*{told}"):
            verify(file, keys=trusted, proof=dump(proof).encode())
    for text in (b"", b"{}", b"[]" * 10, dump(early).encode()[:-1]):
        with pytest.raises(RecordBrokenError, match=r"step 12 \(log\)"):
            verify(file, keys=trusted, proof=text)
    with pytest.raises(RecordBrokenError, match="larger than"):
        verify(file, keys=trusted, proof=bytes(2**18 + 1))


def test_a_revoked_log_key_does_not_vouch_for_a_fresh_proof(
    office: Office, sqlite_record: Record
) -> None:
    file = issue(office.facts, key=office.release)
    proof = made(sqlite_record, office.log, file)
    trusted = replace(
        office.trusted, log=known(office.log.public, until=proof.size, revoked=proof.size)
    )

    with pytest.raises(RecordBrokenError, match="is not believed about"):
        verify(file, keys=trusted, proof=dump(proof).encode())


def test_a_proof_that_is_not_needed_must_be_good_all_the_same(
    office: Office, sqlite_record: Record
) -> None:
    file = issue(office.facts, key=office.release)
    proof = made(sqlite_record, office.log, file)

    assert verify(file, keys=office.trusted, proof=dump(proof).encode()).facts == office.facts
    with pytest.raises(RecordBrokenError, match="another certificate"):
        verify(file + b" ", keys=office.trusted, proof=dump(proof).encode())
