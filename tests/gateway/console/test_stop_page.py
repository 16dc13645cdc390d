"""The stop's page: one person stops the domain, another resumes it, and all others see neither button."""

import pytest
from httpx2 import Response

from jobs.steps import stop
from tests.gateway.console.desk import Desk, form_token, words


def sent(desk: Desk, person: str, button: str, opinion: str = "疑似泄露") -> Response:
    client = desk.sit(person)
    form = {"csrf": form_token(client.get("/console/stop")), "opinion": opinion}
    return client.post(f"/console/stop/{button}?lang=en", data=form)


def is_stopped(desk: Desk) -> bool:
    with desk.town.record.reading() as tx:
        return stop.stopped(tx)


@pytest.mark.req("K-01")
def test_an_officer_stops_the_domain_and_the_lead_resumes_it(desk: Desk) -> None:
    stopped = sent(desk, "u-sec", "now")
    seen = words(desk.sit("u-lead").get("/console/stop?lang=en"))
    resumed = sent(desk, "u-lead", "resume", "已排除")

    assert (stopped.status_code, resumed.status_code) == (303, 303)
    assert "u-sec stopped the whole domain" in seen
    assert "not confirmed" in seen
    assert not is_stopped(desk)
    assert desk.town.events("domain.stopped") == ["u-sec"]
    assert desk.town.events("domain.resumed") == ["u-lead"]


@pytest.mark.req("K-01")
def test_whoever_stopped_the_domain_is_told_why_another_must_resume_it(desk: Desk) -> None:
    sent(desk, "u-lead", "now")

    answer = sent(desk, "u-lead", "resume", "我来恢复")

    assert answer.status_code == 422
    assert "let another person" in words(answer)
    assert is_stopped(desk)


def test_a_stop_without_a_reason_is_not_made(desk: Desk) -> None:
    answer = sent(desk, "u-sec", "now", "  ")

    assert answer.status_code == 422
    assert not is_stopped(desk)


def test_an_officer_who_may_not_resume_sees_no_button_for_it(desk: Desk) -> None:
    sent(desk, "u-lead", "now")

    page = desk.sit("u-sec").get("/console/stop")

    assert "/console/stop/resume" not in page.text


@pytest.mark.parametrize("person", ["u-bank-lead", "u-op", "u-audit", "u-prov"])
def test_nobody_else_has_the_page(desk: Desk, person: str) -> None:
    client = desk.sit(person)

    assert client.get("/console/stop").status_code == 403
    assert "/console/stop" not in client.get("/console").text
