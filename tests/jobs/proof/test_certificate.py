import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.errors import RecordBrokenError
from jobs.grant import PartyId
from jobs.proof import dsse, statement
from jobs.proof.certificate import issue, verify
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.proof.statement import CertificateFacts, Check, Input, PrivacyCost
from jobs.record.database import Record
from jobs.release import Vote
from sandbox.asset import AssetId, Digest, ImageDigest
from sandbox.order import OutputName, ReleaseClass
from tests.jobs.proof.office import (
    REPORT,
    REPORT_FILE,
    SEATS,
    Office,
    logged,
)
from tests.jobs.record.examples import BYTES, FILE, GRANT, RELEASE, SNAPSHOT

STEPS = (
    *("keys", "envelope", "signature", "statement", "files", "grant"),
    *("terms", "approvals", "checks", "seats", "privacy", "log"),
)


def test_a_good_certificate_passes_every_step(office: Office) -> None:
    file = issue(office.facts, key=office.release)

    verified = verify(file, keys=office.trusted, files={"O1.csv": BYTES})

    assert verified.facts == office.facts
    assert verified.steps == STEPS
    assert verified.files_seen
    assert not verify(file, keys=office.trusted).files_seen


def test_a_reviewed_release_passes_with_its_seats(
    office: Office, reviewed: CertificateFacts
) -> None:
    files = {"O1.csv": BYTES, "O2.txt": REPORT}

    assert verify(issue(reviewed, key=office.release), keys=office.trusted, files=files).files_seen


def test_the_certificate_is_an_in_toto_statement_in_a_dsse_envelope(office: Office) -> None:
    envelope = json.loads(issue(office.facts, key=office.release))
    payload = base64.b64decode(envelope["payload"])
    said = json.loads(payload)

    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    digest = {"sha256": hashlib.sha256(BYTES).hexdigest()}
    assert said["subject"] == [{"name": "O1.csv", "digest": digest}]
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    assert office.release.public.verifies(signature, signed)


def test_a_seats_own_words_stay_inside(office: Office, reviewed: CertificateFacts) -> None:
    payload = json.loads(issue(reviewed, key=office.release))["payload"]

    assert b"read line by line" not in base64.b64decode(payload)


def test_trusting_nobody_is_not_a_yes(office: Office) -> None:
    file = issue(office.facts, key=office.release)

    for part in ("release", "grant", "log"):
        with pytest.raises(RecordBrokenError, match=r"step 1 \(keys\)"):
            verify(file, keys=replace(office.trusted, **{part: KeyRing.of()}))


@pytest.mark.parametrize(
    ("part", "step"),
    [("release", "3 (signature)"), ("grant", "6 (grant)"), ("log", "12 (log)")],
)
def test_another_domains_key_is_not_believed(office: Office, part: str, step: str) -> None:
    own: SigningKey = getattr(office, part)
    other = SigningKey.unsaved(own.public.name).public
    trusted = replace(office.trusted, **{part: KeyRing.of(other)})

    with pytest.raises(RecordBrokenError) as caught:
        verify(issue(office.facts, key=office.release), keys=trusted)

    assert str(caught.value).startswith(f"step {step}")


@pytest.mark.parametrize(
    "files",
    [{}, {"O1.csv": b"other"}, {"O2.csv": BYTES}, {"O1.csv": BYTES, "O2.csv": BYTES}],
)
def test_other_files_than_those_released_are_found(office: Office, files: dict[str, bytes]) -> None:
    file = issue(office.facts, key=office.release)

    with pytest.raises(RecordBrokenError, match=r"step 5 \(files\)"):
        verify(file, keys=office.trusted, files=files)


Change = Callable[[Office, CertificateFacts], CertificateFacts]


def _with_grant(**changes: object) -> Change:
    def change(office: Office, facts: CertificateFacts) -> CertificateFacts:
        return replace(facts, grant=office.signed(replace(GRANT, **changes)))  # type: ignore[arg-type]

    return change


