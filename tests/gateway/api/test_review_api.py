from typing import Any

import pytest

from jobs.record import log
from jobs.record.log import Filter
from tests.gateway.api.domain import GRANT, SCENARIO, Domain
from tests.gateway.api.held import CANARY, HELD, hold, hold_important
from tests.gateway.api.released import TABLE, digest
from tests.gateway.api.test_verdicts_api import SAID, SECURITY


@pytest.mark.parametrize("who", ["operator", "officer"])
def test_a_seat_finds_the_held_job_in_its_queue(domain: Domain, who: str) -> None:
    hold(domain)

    assert domain.client(who).get("/v1/review/queue").json()["items"] == [
        {
            "job": HELD.id,
            "scenario": SCENARIO,
            "grant": GRANT,
            "developer": "P-BANK",
            "submitted_at": "2026-03-02T04:00:00Z",
            "waiting": ["verdict_operator", "verdict_security"],
        }
    ]


def test_looking_at_a_held_output_stands_in_the_log(domain: Domain) -> None:
    hold(domain)

    case = domain.client("officer").get(f"/v1/review/{HELD.id}").json()

    assert case["outputs"][0]["digest"] == digest(TABLE)
    assert CANARY in case["outputs"][0]["preview"]
    assert case["outputs"][0]["findings"][0]["reason"]["rule"] == "egress.free_text"
    with domain.record.reading() as tx:
        events = log.newest(tx, only=Filter(kind="review.viewed"))
    assert [(entry.event.actor, entry.event.subject) for entry in events] == [("officer", HELD.id)]


def test_a_developer_never_sees_what_is_held(domain: Domain) -> None:
    hold(domain)
    dev = domain.client("dev")

    told = [
        dev.get(path).text
        for path in ("/v1/jobs", f"/v1/jobs/{HELD.id}", "/v1/review/queue", f"/v1/review/{HELD.id}")
    ]

    assert [CANARY in text for text in told] == [False] * 4
    assert dev.get("/v1/review/queue").status_code == 403
    assert dev.get(f"/v1/review/{HELD.id}").status_code == 403
    assert dev.get(f"/v1/jobs/{HELD.id}").json()["state"] == "held"


@pytest.mark.parametrize("who", ["auditor", "reviewer", "provider", "chief", "lead"])
def test_who_has_no_seat_sees_no_queue(domain: Domain, who: str) -> None:
    assert domain.client(who).get("/v1/review/queue").status_code == 403


def test_a_job_that_is_not_held_is_not_shown(domain: Domain) -> None:
    assert domain.client("officer").get("/v1/review/J-NONE").status_code == 404


@pytest.mark.req("H-07")
def test_a_seat_that_has_not_spoken_is_told_neither_votes_nor_words_over_the_wire(
    domain: Domain,
) -> None:
    hold_important(domain)
    domain.client("operator").post(f"/v1/review/{HELD.id}/verdict", json=SAID)

    def told(who: str) -> dict[str, Any]:
        answer: dict[str, Any] = domain.client(who).get(f"/v1/review/{HELD.id}").json()
        return answer

    blind = told("officer")
    domain.client("officer").post(f"/v1/review/{HELD.id}/verdict", json=SECURITY)
    seeing, other = told("officer"), told("assessor")

    assert blind["verdicts"] == other["verdicts"] == []
    assert blind["waiting"] == ["verdict_security", "second_security"]
    assert {each["reason"] for each in seeing["verdicts"]} == {"同意发布"}
    assert [each["seat"] for each in seeing["verdicts"]] == ["verdict_operator", "verdict_security"]


@pytest.mark.req("H-07")
def test_an_officer_who_reads_the_log_learns_no_vote_from_it(domain: Domain) -> None:
    hold_important(domain)
    domain.client("operator").post(f"/v1/review/{HELD.id}/verdict", json=SAID)
    domain.client("officer").post(f"/v1/review/{HELD.id}/verdict", json=SECURITY)

    asked = {"subject": HELD.id, "kind": "review.verdict"}
    read = domain.client("assessor").get("/v1/log/entries", params=asked).json()["items"]

    assert len(read) == 2
    assert all(entry["facts"].keys() == {"seat", "party", "sealed", "signed"} for entry in read)
