"""The pages without a browser: who sees what, what is refused, and what each answer bears."""

import pytest
from httpx2 import Response

from jobs.record import holds, jobs
from tests.gateway.console.desk import ORIGIN, Desk, form_token, words
from tests.gateway.console.town import CANARY, EXACT, SCENARIO, Town

DIGEST = "sha256:" + "9f" * 32
PAGES = (
    "/console",
    "/console/review",
    "/console/egress",
    "/console/jobs",
    "/console/scenarios",
    f"/console/scenarios/{SCENARIO}",
    "/console/budgets",
    "/console/nowhere",
)


def _verdict(page: Response, **changed: str) -> dict[str, str]:
    said = {
        "csrf": form_token(page),
        "epoch": "1",
        "seat": "verdict_operator",
        "signed": DIGEST,
        "vote": "pass",
        "read": "yes",
        "compliance": "合规",
        "safety": "安全",
        "consistency": "一致",
        "reason": "可以出域",
    }
    return said | changed


def test_a_stranger_is_sent_to_the_door_and_back_to_where_they_wanted_to_go(desk: Desk) -> None:
    client = desk.stranger()

    sent = client.get("/console/budgets")
    token = desk.town.tokens["u-op"]
    entered = client.post("/console/login", data={"token": token, "to": "/console/budgets"})

    assert sent.headers["location"] == "/console/login?to=%2Fconsole%2Fbudgets"
    assert entered.headers["location"] == "/console/budgets"


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/v1/me", "javascript:1"]
)
def test_a_login_leads_nowhere_but_into_the_console(desk: Desk, to: str) -> None:
    client = desk.stranger()

    answer = client.post("/console/login", data={"token": desk.town.tokens["u-op"], "to": to})

    assert answer.headers["location"] == "/console"


def test_a_wrong_token_is_told_so_and_opens_nothing(desk: Desk) -> None:
    client = desk.stranger()

    answer = client.post("/console/login?lang=en", data={"token": "shuyu_0123_wrong"})

    assert answer.status_code == 401
    assert "The token is wrong, has expired or was revoked" in words(answer)
    assert "shuyu_0123_wrong" not in answer.text
    assert client.get("/console").status_code == 303


def test_signing_out_ends_the_session_for_good(desk: Desk) -> None:
    client = desk.sit("u-op")
    session = client.cookies["shuyu_session"]
    token = form_token(client.get("/console"))

    client.post("/console/logout", data={"csrf": token})
    client.cookies.set("shuyu_session", session)

    assert client.get("/console").status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(desk: Desk) -> None:
    client = desk.stranger()

    answer = client.post("/console/login", data={"token": desk.town.tokens["u-op"]})
    cookie = answer.headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_every_answer_forbids_scripts_framing_and_storing(desk: Desk) -> None:
    client = desk.sit("u-sec")

    answers = [client.get(path) for path in PAGES] + [desk.stranger().get("/console/login")]

    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert " style=" not in answer.text