def _with(**changes: object) -> Change:
    return lambda _office, facts: replace(facts, **changes)  # type: ignore[arg-type]


def _seat(number: int, **changes: object) -> Change:
    seats = list(SEATS)
    seats[number] = replace(seats[number], **changes)  # type: ignore[arg-type]
    return _with(seats=tuple(seats))


OWN = replace(GRANT.approvals[0], party=GRANT.developer)
TWICE = replace(GRANT.approvals[1], person=GRANT.approvals[0].person)
OTHER = Digest("sha256:" + "0" * 64)
ALL_HELD = (Check(output=FILE.name, verdict="held"), Check(output=OutputName("O2"), verdict="held"))
NO_REVIEW = (
    Check(output=FILE.name, verdict="cleared"),
    Check(output=OutputName("O2"), verdict="cleared"),
)
COST = PrivacyCost(events="[]", rho=55, scopes=("a",), epsilon="1/3", delta="0")
BROKEN: list[tuple[str, Change, str]] = [
    ("no files", _with(files=()), "statement"),
    ("another developer", _with(developer=PartyId("other")), "terms"),
    ("an output not granted", _with_grant(outputs=GRANT.outputs[:1]), "terms"),
    ("a milder class", _with(release_class=ReleaseClass.DP), "terms"),
    ("no inputs", _with(inputs=()), "terms"),
    (
        "an input not granted",
        _with(inputs=(Input(asset=AssetId("TAXES"), snapshot=SNAPSHOT, view=OTHER),)),
        "terms",
    ),
    (
        "another snapshot",
        _with(inputs=(Input(asset=AssetId("LOANS"), snapshot=OTHER, view=OTHER),)),
        "terms",
    ),
    ("an image not granted", _with(image=ImageDigest(OTHER)), "terms"),
    ("no approvals", _with_grant(approvals=()), "approvals"),
    ("one approval", _with_grant(approvals=GRANT.approvals[:1]), "approvals"),
    ("its own approval", _with_grant(approvals=(OWN, GRANT.approvals[1])), "approvals"),
    ("one person twice", _with_grant(approvals=(GRANT.approvals[0], TWICE)), "approvals"),
    ("no checks", _with(checks=()), "checks"),
    ("a file checked twice", _with(checks=(ALL_HELD[1], ALL_HELD[1])), "checks"),
    (
        "a blocked file",
        _with(checks=(NO_REVIEW[0], replace(ALL_HELD[1], verdict="blocked"))),
        "checks",
    ),
    ("a report without review", _with(checks=NO_REVIEW), "checks"),
    ("no seats", _with(seats=()), "seats"),
    ("one seat", _with(seats=SEATS[:1]), "seats"),
    ("a seat twice", _with(seats=(*SEATS, SEATS[0])), "seats"),
    ("a held table unseen", _with(checks=ALL_HELD), "seats"),
    ("a block", _seat(1, vote=Vote.BLOCK), "seats"),
    ("other bytes seen", _seat(1, signed=(OTHER,)), "seats"),
    ("one organisation", _seat(1, party=PartyId("operator")), "seats"),
    ("the developer's own officer", _seat(1, party=PartyId("acme")), "seats"),
    ("one person on two seats", _seat(1, person=SEATS[0].person), "seats"),
    ("a second officer missing", _with_grant(security_officers=2), "seats"),
    ("no cost", _with(privacy=None), "privacy"),
    ("a cost of nothing", _with(privacy=replace(COST, rho=0)), "privacy"),
    ("no scope", _with(privacy=replace(COST, scopes=())), "privacy"),
    ("no number", _with(privacy=replace(COST, epsilon="much")), "privacy"),
    ("a zero below", _with(privacy=replace(COST, epsilon="1/0")), "privacy"),
    ("too dear", _with_grant(epsilon_per_release=Fraction(1, 4)), "privacy"),
    ("another job's entry", _with(job=RELEASE.id), "log"),
    ("another epoch's entry", _with(epoch=2), "log"),
]


