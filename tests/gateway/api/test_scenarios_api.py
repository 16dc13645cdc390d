import json
from typing import Any

import pytest
import yaml

from gateway.governance.rules import REGULATION
from tests.gateway.api.domain import IMAGE, Domain, uscc
from tests.gateway.api.test_jobs_api import CONTAINER

ID = "SC-SH-2026-0002"


def plan() -> dict[str, Any]:
    text = (REGULATION.parent / "examples" / "loans.yaml").read_text("utf-8")
    given: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(text), default=str))
    given["scenario"] = ID
    given["applicant"] |= {"name_zh": "P-BANK", "uscc": uscc(0)}
    given["operator"] |= {"name_zh": "P-OP", "uscc": uscc(2)}
    given["people"][0]["person"], given["people"][1]["person"] = "lead", "dev"
    given["processing"]["steps"][1]["image_or_template"] = IMAGE
    return given


def approved(domain: Domain) -> dict[str, Any]:
    """Push the plan through every seat, over the wire."""
    sent = domain.client("lead").post("/v1/scenarios", json=plan())
    assert sent.status_code == 201, sent.text
    said = {"opinion": "同意", "plan": sent.json()["digest"]}
    steps = [
        ("operator", "forward", {}),
        ("reviewer", "approve", {"seat": "approve_scenario_implementer"}),
        ("provider", "approve", {"seat": "approve_scenario_provider"}),
    ]
    found: dict[str, Any] = {}
    for who, step, more in steps:
        answer = domain.client(who).post(f"/v1/scenarios/{ID}/{step}", json={**said, **more})
        assert answer.status_code == 200, answer.text
        found = answer.json()
    return found


@pytest.mark.req("E-01")
def test_a_plan_becomes_a_grant_by_its_seats(domain: Domain) -> None:
    scenario = approved(domain)

    assert scenario["state"] == "active"
    assert scenario["open_seats"] == []
    grant = domain.client("dev").get(f"/v1/grants/{scenario['grant']}").json()
    assert grant["state"] == "live"
    assert {each["seat"] for each in grant["approvals"]} == {
        "approve_scenario_implementer",
        "approve_scenario_provider",
    }


def test_a_plan_that_does_not_fit_its_form_is_refused_at_its_place(domain: Domain) -> None:
    small, odd = plan(), {**plan(), "CANARY-7f3a": "CANARY-7f3a"}
    small["privacy"]["min_cohort"] = 1

    answers = [domain.client("lead").post("/v1/scenarios", json=bad) for bad in (small, odd)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["type"] == "urn:shuyu:problem:refused"
    places = {reason["place"] for reason in answers[0].json()["reasons"]}
    assert "$.privacy.min_cohort" in places
    assert "CANARY" not in answers[1].text


def test_only_its_parties_and_overseers_know_of_a_scenario(domain: Domain) -> None:
    domain.client("lead").post("/v1/scenarios", json=plan())

    for who in ("dev", "operator", "officer", "provider"):
        listed = domain.client(who).get("/v1/scenarios").json()["items"]
        assert [each["id"] for each in listed] == [ID]
    rival = domain.client("rival")
    assert rival.get("/v1/scenarios").json()["items"] == []
    assert rival.get(f"/v1/scenarios/{ID}").json() == rival.get("/v1/scenarios/SC-NO").json()


@pytest.mark.parametrize("who", ["dev", "lead", "operator", "provider"])
def test_a_seat_that_is_not_ones_own_stays_empty(domain: Domain, who: str) -> None:
    sent = domain.client("lead").post("/v1/scenarios", json=plan()).json()
    said = {"opinion": "ok", "plan": sent["digest"]}
    domain.client("operator").post(f"/v1/scenarios/{ID}/forward", json=said)

    body = {**said, "seat": "approve_scenario_implementer"}
    answer = domain.client(who).post(f"/v1/scenarios/{ID}/approve", json=body)

    assert answer.status_code == 403
    assert len(domain.client("officer").get(f"/v1/scenarios/{ID}").json()["open_seats"]) == 2


def test_a_yes_to_a_plan_that_was_replaced_does_not_count(domain: Domain) -> None:
    domain.client("lead").post("/v1/scenarios", json=plan())

    body = {"opinion": "ok", "plan": "sha256:" + "0" * 64}
    answer = domain.client("operator").post(f"/v1/scenarios/{ID}/forward", json=body)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:shuyu:problem:stale"


@pytest.mark.req("E-15")
def test_an_active_scenario_is_suspended_lifted_and_revoked_by_different_people(
    domain: Domain,
) -> None:
    approved(domain)
    path, said = f"/v1/scenarios/{ID}", {"opinion": "复核"}

    assert (
        domain.client("officer").post(f"{path}/suspend", json=said).json()["state"] == "suspended"
    )
    assert domain.client("officer").post(f"{path}/lift", json=said).status_code == 403
    assert domain.client("chief").post(f"{path}/lift", json=said).json()["state"] == "active"
    assert domain.client("chief").post(f"{path}/revoke", json=said).json()["state"] == "ended"
    assert domain.client("chief").post(f"{path}/lift", json=said).status_code == 409


@pytest.mark.req("E-15")
@pytest.mark.parametrize(
    ("who", "step"), [("officer", "suspend"), ("chief", "revoke"), ("lead", "withdraw")]
)
def test_whatever_waits_under_a_scenario_stops_with_it(domain: Domain, who: str, step: str) -> None:
    approved(domain)
    dev = domain.client("dev")
    job = dev.post("/v1/jobs", json={**CONTAINER, "scenario": ID}).json()
    assert job["state"] == "queued"

    domain.client(who).post(f"/v1/scenarios/{ID}/{step}", json={"opinion": "停止"})

    stopped = dev.get(f"/v1/jobs/{job['id']}").json()
    assert stopped["state"] == "stopped"
    assert stopped["reasons"][0]["why"]["zh"]
    again = dev.post("/v1/jobs", json={**CONTAINER, "scenario": ID}).json()
    assert again["state"] == "refused"
