import json
from base64 import b64decode

import pytest

from jobs.job import JobId
from jobs.proof.checkpoint import open_checkpoint
from jobs.proof.merkle import Peaks, leaf_hash, verify_consistency, verify_inclusion
from jobs.record import findings, log
from jobs.record.audit import Growing
from jobs.record.event import Event
from jobs.record.findings import InspectionRow
from jobs.record.tiles import entries_in
from sandbox.order import OutputName
from tests.gateway.api.domain import NOON, Domain
from tests.gateway.api.released import JOB, release
from tests.gateway.api.test_jobs_api import QUERY


def inspected(domain: Domain) -> None:
    release(domain)
    line = InspectionRow(
        job=JobId(JOB.id),
        epoch=1,
        output=OutputName("O3"),
        verdict="held",
        digest="sha256:" + "3" * 64,
        size=19,
        findings_json=json.dumps([{"reason": {"rule": "egress.small_groups"}}]),
        at=NOON,
    )
    with domain.record.writing() as tx:
        findings.add(tx, line, Event("egress.inspected", JOB.id, "test"))


def test_an_auditor_reads_the_log_in_order_and_in_pages(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=QUERY).json()["id"]
    auditor = domain.client("auditor")

    asked: dict[str, str | int] = {"kind": "job.", "limit": 1}
    first = auditor.get("/v1/log/entries", params=asked).json()
    second = auditor.get("/v1/log/entries", params={**asked, "after": first["next"]}).json()

    kinds = [entry["kind"] for page in (first, second) for entry in page["items"]]
    assert kinds == ["job.submitted", "job.queued"]
    assert {entry["subject"] for page in (first, second) for entry in page["items"]} == {job}


def test_the_newest_checkpoint_verifies_with_the_logs_key(domain: Domain) -> None:
    auditor = domain.client("auditor")
    assert auditor.get("/v1/log/checkpoint").status_code == 404
    with domain.record.writing() as tx:
        signed = log.checkpoint(tx, domain.log_key)

    note = auditor.get("/v1/log/checkpoint").text

    assert open_checkpoint(note, domain.log_key.public).head == signed.head


def noted(domain: Domain) -> int:
    """Fill the log up to 300 entries and sign it."""
    with domain.record.writing() as tx:
        while tx.peaks().size < 300:
            tx.note(Event("asset.viewed", "BP-LOANS", "system", {"n": tx.peaks().size}))
    with domain.record.writing() as tx:
        return log.checkpoint(tx, domain.log_key).head.size


def test_an_auditor_verifies_the_log_from_tiles_and_proofs_alone(domain: Domain) -> None:
    size, auditor = noted(domain), domain.client("auditor")
    head = open_checkpoint(auditor.get("/v1/log/checkpoint").text, domain.log_key.public).head
    full, part = (
        auditor.get(f"/v1/log/tile/entries/{name}") for name in ("000", f"001.p/{size - 256}")
    )
    entries = [*entries_in(full.content, 256), *entries_in(part.content, size - 256)]
    hashes = auditor.get("/v1/log/tile/0/000").content
    growing = Growing(Peaks())

    for seq, entry in enumerate(entries):
        growing.add(entry)
        if seq < 256:
            assert hashes[32 * seq :][:32] == leaf_hash(entry)
    proof = auditor.get("/v1/log/proof/inclusion", params={"seq": 9, "size": size}).json()
    grown = auditor.get("/v1/log/proof/consistency", params={"old": 256, "new": size}).json()

    assert growing.head == head
    assert verify_inclusion(leaf_hash(entries[9]), seq=9, head=head, proof=raw(proof))
    earlier = Growing(Peaks())
    for entry in entries[:256]:
        earlier.add(entry)
    assert verify_consistency(earlier.head, head, raw(grown))
    assert not verify_consistency(earlier.head, head, raw(grown)[1:])


def test_a_full_tile_is_kept_for_ever_and_a_part_of_one_is_not(domain: Domain) -> None:
    noted(domain)
    auditor = domain.client("auditor")

    full, part = auditor.get("/v1/log/tile/0/000"), auditor.get("/v1/log/tile/0/001.p/1")

    assert full.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert part.headers["cache-control"] == "no-store"
    assert (
        full.headers["content-type"] == part.headers["content-type"] == "application/octet-stream"
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/001", 404), ("tile/1/000.p/2", 404), ("tile/9/999", 404), ("tile/x", 404),
        ("tile/0/%2E%2E/%2E%2E/entries", 404), ("tile/" + "0/" * 40, 422),
        ("proof/inclusion?seq=300&size=300", 404), ("proof/inclusion?seq=0&size=301", 404),
        ("proof/inclusion?seq=-1&size=9", 422), ("proof/inclusion?seq=0", 422),
        ("proof/consistency?old=9&new=8", 404), ("proof/consistency?old=0&new=99999", 404),
    ],
)  # fmt: skip
def test_what_the_log_has_not_reached_is_not_there(domain: Domain, path: str, status: int) -> None:
    noted(domain)

    assert domain.client("auditor").get(f"/v1/log/{path}").status_code == status


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/1", "tile/entries/000.p/1", "proof/inclusion?seq=0&size=1"]
)
def test_only_who_may_audit_reads_the_log(domain: Domain, path: str) -> None:
    answers = {who: domain.client(who).get(f"/v1/log/{path}") for who in ("auditor", "dev")}

    assert [each.status_code for each in answers.values()] == [200, 403]
    assert domain.stranger().get(f"/v1/log/{path}").status_code == 401


def test_entries_are_narrowed_by_time(domain: Domain) -> None:
    auditor = domain.client("auditor")
    noon = NOON.isoformat()

    assert auditor.get("/v1/log/entries", params={"since": noon, "limit": 1}).json()["items"]
    assert auditor.get("/v1/log/entries", params={"until": noon}).json()["items"] == []
    for wrong in ("yesterday", "2026-03-02T00:00:00", "0001-01-01T00:00:00+14:00"):
        assert auditor.get("/v1/log/entries", params={"since": wrong}).status_code == 422


def raw(proof: dict[str, list[str]]) -> tuple[bytes, ...]:
    return tuple(b64decode(each) for each in proof["hashes"])


@pytest.mark.req("H-10")
def test_the_egress_log_is_searched_by_rule_verdict_and_text(domain: Domain) -> None:
    inspected(domain)
    officer = domain.client("officer")

    hits = [
        officer.get("/v1/egress", params=asked).json()["items"]
        for asked in (
            {"rule": "egress.small_groups"},
            {"verdict": "held", "developer": "P-BANK"},
            {"text": "SMALL_groups", "since": "2026-03-02T00:00:00Z"},
        )
    ]

    assert [[line["job"] for line in found] for found in hits] == [[JOB.id]] * 3
    assert officer.get("/v1/egress", params={"verdict": "blocked"}).json()["items"] == []


def test_a_search_that_makes_no_sense_is_a_problem(domain: Domain) -> None:
    officer = domain.client("officer")

    for asked in ({"since": "yesterday"}, {"since": "0001-01-01T00:00:00+14:00"}, {"nose": "x"}):
        assert officer.get("/v1/egress", params=asked).status_code == 422
