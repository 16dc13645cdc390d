"""The pages of the office without a browser: the egress log, scenarios, budgets, releases and the home page."""

import re
from html import unescape

import pytest

from gateway.console.jobs import DURATIONS
from gateway.governance import scenarios
from jobs.rules.learned import BUCKETS
from tests.gateway.console.desk import Desk, form_token, words
from tests.gateway.console.town import SCENARIO, Town, inspected
from tests.gateway.governance.town import coarse_plan, judge


@pytest.mark.req("H-10")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"held", "blocked", "released"}),
        ("verdict=blocked", {"blocked"}),
        ("text=RAW_ROWS", {"held", "blocked"}),
        ("rule=egress.raw_rows&verdict=held", {"held"}),
        ("developer=P-OTHER", set()),
        ("since=2026-11-23&until=2026-11-23", {"held", "blocked", "released"}),
        ("until=2026-11-22", set()),
        ("since=&until=&before=&text=", {"held", "blocked", "released"}),
    ],
)
def test_the_egress_log_is_searched(desk: Desk, query: str, found: set[str]) -> None:
    page = desk.sit("u-audit").get(f"/console/egress?{query}")

    ids = desk.town.jobs
    assert {name for name, job in ids.items() if job in page.text} == found


def test_a_long_egress_log_is_paged_without_losing_or_repeating_a_line(desk: Desk) -> None:
    with desk.town.record.writing() as tx:
        for number in range(60):
            inspected(tx, desk.town.jobs["held"], "held", output=f"P{number:02}")
    client = desk.sit("u-audit")

    first = client.get("/console/egress?verdict=held")
    link = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert link is not None
    second = client.get(unescape(link[1]))

    shown = [re.findall(r"\bP\d\d\b", page.text) for page in (first, second)]
    assert len(shown[0]) == 50
    assert shown[0] + shown[1] == [f"P{number:02}" for number in reversed(range(60))]
    assert 'rel="next"' not in second.text


def test_a_malformed_search_is_told_so(desk: Desk) -> None:
    assert desk.sit("u-audit").get("/console/egress?since=yesterday").status_code == 422


def test_a_scenario_goes_from_its_developer_through_every_seat_on_pages_alone(bare: Town) -> None:
    scenario = bare.submitted()
    desk, path = Desk(bare), f"/console/scenarios/{SCENARIO}"
    seats = {
        "u-op": ("forward", "forward_scenario"),
        "u-impl": ("approve", "approve_scenario_implementer"),
        "u-prov": ("approve", "approve_scenario_provider"),
    }

    for person, (step, seat) in seats.items():
        client = desk.sit(person)
        page = client.get(path)
        assert f'action="{path}/{step}"' in page.text
        said = {"csrf": form_token(page), "plan": scenario.digest, "seat": seat, "opinion": "同意"}
        assert client.post(f"{path}/{step}", data=said).status_code == 303

    with bare.record.reading() as tx:
        assert scenarios.get(tx, SCENARIO, by=bare.callers["u-impl"]).state == "active"


@pytest.mark.parametrize("person", ["u-bank-lead", "u-prov"])
def test_everybody_reads_on_the_plan_how_a_view_is_generalised(bare: Town, person: str) -> None:
    bare.submitted(coarse_plan())

    page = words(Desk(bare).sit(person).get(f"/console/scenarios/{SCENARIO}?lang=en"))

    assert "state, homeownership, annual_income, term, debt_to_income" in page
    assert "at least 5 protected units" in page
    assert "at least 2 values in each class, at a distance of at most 0.4" in page
    assert "has not been measured yet" in page


def test_the_seal_of_the_evidence_stands_beside_the_view_that_was_judged(bare: Town) -> None:
    sealed = judge(bare.record, bare.submitted(coarse_plan()))

    page = words(Desk(bare).sit("u-prov").get(f"/console/scenarios/{SCENARIO}?lang=en"))

    assert sealed.digest in page
    assert sealed.salt not in page


def test_nobody_of_the_developer_is_offered_a_seat_and_none_is_taken(bare: Town) -> None:
    scenario = bare.submitted()
    client, path = Desk(bare).sit("u-bank-lead"), f"/console/scenarios/{SCENARIO}"
    page = client.get(path)
    said = {"csrf": form_token(page), "plan": scenario.digest, "opinion": "同意"}

    answer = client.post(f"{path}/approve", data=said | {"seat": "approve_scenario_implementer"})

    assert "<details" not in page.text
    assert answer.status_code == 403


def test_a_step_on_a_plan_that_was_replaced_meanwhile_changes_nothing(bare: Town) -> None:
    bare.submitted()
    client, path = Desk(bare).sit("u-op"), f"/console/scenarios/{SCENARIO}"
    said = {"csrf": form_token(client.get(path)), "plan": "sha256:" + "0" * 64, "opinion": "同意"}

    answer = client.post(f"{path}/forward", data=said)

    assert answer.status_code == 409


