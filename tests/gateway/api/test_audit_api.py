import json

import pytest

from jobs.job import JobId
from jobs.proof.checkpoint import open_checkpoint
from jobs.record import findings, log
from jobs.record.event import Event
from jobs.record.findings import InspectionRow
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