@pytest.mark.parametrize("person", ["u-bank-dev", "u-op", "u-sec", "u-impl", "u-audit", "u-prov"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everybody_can_open_every_page_of_their_navigation_in_both_languages(
    desk: Desk, person: str, lang: str
) -> None:
    client = desk.sit(person)
    home = client.get(f"/console?lang={lang}")

    offered = [path for path in PAGES[:-1] if f'<a href="{path}"' in home.text]

    assert {"/console", "/console/scenarios", "/console/budgets"} <= set(offered)
    for path in offered:
        page = client.get(path)
        assert page.status_code == 200, path
        assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in page.text


@pytest.mark.parametrize(
    ("person", "path"),
    [
        ("u-bank-dev", "/console/review"),
        ("u-bank-dev", "/console/egress"),
        ("u-op", "/console/egress"),
        ("u-op", "/console/jobs"),
        ("u-audit", "/console/review"),
        ("u-prov", "/console/review"),
    ],
)
def test_a_page_of_another_role_is_refused(desk: Desk, person: str, path: str) -> None:
    assert desk.sit(person).get(path).status_code == 403


def test_a_developer_sees_its_own_jobs_with_every_refusal_and_no_others(desk: Desk) -> None:
    client, ids = desk.sit("u-bank-dev"), desk.town.jobs

    listed = client.get("/console/jobs")
    refused = words(client.get(f"/console/jobs/{ids['refused']}?lang=en"))

    assert all(ids[name] in listed.text for name in ("released", "refused", "blocked", "held"))
    assert ids["rival"] not in listed.text
    assert client.get(f"/console/jobs/{ids['rival']}").status_code == 404
    for said in (
        "admit.column",
        "line 1, column 8",
        "that column was not granted",
        "leave the col",
    ):
        assert said in refused


def test_nothing_that_a_developer_can_open_shows_the_held_output_or_exact_figures(
    desk: Desk,
) -> None:
    ids = desk.town.jobs
    paths = [*PAGES, *(f"/console/jobs/{job}" for job in ids.values())]
    paths += [f"/console/review/{ids['held']}", f"/console/review/{ids['blocked']}"]
    paths += ["/console/egress?text=CANARY"]

    for person in ("u-bank-dev", "u-bank-lead", "u-other"):
        client = desk.sit(person)
        seen = "".join(client.get(path).text for path in paths)
        assert CANARY not in seen
        assert EXACT not in seen
        assert "4.25" not in seen

    reviewer = desk.sit("u-op").get(f"/console/review/{ids['held']}").text
    assert CANARY in reviewer
    assert EXACT in reviewer


def test_a_preview_is_shown_as_text_and_never_as_markup(desk: Desk) -> None:
    page = desk.sit("u-sec").get(f"/console/review/{desk.town.jobs['held']}")

    assert "&lt;script&gt;" in page.text
    assert "<b>bold</b>" not in page.text
    assert "\u202e" not in page.text
    assert "⟨U+202E⟩reversed" in page.text


def test_each_view_of_a_held_output_is_an_event_with_its_viewer(desk: Desk) -> None:
    client = desk.sit("u-sec")

    for _ in range(2):
        client.get(f"/console/review/{desk.town.jobs['held']}")

    assert desk.town.events("review.viewed") == ["u-sec", "u-sec"]


@pytest.mark.req("H-06")
def test_a_verdict_without_its_three_findings_is_not_taken_and_keeps_what_was_written(
    desk: Desk,
) -> None:
    client, path = desk.sit("u-op"), f"/console/review/{desk.town.jobs['held']}"
    said = _verdict(client.get(path), safety="  ", compliance="KEEP-THIS-TEXT")

    answer = client.post(f"{path}/verdict?lang=en", data=said)

    assert answer.status_code == 422
    assert "A required text is empty" in words(answer)
    assert "KEEP-THIS-TEXT" in answer.text
    assert _verdicts(desk.town) == []


def test_the_security_officer_waits_for_the_operator(desk: Desk) -> None:
    client, path = desk.sit("u-sec"), f"/console/review/{desk.town.jobs['held']}"

    page = client.get(path)
    answer = client.post(f"{path}/verdict", data=_verdict(page, seat="verdict_security"))

    assert 'name="vote"' not in page.text
    assert answer.status_code == 422
    assert _verdicts(desk.town) == []


def test_a_verdict_on_other_bytes_than_those_held_is_not_taken(desk: Desk) -> None:
    client, path = desk.sit("u-op"), f"/console/review/{desk.town.jobs['held']}"
    said = _verdict(client.get(path), signed="sha256:" + "00" * 32)

    answer = client.post(f"{path}/verdict", data=said)

    assert answer.status_code == 409
    assert _verdicts(desk.town) == []


@pytest.mark.req("H-06")
def test_both_seats_pass_and_the_job_is_approved(desk: Desk) -> None:
    path = f"/console/review/{desk.town.jobs['held']}"
    for person, seat in (("u-op", "verdict_operator"), ("u-sec", "verdict_security")):
        client = desk.sit(person)
        answer = client.post(f"{path}/verdict", data=_verdict(client.get(path), seat=seat))
        assert answer.headers.get("location") == "/console/review?done=verdict", words(answer)

    with desk.town.record.reading() as tx:
        assert jobs.get(tx, desk.town.jobs["held"]).state == "approved"


@pytest.mark.req("H-07")
def test_a_seat_that_has_not_spoken_sees_neither_votes_nor_words_on_any_page(desk: Desk) -> None:
    path = f"/console/review/{desk.town.jobs['held']}"
    operator, officer = desk.sit("u-op"), desk.sit("u-sec")
    said = _verdict(operator.get(path), reason="OPERATORS-WORDS", safety="OPERATORS-WORDS")

    operator.post(f"{path}/verdict", data=said)
    blind = [words(officer.get(f"{each}?lang=en")) for each in (path, "/console/review")]
    seeing = words(operator.get(f"{path}?lang=en"))

    assert not [page for page in blind if "OPERATORS-WORDS" in page or "u-op" in page]
    assert all("Spoken, sealed" in page for page in blind)
    assert "OPERATORS-WORDS" in seeing
    assert "Spoken, sealed" not in seeing


@pytest.mark.req("H-07")
@pytest.mark.parametrize("person", ["u-bank-lead", "u-audit", "u-lead", "u-prov"])
@pytest.mark.parametrize("seat", ["verdict_operator", "verdict_security"])
def test_nobody_without_the_role_of_a_seat_takes_it(desk: Desk, person: str, seat: str) -> None:
    client, path = desk.sit(person), f"/console/review/{desk.town.jobs['held']}"
    said = _verdict(client.get("/console"), seat=seat)

    answer = client.post(f"{path}/verdict", data=said)

    assert answer.status_code == 403
    assert _verdicts(desk.town) == []


@pytest.mark.req("H-07")
def test_whoever_approved_the_scenario_does_not_judge_what_came_of_it(desk: Desk) -> None:
    path = f"/console/review/{desk.town.jobs['held']}"
    operator = desk.sit("u-op")
    operator.post(f"{path}/verdict", data=_verdict(operator.get(path)))
    client = desk.sit("u-impl")
    page = client.get(path)

    answer = client.post(f"{path}/verdict", data=_verdict(page, seat="verdict_security"))

    assert "duties.conflict" in page.text
    assert "duties.conflict" in answer.text
    assert len(_verdicts(desk.town)) == 1


@pytest.mark.parametrize("csrf", ["", "0" * 64, "é"])
def test_a_form_without_this_sessions_token_is_refused(desk: Desk, csrf: str) -> None:
    client, path = desk.sit("u-op"), f"/console/review/{desk.town.jobs['held']}"
    said = _verdict(client.get(path), csrf=csrf)

    answer = client.post(f"{path}/verdict", data=said)

    assert answer.status_code == 403
    assert _verdicts(desk.town) == []


def test_a_form_with_another_sessions_token_is_refused(desk: Desk) -> None:
    theirs = form_token(desk.sit("u-op").get("/console"))
    client, path = desk.sit("u-op"), f"/console/review/{desk.town.jobs['held']}"

    answer = client.post(f"{path}/verdict", data=_verdict(client.get(path), csrf=theirs))

    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil", ""])
def test_a_form_from_another_origin_is_refused_and_from_ours_it_is_taken(
    desk: Desk, origin: str
) -> None:
    client, path = desk.sit("u-op"), f"/console/review/{desk.town.jobs['held']}"
    said = _verdict(client.get(path))

    foreign = client.post(f"{path}/verdict", data=said, headers={"Origin": origin})
    ours = client.post(f"{path}/verdict", data=said, headers={"Origin": ORIGIN})

    assert foreign.status_code == 403
    assert ours.status_code == 303


def test_the_login_form_is_not_taken_from_another_origin(desk: Desk) -> None:
    client = desk.stranger()

    answer = client.post(
        "/console/login",
        data={"token": desk.town.tokens["u-op"]},
        headers={"Origin": "https://evil.example"},
    )

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def _verdicts(town: Town) -> list[object]:
    with town.record.reading() as tx:
        return [*holds.verdicts(tx, town.jobs["held"], 1)]
