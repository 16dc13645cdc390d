"""The emergency stop over the API: who may, what it answers, and who may end it."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.grant import PersonId
from jobs.job import JobState
from jobs.record import jobs
from jobs.record.event import Event
from jobs.steps import stop
from jobs.steps.stop import StopId
from tests.gateway.api.domain import Domain
from tests.gateway.api.released import JOB, release
from tests.gateway.api.test_jobs_api import CONTAINER

ALL = {"scope": "all", "opinion": "疑似泄露"}


def stopped(domain: Domain, who: str = "officer") -> dict[str, Any]:
    answer = domain.client(who).post("/v1/stops", json=ALL)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.req("K-01")
@pytest.mark.parametrize("who", ["officer", "chief"])
def test_whoever_may_suspend_a_scenario_may_stop_the_domain(domain: Domain, who: str) -> None:
    job = domain.client("dev").post("/v1/jobs", json=CONTAINER).json()["id"]

    raised = stopped(domain, who)

    assert (raised["scope"], raised["person"], raised["stopped"]) == ("all", who, 1)
    seen = domain.client("dev").get(f"/v1/jobs/{job}").json()
    assert (seen["state"], [each["rule"] for each in seen["reasons"]]) == (
        "stopped",
        ["admit.stopped"],
    )
    assert domain.client("chief").get("/v1/stops/door").json()["closed"] is True


@pytest.mark.parametrize("who", ["dev", "lead", "operator", "provider", "auditor", "reviewer"])
def test_nobody_else_may_stop_resume_or_even_ask(domain: Domain, who: str) -> None:
    client = domain.client(who)

    answers = [
        client.post("/v1/stops", json=ALL),
        client.post("/v1/stops/door/resume", json={"opinion": "好"}),
        client.get("/v1/stops"),
        client.get("/v1/stops/door"),
        client.get("/v1/stops/S-1"),
    ]

    assert {answer.status_code for answer in answers} == {403}
    with domain.record.reading() as tx:
        assert not stop.stopped(tx)


@pytest.mark.req("K-01")
def test_a_stopped_domain_is_resumed_by_another_person_who_may(domain: Domain) -> None:
    stopped(domain, "chief")
    why = {"opinion": "已排除"}

    himself = domain.client("chief").post("/v1/stops/door/resume", json=why)
    officer = domain.client("officer").post("/v1/stops/door/resume", json=why)

    assert (himself.status_code, officer.status_code) == (403, 403)
    assert himself.json()["type"] == "urn:shuyu:problem:seat"
    with domain.record.reading() as tx:
        assert stop.stopped(tx)


def test_after_the_officers_stop_the_lead_resumes(domain: Domain) -> None:
    stopped(domain)

    answer = domain.client("chief").post("/v1/stops/door/resume", json={"opinion": "已排除"})

    assert (answer.status_code, answer.json()["closed"]) == (200, False)
    job = domain.client("dev").post("/v1/jobs", json=CONTAINER).json()
    assert job["state"] == "queued"


def test_while_the_domain_is_stopped_no_byte_is_downloaded(domain: Domain) -> None:
    made = release(domain)
    stopped(domain)
    dev = domain.client("dev")

    answers = [
        dev.get(f"/v1/releases/{made.id}/files/O3"),
        dev.get(f"/v1/releases/{made.id}/certificate"),
    ]

    assert [(each.status_code, each.json()["type"]) for each in answers] == [
        (503, "urn:shuyu:problem:stopped")
    ] * 2
    assert dev.get(f"/v1/releases/{made.id}").status_code == 200


def test_a_stop_says_how_long_it_took_once_somebody_has_seen_the_end(domain: Domain) -> None:
    job = replace(JOB, state=JobState.RUNNING, ended=None)
    with domain.record.writing() as tx:
        jobs.add(tx, job, Event("job.submitted", job.id, "test"))
    raised, officer = stopped(domain), domain.client("officer")
    address = f"/v1/stops/{raised['id']}"
    assert officer.get(address).json()["milliseconds"] is None

    with domain.record.reading() as tx:
        halt = stop.get(tx, StopId(raised["id"]))
    stop.confirm(domain.record, halt, housed=())

    assert officer.get(address).json()["milliseconds"] == 0
    assert [each["id"] for each in officer.get("/v1/stops").json()["items"]] == [raised["id"]]
    assert halt.by.person == PersonId("officer")


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "all", "target": "BP-LOANS", "opinion": "x"},
        {"scope": "asset", "opinion": "x"},
        {"scope": "asset", "target": "a b", "opinion": "x"},
        {"scope": "planet", "opinion": "x"},
        {"scope": "all"},
    ],
)
def test_a_stop_that_names_nothing_or_too_much_is_not_taken(
    domain: Domain, body: dict[str, str]
) -> None:
    answer = domain.client("officer").post("/v1/stops", json=body)

    assert answer.status_code == 422


def test_a_stop_gives_its_reason(domain: Domain) -> None:
    answer = domain.client("officer").post("/v1/stops", json={"scope": "all", "opinion": " "})

    assert answer.status_code == 403
    assert [each["rule"] for each in answer.json()["reasons"]] == ["seat.opinion"]


def test_an_asset_that_no_live_grant_reads_is_not_found(domain: Domain) -> None:
    body = {"scope": "asset", "target": "BP-NONE", "opinion": "x"}

    assert domain.client("officer").post("/v1/stops", json=body).status_code == 404


def test_a_domain_is_not_stopped_twice(domain: Domain) -> None:
    stopped(domain)

    assert domain.client("chief").post("/v1/stops", json=ALL).status_code == 409
