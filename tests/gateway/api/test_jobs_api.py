import base64
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.api.shapes.jobs import JobOut
from jobs.job import JobId, JobState
from jobs.record import jobs
from jobs.rules.learned import bucket
from tests.gateway.api.domain import IMAGE, SCENARIO, Domain

SQL = 'SELECT grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY grade'
QUERY = {
    "scenario": SCENARIO,
    "work": {"kind": "query", "sql": SQL, "epsilon": "0.5", "output": "O1"},
}
CONTAINER = {
    "scenario": SCENARIO,
    "work": {
        "kind": "container",
        "image": IMAGE,
        "command": ["python", "/job/main.py"],
        "outputs": ["O3"],
        "code": [{"name": "main.py", "content": "cHJpbnQoMSkK"}],
    },
}


def changed(body: Mapping[str, Any], **work: object) -> dict[str, Any]:
    return {**body, "work": {**body["work"], **work}}


@pytest.mark.parametrize("body", [QUERY, CONTAINER])
def test_a_job_inside_its_grant_is_queued(domain: Domain, body: Mapping[str, Any]) -> None:
    answer = domain.client("dev").post("/v1/jobs", json=body)

    assert answer.status_code == 201
    assert answer.json()["state"] == "queued"
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"


def test_a_developer_is_told_this_closed_list_and_nothing_else(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=QUERY).json()

    assert job == {
        "id": job["id"],
        "scenario": SCENARIO,
        "state": "queued",
        "ended": None,
        "duration": None,
        "submitted_at": job["submitted_at"],
        "outputs": ["O1"],
        "reasons": [],
        "release": None,
    }
    assert list(job) == list(JobOut.model_fields)


@pytest.mark.req("E-08")
@pytest.mark.parametrize(
    ("body", "rule", "place"),
    [
        ({**QUERY, "columns": ["emp_title"]}, "admit.column", "emp_title"),
        ({**QUERY, "assets": ["BP-TAX"]}, "admit.asset", "BP-TAX"),
        (changed(QUERY, output="O9"), "admit.output", "O9"),
        (changed(QUERY, epsilon="0"), "admit.epsilon", ""),
        (changed(QUERY, epsilon="0.6"), "admit.epsilon", ""),
        (changed(CONTAINER, image="python:3.11"), "admit.image", "image"),
        (changed(CONTAINER, image="sha256:" + "b" * 64), "admit.image", "image"),
        (changed(CONTAINER, command=[]), "admit.command", "command"),
        (changed(CONTAINER, outputs=[]), "admit.outputs", "outputs"),
    ],
)
def test_a_job_that_reaches_past_its_grant_is_refused_and_told_why_in_two_languages(
    domain: Domain, body: Mapping[str, Any], rule: str, place: str
) -> None:
    job = domain.client("dev").post("/v1/jobs", json=body).json()

    assert job["state"] == "refused"
    assert [(reason["rule"], reason["place"]) for reason in job["reasons"]] == [(rule, place)]
    assert all(
        job["reasons"][0][part][tongue] for part in ("why", "fix") for tongue in ("zh", "en")
    )
    assert domain.client("dev").get(f"/v1/jobs/{job['id']}").json() == job


def test_sql_that_does_not_parse_is_refused_at_its_line_and_column(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=changed(QUERY, sql="SELECT grade,,")).json()

    assert job["state"] == "refused"
    assert job["reasons"][0]["place"].startswith("line 1, column")


def test_an_unknown_scenario_is_not_found_and_says_what_to_name(domain: Domain) -> None:
    answer = domain.client("dev").post("/v1/jobs", json={**QUERY, "scenario": "SC-SH-2026-9999"})

    assert answer.status_code == 404
    assert answer.json()["reasons"][0]["rule"] == "admit.scenario"


def test_another_partys_scenario_is_as_unknown_as_none_at_all(domain: Domain) -> None:
    rival = domain.client("rival")

    answers = [
        rival.post("/v1/jobs", json={**QUERY, "scenario": name}) for name in (SCENARIO, "SC-NONE")
    ]

    assert answers[0].status_code == 404
    assert answers[0].json() == answers[1].json()


def test_another_partys_job_does_not_exist(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=QUERY).json()["id"]
    rival = domain.client("rival")

    for ask in (rival.get, rival.get):
        real, none = ask(f"/v1/jobs/{job}"), ask("/v1/jobs/J-NONE")
        assert (real.status_code, real.json()) == (none.status_code, none.json())
    assert rival.post(f"/v1/jobs/{job}/cancel").status_code == 404
    assert rival.get(f"/v1/jobs/{job}/wait").status_code == 404
    assert rival.get("/v1/jobs").json()["items"] == []