def test_an_opinion_that_is_missing_is_asked_for_on_the_same_page(bare: Town) -> None:
    scenario = bare.submitted()
    client, path = Desk(bare).sit("u-op"), f"/console/scenarios/{SCENARIO}"
    said = {"csrf": form_token(client.get(path)), "plan": scenario.digest, "opinion": " "}

    answer = client.post(f"{path}/forward", data=said)

    assert answer.status_code == 422
    assert "seat.opinion" in answer.text


def test_the_lead_suspends_a_scenario_and_is_not_offered_what_is_not_open(desk: Desk) -> None:
    client, path = desk.sit("u-lead"), f"/console/scenarios/{SCENARIO}"
    page = client.get(path)
    said = {"csrf": form_token(page), "plan": "", "opinion": "发现超范围使用"}

    answer = client.post(f"{path}/suspend", data=said)

    assert 'action="/console/scenarios/SC-SH-2026-0001/lift"' not in page.text
    assert answer.headers["location"] == f"{path}?done=scenario"
    assert "lift" in client.get(path).text


def test_another_developer_knows_of_no_scenario_and_no_budget_of_the_first(desk: Desk) -> None:
    client = desk.sit("u-other")

    assert SCENARIO not in client.get("/console/scenarios").text
    assert SCENARIO not in client.get("/console/budgets").text
    assert client.get(f"/console/scenarios/{SCENARIO}").status_code == 404


def test_a_developer_sees_what_is_left_of_each_budget(desk: Desk) -> None:
    page = " ".join(words(desk.sit("u-bank-dev").get("/console/budgets?lang=en")).split())

    assert "the 2026 budget of asset BP-LOANS" in page
    assert "the lifetime budget of asset BP-LOANS" in page
    assert "Left 0.5" in page


ASKED = {
    "grant": "SC-SH-2026-0001.v1",
    "output": "O1",
    "epsilon": "0.5",
    "sql": 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade',
}


@pytest.mark.req("H-04")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "Cost: epsilon 0.5, which is rho 0.125."),
        ({}, f"the budget of grant {SCENARIO}.v1: rho 0.5 left, 0.375 after it"),
        ({"epsilon": "0.25"}, "Cost: epsilon 0.25, which is rho 0.03125."),
        ({"sql": "DROP TABLE x"}, "query."),
    ],
)
def test_a_developer_asks_what_a_query_would_cost_and_leave(
    desk: Desk, change: dict[str, str], told: str
) -> None:
    client = desk.sit("u-bank-dev")
    token = form_token(client.get("/console/budgets?lang=en"))

    answer = client.post("/console/budgets", data={**ASKED, **change, "csrf": token})

    page = " ".join(words(answer).split())
    assert answer.status_code == 200
    assert told in page


def test_a_price_is_asked_for_an_own_grant_by_those_who_submit(desk: Desk) -> None:
    other, auditor = desk.sit("u-other"), desk.sit("u-audit")
    token = form_token(other.get("/console/budgets"))

    foreign = other.post("/console/budgets", data={**ASKED, "csrf": token})
    refused = auditor.post(
        "/console/budgets", data={**ASKED, "csrf": form_token(auditor.get("/console/budgets"))}
    )

    assert (foreign.status_code, refused.status_code) == (404, 403)
    assert 'action="/console/budgets"' not in auditor.get("/console/budgets").text


def test_a_release_is_downloaded_by_its_own_developer_alone_and_each_download_is_an_event(
    desk: Desk,
) -> None:
    client, ids = desk.sit("u-bank-dev"), desk.town.jobs
    page = client.get(f"/console/jobs/{ids['released']}")
    path = "/console/releases/R-00000000000000000000000001"

    file, certificate = client.get(f"{path}/files/O1"), client.get(f"{path}/certificate")

    assert f'href="{path}/files/O1"' in page.text
    assert file.content == b"grade,n\nA,120\n"
    assert file.headers["content-disposition"].startswith("attachment")
    assert certificate.content == b"{}"
    assert desk.town.events("release.downloaded") == ["u-bank-dev", "u-bank-dev"]
    assert desk.sit("u-other").get(f"{path}/files/O1").status_code == 404
    assert desk.sit("u-sec").get(f"{path}/files/O1").status_code == 404


def test_the_home_page_counts_what_waits_for_each_role(desk: Desk) -> None:
    seen = {
        person: " ".join(words(desk.sit(person).get("/console?lang=en")).split())
        for person in ("u-op", "u-sec", "u-bank-dev")
    }

    assert "1 held outputs wait for your verdict" in seen["u-op"]
    assert "0 held outputs wait for your verdict" in seen["u-sec"]
    assert "1 jobs were released" in seen["u-bank-dev"]


def test_every_bucket_of_a_duration_has_its_written_form() -> None:
    assert list(DURATIONS) == [name for _, name in BUCKETS]
