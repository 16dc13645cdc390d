"""A channel hands in, withdraws and lists consents over the API; nobody else may, and no subject's key comes back."""

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from jobs.grant import PartyId
from jobs.job import JobId
from jobs.record import jobs, log
from jobs.steps import consenting
from sandbox.asset import Kind
from sandbox.data.consent_marks import mark_of
from tests.gateway.api.channel import CANARY, SC, Channel, channel_of
from tests.gateway.api.domain import IMAGE, Domain


@pytest.fixture
def channel(domain: Domain) -> Iterator[Channel]:
    made = channel_of(domain)
    yield made
    made.clerk.close()


@pytest.mark.req("G-02")
def test_a_consent_is_given_and_withdrawn_in_one_call_each(channel: Channel) -> None:
    given = channel.clerk.post("/v1/consents", json=channel.body())

    assert given.status_code == 201
    consent = given.json()
    assert (consent["state"], consent["left"], consent["uses"]) == ("live", 2, [])
    gone = channel.clerk.post(f"/v1/consents/{consent['id']}/withdraw")
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    assert channel.clerk.post(f"/v1/consents/{consent['id']}/withdraw").status_code == 409


@pytest.mark.req("G-07")
def test_a_subject_sees_its_own_consents_and_nobody_elses(channel: Channel) -> None:
    channel.clerk.post("/v1/consents", json=channel.body())

    own = channel.clerk.post("/v1/consents/own", json={"unit": CANARY}).json()["items"]
    others = channel.clerk.post("/v1/consents/own", json={"unit": "somebody"}).json()["items"]

    assert [(each["scenario"], each["recipient"]) for each in own] == [(SC, "P-BANK")]
    assert others == []


def test_no_answer_and_no_log_has_the_subjects_key(
    channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = channel.body()
    answers = [
        channel.clerk.post("/v1/consents", json=asked),
        channel.clerk.post("/v1/consents", json=asked),
        channel.clerk.post("/v1/consents", json={**asked, "signature": "AA=="}),
        channel.clerk.post("/v1/consents", json={**asked, "salt": CANARY}),
        channel.clerk.post("/v1/consents", json={**asked, CANARY: 1}),
        channel.clerk.post("/v1/consents/own", json={"unit": CANARY}),
        channel.clerk.post("/v1/consents/own", json={"unit": CANARY * 20}),
    ]

    assert [each.status_code for each in answers] == [201, 409, 422, 422, 422, 200, 422]
    with channel.domain.record.reading() as tx:
        noted = repr(log.entries(tx, limit=1000))
    for told in (*(each.text for each in answers), noted, caplog.text):
        assert CANARY not in told


@pytest.mark.req("G-02")
def test_a_refusal_names_each_rule_in_two_languages(channel: Channel) -> None:
    body = channel.body(columns=("emp_title",), recipient=PartyId("P-RIVAL"))

    answer = channel.clerk.post("/v1/consents", json=body)

    assert answer.status_code == 422
    reasons = {each["rule"]: each for each in answer.json()["reasons"]}
    assert reasons.keys() == {"consent.columns", "consent.recipient"}
    assert all(each["why"]["zh"] and each["fix"]["en"] for each in reasons.values())


@pytest.mark.parametrize("who", ["dev", "lead", "operator", "officer", "chief", "provider"])
def test_only_a_channel_hands_consents_in(channel: Channel, who: str) -> None:
    client = channel.domain.client(who)

    for path in ("/v1/consents", "/v1/consents/own", "/v1/consents/C-1/withdraw"):
        assert client.post(path, json=channel.body()).status_code == 403
    assert channel.domain.stranger().post("/v1/consents", json={}).status_code == 401


def test_a_gateway_without_the_marks_key_takes_no_consents(
    channel: Channel, domain: Domain
) -> None:
    token = channel.clerk.headers["Authorization"]

    with TestClient(domain.app, headers={"Authorization": token}) as client:
        assert client.post("/v1/consents", json=channel.body()).status_code == 409


WORK = {"kind": "container", "image": IMAGE, "command": ["python"], "outputs": ["O3"]}


def submitted(channel: Channel, *subjects: str, scenario: str = SC) -> Response:
    body = {"scenario": scenario, "work": WORK, "subjects": list(subjects)}
    return channel.domain.client("dev").post("/v1/jobs", json=body)


@pytest.mark.req("H-08")
def test_a_developer_asks_about_a_subject_and_the_record_has_its_mark_alone(
    channel: Channel,
) -> None:
    answer = submitted(channel, CANARY)

    assert answer.status_code == 201
    assert CANARY not in answer.text
    with channel.domain.record.reading() as tx:
        job = jobs.get(tx, JobId(answer.json()["id"]))
        assert consenting.asked_by(tx, job) == (mark_of(CANARY, Kind.STRING, b"k" * 32),)
        assert CANARY not in repr(log.entries(tx, limit=1000)) + repr(job)


@pytest.mark.req("H-08")
def test_a_walk_through_keys_is_refused_with_its_rule(channel: Channel) -> None:
    answer = submitted(channel, *(f"{CANARY}{number:04}" for number in range(100)))

    assert answer.status_code == 422
    assert {each["rule"] for each in answer.json()["reasons"]} == {"ask.sequential", "ask.hits"}
    assert CANARY not in answer.text


def test_asking_under_a_scenario_of_others_is_asking_under_none(channel: Channel) -> None:
    answer = submitted(channel, CANARY, scenario="SC-NONE")

    assert (answer.status_code, CANARY in answer.text) == (404, False)