def test_jobs_are_listed_newest_first_in_pages_and_by_state(domain: Domain) -> None:
    dev = domain.client("dev")
    sent = [dev.post("/v1/jobs", json=QUERY).json()["id"] for _ in range(3)]
    refused = dev.post("/v1/jobs", json={**QUERY, "columns": ["emp_title"]}).json()["id"]

    first = dev.get("/v1/jobs", params={"limit": 3}).json()
    second = dev.get("/v1/jobs", params={"limit": 3, "before": first["next"]}).json()

    pages = [job["id"] for job in (*first["items"], *second["items"])]
    assert sorted(pages, reverse=True) == pages
    assert set(pages) == {*sent, refused}
    assert second["next"] is None
    only = dev.get("/v1/jobs", params={"state": "refused"}).json()["items"]
    assert [job["id"] for job in only] == [refused]


def test_a_job_can_be_cancelled_once(domain: Domain) -> None:
    dev = domain.client("dev")
    job = dev.post("/v1/jobs", json=QUERY).json()["id"]

    assert dev.post(f"/v1/jobs/{job}/cancel").json()["state"] == "stopped"
    again = dev.post(f"/v1/jobs/{job}/cancel")
    assert again.status_code == 409
    assert again.json()["type"] == "urn:shuyu:problem:out-of-order"


def test_waiting_ends_when_the_time_is_over(domain: Domain) -> None:
    dev = domain.client("dev")
    job = dev.post("/v1/jobs", json=QUERY).json()["id"]

    answer = dev.get(f"/v1/jobs/{job}/wait", params={"state": "queued", "timeout": 0.1})

    assert answer.json()["state"] == "queued"


def test_waiting_ends_as_soon_as_the_state_is_another(domain: Domain) -> None:
    dev = domain.client("dev")
    job = dev.post("/v1/jobs", json=QUERY).json()["id"]
    began = time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        asked: dict[str, str | int] = {"state": "queued", "timeout": 20}
        waiting = pool.submit(dev.get, f"/v1/jobs/{job}/wait", params=asked)
        domain.client("dev").post(f"/v1/jobs/{job}/cancel")
        answer = waiting.result()

    assert answer.json()["state"] == "stopped"
    assert time.monotonic() - began < 5


def test_nobody_may_wait_longer_than_a_proxy_would(domain: Domain) -> None:
    answer = domain.client("dev").get("/v1/jobs/J-1/wait", params={"timeout": 26})

    assert answer.status_code == 422


def test_the_same_key_and_body_answer_with_the_same_job(domain: Domain) -> None:
    dev, key = domain.client("dev"), {"Idempotency-Key": "k-1"}

    first = dev.post("/v1/jobs", json=QUERY, headers=key)
    second = dev.post("/v1/jobs", json=QUERY, headers=key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(dev.get("/v1/jobs").json()["items"]) == 1


def test_the_same_key_with_another_body_is_a_conflict(domain: Domain) -> None:
    dev, key = domain.client("dev"), {"Idempotency-Key": "k-1"}
    dev.post("/v1/jobs", json=QUERY, headers=key)

    answer = dev.post("/v1/jobs", json=changed(QUERY, epsilon="0.4"), headers=key)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:shuyu:problem:conflict"


def test_one_key_sent_many_times_at_once_makes_one_job(domain: Domain) -> None:
    dev, key = domain.client("dev"), {"Idempotency-Key": "k-1"}

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(dev.post, "/v1/jobs", json=QUERY, headers=key) for _ in range(8)]
        ids = {each.result().json()["id"] for each in sent}

    assert len(ids) == 1
    assert len(dev.get("/v1/jobs").json()["items"]) == 1


def test_a_code_bundle_is_stored_byte_for_byte(domain: Domain) -> None:
    content = bytes(range(256))
    code = [{"name": "data/raw.bin", "content": base64.b64encode(content).decode()}]
    job = domain.client("dev").post("/v1/jobs", json=changed(CONTAINER, code=code)).json()["id"]

    with domain.record.reading() as tx:
        work = jobs.get(tx, JobId(job)).work

    assert getattr(work, "code", None) is not None


@pytest.mark.parametrize(
    "code",
    [
        [{"name": "../escape.py", "content": ""}],
        [{"name": "/etc/passwd", "content": ""}],
        [{"name": "a.py", "content": ""}, {"name": "a.py", "content": ""}],
        [{"name": "a.py", "content": base64.b64encode(b"x" * ((1 << 20) + 1)).decode()}],
    ],
)
def test_a_bad_code_bundle_is_refused(domain: Domain, code: object) -> None:
    answer = domain.client("dev").post("/v1/jobs", json=changed(CONTAINER, code=code))

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:shuyu:problem:bad-bundle"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "<1s"),
        (0.999, "<1s"),
        (1, "<10s"),
        (59.9, "<1m"),
        (60, "<10m"),
        (600, ">=10m"),
        (9e9, ">=10m"),
    ],
)
def test_a_duration_is_told_as_a_bucket(seconds: float, told: str) -> None:
    assert bucket(seconds) == told


def test_every_state_has_a_word_on_the_wire() -> None:
    assert JobOut.model_fields["state"].annotation is JobState
