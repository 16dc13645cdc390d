import base64
import hashlib
import json
from dataclasses import replace

import pytest

from jobs.errors import RecordBrokenError
from jobs.proof import dsse, statement
from jobs.proof.certificate import issue, verify
from jobs.proof.keys import Suite
from jobs.proof.merkle import Hashing
from jobs.proof.statement import CertificateFacts
from jobs.record.database import Record
from tests.jobs.proof.office import CONTENTS, Office, sm3
from tests.jobs.record.examples import BYTES


def test_a_proof_of_more_hashes_than_any_tree_needs_is_refused_by_its_length(
    office: Office,
) -> None:
    proof = replace(office.facts.log, hashes=(bytes(32),) * 65)

    with pytest.raises(RecordBrokenError, match="at most 64 hashes"):
        verify(office.sealed(replace(office.facts, log=proof)), keys=office.trusted)


def test_a_checkpoint_longer_than_any_note_is_refused(office: Office) -> None:
    note = office.facts.log.checkpoint
    proof = replace(office.facts.log, checkpoint=note + "\u2014 w AAAA\n" * 1000)

    with pytest.raises(RecordBrokenError, match=r"step 12 \(log\)"):
        verify(office.sealed(replace(office.facts, log=proof)), keys=office.trusted)


@pytest.mark.parametrize(
    ("was", "now"),
    [(b'"epoch":1', b'"epoch":1.0'), (b'"epoch":1', b'"epoch":"1"'), (b'{"_type"', b'{ "_type"'),
     (b'"epoch":1', b'"epoch":1,"extra":1'), (b'"code":null,', b""), (b'"cpus":1.0', b'"cpus":1e400'),
     (b'"delta":"0"', b'"delta":"\\u0030"')],
)  # fmt: skip
def test_a_statement_is_written_in_one_way_only(office: Office, was: bytes, now: bytes) -> None:
    payload = statement.write(office.facts)
    assert was in payload

    with pytest.raises(RecordBrokenError, match=r"step 4 \(statement\)"):
        verify(dsse.seal(payload.replace(was, now, 1), office.release), keys=office.trusted)


def test_an_envelope_is_base64_as_it_is_written_and_in_no_other_way(office: Office) -> None:
    envelope = json.loads(issue(office.facts, key=office.release))
    spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sig = envelope["signatures"][0]["sig"]
    bent = sig[:-3] + spare[spare.index(sig[-3]) ^ 1] + "=="
    assert base64.b64decode(bent) == base64.b64decode(sig)

    envelope["signatures"][0]["sig"] = bent
    with pytest.raises(RecordBrokenError, match=r"step 2 \(envelope\).*base64"):
        verify(json.dumps(envelope).encode(), keys=office.trusted)


@pytest.fixture
def sm2_office(sm3_record: Record) -> Office:
    return Office.opened(sm3_record, Suite.SM2)


def test_under_sm2_both_digests_of_every_file_are_stated_and_verified(sm2_office: Office) -> None:
    digests = sm3(sm2_office.facts, sm2_office.release)
    file = issue(sm2_office.facts, key=sm2_office.release, sm3=digests)
    said = json.loads(base64.b64decode(json.loads(file)["payload"]))

    assert said["subject"][0]["digest"] == {
        "sha256": hashlib.sha256(BYTES).hexdigest(),
        "sm3": hashlib.new("sm3", BYTES).hexdigest(),
    }
    assert verify(file, keys=sm2_office.trusted, files={"O1.csv": BYTES}).files_seen
    other = dsse.seal(statement.write(sm2_office.facts, sm3=("0" * 64,)), sm2_office.release)
    with pytest.raises(RecordBrokenError, match=r"step 5 \(files\)"):
        verify(other, keys=sm2_office.trusted, files={"O1.csv": BYTES})


@pytest.mark.parametrize(
    ("of", "wrong"), [("sm2_office", ()), ("office", (Hashing.SM3.digest(BYTES).hex(),))]
)
def test_a_certificate_bears_the_digests_of_its_suite_and_no_others(
    request: pytest.FixtureRequest, of: str, wrong: tuple[str, ...]
) -> None:
    office: Office = request.getfixturevalue(of)
    lie = dsse.seal(statement.write(office.facts, sm3=wrong), office.release)

    with pytest.raises(RecordBrokenError, match="digests of"):
        issue(office.facts, key=office.release, sm3=wrong)
    with pytest.raises(RecordBrokenError, match=r"step 4 \(statement\)"):
        verify(lie, keys=office.trusted)


def test_every_file_has_its_sm3_or_none_has(reviewed: CertificateFacts) -> None:
    assert set(CONTENTS) == {file.file for file in reviewed.files}
    with pytest.raises(RecordBrokenError, match="not every file"):
        statement.write(reviewed, sm3=("0" * 64,))