@pytest.mark.parametrize(
    ("change", "step"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_broken_promise_is_named_by_its_step_though_the_release_key_signed(
    office: Office, reviewed: CertificateFacts, change: Change, step: str
) -> None:
    file = office.sealed(change(office, reviewed))

    with pytest.raises(RecordBrokenError) as caught:
        verify(file, keys=office.trusted)

    assert str(caught.value).startswith(f"step {STEPS.index(step) + 1} ({step}): ")


def test_a_promise_that_is_broken_is_not_even_issued(office: Office) -> None:
    with pytest.raises(RecordBrokenError):
        issue(replace(office.facts, checks=()), key=office.release)
    with pytest.raises(RecordBrokenError, match="another release key"):
        issue(office.facts, key=SigningKey.unsaved("shuyu.test/release"))


def test_a_table_released_without_noise_states_no_cost(office: Office) -> None:
    sdc = replace(GRANT.outputs[0], release=ReleaseClass.SDC)
    granted = office.signed(replace(GRANT, outputs=(sdc,)))
    facts = replace(office.facts, grant=granted, release_class=ReleaseClass.SDC)

    with pytest.raises(RecordBrokenError, match="privacy"):
        verify(office.sealed(facts), keys=office.trusted)
    free = replace(facts, privacy=None)
    assert verify(office.sealed(free), keys=office.trusted).facts == free


def test_a_grant_that_was_altered_after_it_was_signed_is_found(office: Office) -> None:
    signed = replace(office.facts.grant, grant=replace(GRANT, epsilon_total=Fraction(9)))
    unsigned = replace(office.facts.grant, signature="???")

    for grant in (signed, unsigned):
        with pytest.raises(RecordBrokenError, match=r"step 6 \(grant\)"):
            verify(office.sealed(replace(office.facts, grant=grant)), keys=office.trusted)


def test_an_entry_about_other_files_does_not_vouch_for_these(
    office: Office, sqlite_record: Record
) -> None:
    other = logged(sqlite_record, office.log, (REPORT_FILE,))

    with pytest.raises(RecordBrokenError, match=r"step 12 \(log\).*other files"):
        verify(office.sealed(replace(office.facts, log=other)), keys=office.trusted)


@pytest.mark.parametrize(
    "change",
    [{"size": 2}, {"seq": 1}, {"hashes": ()}, {"leaf": "{}"}, {"checkpoint": ""}, {"seq": -1}],
)
def test_a_bent_proof_is_found(office: Office, change: dict[str, object]) -> None:
    proof = replace(office.facts.log, **change)  # type: ignore[arg-type]

    with pytest.raises(RecordBrokenError, match=r"step 12 \(log\)"):
        verify(office.sealed(replace(office.facts, log=proof)), keys=office.trusted)


@pytest.mark.parametrize("file", [b"", b"{}", b"[]", b"\xff", b"[" * 10_000, bytes(2**23)])
def test_a_file_that_is_no_certificate_is_refused(office: Office, file: bytes) -> None:
    with pytest.raises(RecordBrokenError, match=r"step 2 \(envelope\)"):
        verify(file, keys=office.trusted)


def test_a_signed_text_that_is_no_statement_is_refused(office: Office) -> None:
    for payload in (b"{}", statement.write(office.facts).replace(b"Statement/v1", b"Statement/v2")):
        with pytest.raises(RecordBrokenError, match=r"step 4 \(statement\)"):
            verify(dsse.seal(payload, office.release), keys=office.trusted)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_flipped_bit_passes_for_another_statement(office: Office, data: st.DataObject) -> None:
    file = bytearray(issue(office.facts, key=office.release))
    bit = data.draw(st.integers(0, len(file) * 8 - 1))
    file[bit // 8] ^= 1 << bit % 8

    try:
        verified = verify(bytes(file), keys=office.trusted, files={"O1.csv": BYTES})
    except RecordBrokenError:
        return
    # Names of unknown fields of the envelope say nothing: the statement is the same.
    assert verified.facts == office.facts
