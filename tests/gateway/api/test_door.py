import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from gateway.api.door import BODY_BYTES
from gateway.app import create_app
from gateway.governance.tokens import revoke_token, token_id
from tests.gateway.api.domain import SCENARIO, Domain
from tests.gateway.api.test_jobs_api import CONTAINER, QUERY, changed

CANARY = "CANARY-7f3a91"
PROTECTED = ["/v1/me", "/v1/jobs", "/v1/scenarios", "/v1/budgets", "/v1/releases", "/v1/assets"]


@dataclass
class BrokenClock:
    """A clock whose failure quotes what nobody may read."""

    def __call__(self) -> datetime:
        raise RuntimeError(CANARY)


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("token", [None, "nonsense", f"shuyu_{'0' * 16}_{'A' * 43}"])
def test_no_good_token_no_answer(still: Domain, path: str, token: str | None) -> None:
    answer = still.stranger(token).get(path)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_is_as_bad_as_an_unknown_one(domain: Domain) -> None:
    dev = domain.client("dev")
    assert dev.get("/v1/me").json()["person"] == "dev"
    revoke_token(domain.record, token_id(domain.tokens["dev"]), by="setup")

    answer = dev.get("/v1/me")

    assert answer.status_code == 401
    assert answer.json() == domain.stranger("nonsense").get("/v1/me").json()


def test_health_is_told_to_everybody_and_tells_nothing_more(still: Domain) -> None:
    assert still.stranger().get("/v1/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("who", "method", "path"),
    [
        ("lead", "POST", "/v1/jobs"),
        ("officer", "POST", "/v1/jobs"),
        ("dev", "GET", "/v1/log/entries"),
        ("dev", "GET", "/v1/log/checkpoint"),
        ("operator", "GET", "/v1/egress"),
        ("dev", "GET", "/v1/egress"),
    ],
)
def test_a_role_that_may_not_is_told_so(still: Domain, who: str, method: str, path: str) -> None:
    answer = still.client(who).request(method, path, json=QUERY if method == "POST" else None)

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:shuyu:problem:role"
    assert answer.json()["detail_zh"]


@pytest.mark.parametrize(
    "path", ["/v1/health", "/v1/me", "/v1/jobs/none", "/v1/openapi.json", "/x"]
)
def test_every_answer_bears_the_guarding_headers(still: Domain, path: str) -> None:
    headers = still.client("dev").get(path).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "script-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_a_body_that_says_it_is_too_large_is_not_read(still: Domain) -> None:
    answer = still.client("dev").post("/v1/jobs", content=b"x" * (BODY_BYTES + 1))

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:shuyu:problem:too-large"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(still: Domain) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * (1 << 20)

    headers = {"Content-Type": "application/json"}
    answer = still.client("dev").post("/v1/jobs", content=chunks(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:shuyu:problem:too-large"


BAD_BODIES = [
    "",
    CANARY,
    f'"{CANARY}"',
    f'["{CANARY}"',
    json.dumps({**QUERY, CANARY: 1}),
    json.dumps(changed(QUERY, kind=CANARY)),
    json.dumps(changed(QUERY, epsilon=CANARY)),
    json.dumps(changed(QUERY, epsilon=0.5)),
    json.dumps(changed(QUERY, output=f"{CANARY} {CANARY}")),
    json.dumps(changed(QUERY, **{CANARY: CANARY})),
    json.dumps(changed(QUERY, sql=CANARY * 8000)),
    json.dumps(changed(QUERY, sql=[CANARY])),
    json.dumps(changed(QUERY, sql=f"{CANARY}\0")),
    json.dumps(changed(QUERY, sql=f"{CANARY}\ud800")),
    json.dumps({**QUERY, "scenario": f"{SCENARIO}/{CANARY}"}),
    json.dumps({**QUERY, "columns": [CANARY] * 1001}),
    json.dumps(changed(CONTAINER, parameters={CANARY: float("nan")})),
    json.dumps(changed(CONTAINER, parameters={"x": CANARY * 8000})),
    json.dumps(changed(CONTAINER, code=[{"name": CANARY, "content": f"{CANARY}!"}])),
    "[" * 100_000,
    '{"a":' * 100_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_bad_body_is_refused_and_never_echoed(still: Domain, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = still.client("dev").post("/v1/jobs", content=body.encode(), headers=headers)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "CANARY" not in answer.text + str(answer.headers)


def test_a_fault_in_the_body_is_told_with_its_place_in_two_languages(still: Domain) -> None:
    answer = still.client("dev").post("/v1/jobs", json=changed(QUERY, epsilon="much"))

    reason = answer.json()["reasons"][0]
    assert reason["place"] == "body.work.query.epsilon"
    assert reason["why"]["zh"]
    assert reason["why"]["en"]


def test_a_failure_of_ours_tells_an_id_and_nothing_else(
    domain: Domain, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(replace(domain.rooms, clock=BrokenClock()))
    client = TestClient(app, headers={"Authorization": f"Bearer {domain.tokens['dev']}"})

    with caplog.at_level(logging.ERROR):
        answer = client.get("/v1/me")

    assert answer.status_code == 500
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "detail_zh", "reasons", "id"}
    assert problem["id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert CANARY not in caplog.text + answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_path_that_is_not_there_is_a_problem_too(still: Domain) -> None:
    answer = still.client("dev").get("/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert still.client("dev").put("/v1/jobs").status_code == 405


def test_no_page_loads_anything_from_elsewhere(still: Domain) -> None:
    client = still.stranger()

    assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.")
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
