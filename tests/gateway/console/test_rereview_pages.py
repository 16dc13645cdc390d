"""The pages of second looks, and what the safe viewer shows of a table and of what was made before."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from jobs.proof import bodies
from jobs.record import holds, jobs, releases
from jobs.record.event import Event
from jobs.record.holds import Hold
from jobs.release import Release, ReleaseId
from jobs.steps import rereview
from sandbox.asset import Digest
from sandbox.egress.finding import Finding, Weight
from sandbox.order import OutputName
from sandbox.reason import Reason, Said
from tests.gateway.console.desk import Desk, form_token, words
from tests.gateway.console.town import CANARY, Town

RELEASE = ReleaseId(f"R-{1:0>26}")
PATH = f"/console/rereview/{RELEASE}"
FILE = f"/console/releases/{RELEASE}/files/O1"


def drawn(town: Town) -> Release:
    """Let the lots fall on the release that lies in the record."""
    with town.record.writing() as tx:
        out = releases.get(tx, RELEASE)
        rereview.begin(tx, out, Event("release.drawn", out.job, "system"))
    return out


def said(client: TestClient, says: str = "objection", **changed: str) -> Response:
    page = client.get(PATH)
    digests = page.text.split('name="signed" value="')[1:]
    form = {
        "csrf": form_token(page),
        "signed": digests[0].partition('"')[0],
        "says": says,
        "words": "逐行看过",
        "read": "yes",
    }
    return client.post(f"{PATH}/opinion?lang=en", data=form | changed)


@pytest.mark.req("H-06")
def test_an_auditor_looks_again_and_an_objection_stops_the_download(desk: Desk) -> None:
    drawn(desk.town)
    auditor, developer = desk.sit("u-audit"), desk.sit("u-bank-dev")
    before = developer.get(FILE).status_code

    listed = words(auditor.get("/console/rereview?lang=en"))
    shown = auditor.get(PATH)
    answer = said(auditor)
    after = developer.get(f"{FILE}?lang=en")

    assert RELEASE in listed
    assert "Waiting" in listed
    assert all(cell in shown.text for cell in (">A</td>", ">120</td>"))
    assert answer.headers["location"] == "/console/rereview?done=opinion"
    assert desk.town.events("rereview.viewed") == ["u-audit"] * 2
    assert (before, after.status_code) == (200, 409)
    assert "An objection was raised" in words(after)
    assert "Objection: withheld" in words(auditor.get("/console/rereview"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_waits_is_told_at_home_in_both_languages(desk: Desk, lang: str) -> None:
    drawn(desk.town)

    page = desk.sit("u-audit").get(f"/console?lang={lang}")

    assert "/console/rereview" in page.text
    assert ("等待复核" if lang == "zh" else "wait for a second look") in words(page)


@pytest.mark.req("H-07")
@pytest.mark.parametrize("person", ["u-bank-dev", "u-op", "u-sec", "u-lead", "u-prov"])
def test_nobody_without_the_duty_looks_again(desk: Desk, person: str) -> None:
    drawn(desk.town)
    client = desk.sit(person)

    codes = {client.get("/console/rereview").status_code, client.get(PATH).status_code}

    assert codes == {403}


@pytest.mark.parametrize("changed", [{"words": " "}, {"read": ""}, {"says": "maybe"}])
def test_an_opinion_without_its_parts_is_not_taken(desk: Desk, changed: dict[str, str]) -> None:
    drawn(desk.town)

    answer = said(desk.sit("u-audit"), **changed)

    assert answer.status_code == 422
    assert desk.town.events("rereview.objection") == []


def small(place: str) -> Finding:
    why = Said(zh="单位过少", en="too few units")
    reason = Reason(rule="egress.small", why=why, fix=why, place=place)
    return Finding(reason=reason, weight=Weight.REVIEW, stage=5)


def hold_table(town: Town, text: str, place: str = "row 2, column n") -> str:
    """Hold a table that waits for people, and return its page."""
    with town.record.writing() as tx:
        job = jobs.get(tx, town.jobs["held"])
        table = Hold(
            job=job.id,
            epoch=1,
            output=OutputName("O1"),
            digest=Digest("sha256:" + "8e" * 32),
            file="O1.csv",
            media_type="text/csv; charset=utf-8",
            preview=text,
            findings_json=bodies.dump((small(place),)),
        )
        holds.add_holds(tx, [table], Event("egress.held", job.id, "system"))
    return f"/console/review/{job.id}?lang=en"


def test_a_table_is_shown_as_a_table_with_its_evidence_in_place(desk: Desk) -> None:
    path = hold_table(desk.town, "grade,n\nA,<b>9</b>\nB,\u202e95\nC,1\u0430\n")

    page = desk.sit("u-sec").get(path)

    assert (
        '<th scope="col" class="marked">n <mark><code>egress.small</code></mark></th>' in page.text
    )
    assert '<th scope="col">grade</th>' in page.text
    assert '<th scope="row">2</th><td>B</td><td class="marked">⟨U+202E⟩95</td>' in page.text
    assert "&lt;b&gt;9&lt;/b&gt;" in page.text
    assert "⟨U+0430⟩" in page.text


def test_rows_that_are_not_shown_are_counted(desk: Desk) -> None:
    path = hold_table(desk.town, "grade,n\n" + "A,9\n" * 207)

    assert "7 more rows are not shown" in words(desk.sit("u-sec").get(path))


@pytest.mark.req("H-06")
def test_the_difference_to_the_last_release_and_the_related_ones_stand_on_the_page(
    desk: Desk,
) -> None:
    path = hold_table(desk.town, "grade,n\nA,125\nB,30\n")

    page = desk.sit("u-sec").get(path)

    seen = words(page)
    assert f"Last released in {RELEASE}" in " ".join(seen.split())
    assert "Rows or lines added: 1; removed: 0; cells changed: 1" in seen
    assert "<del>120</del> → <ins>125</ins>" in page.text
    assert "Related releases" in seen
    with desk.town.record.reading() as tx:
        assert releases.get(tx, RELEASE).id in seen


def test_the_pages_of_held_outputs_and_drawn_releases_hold_no_script_and_no_style(
    desk: Desk,
) -> None:
    drawn(desk.town)
    path = hold_table(desk.town, f"grade,n\n<script>{CANARY}</script>,<a href=x style=y>1</a>\n")

    pages = [desk.sit("u-sec").get(path), desk.sit("u-audit").get(PATH)]

    for page in pages:
        assert page.status_code == 200
        assert "<script" not in page.text
        assert " style=" not in page.text.replace("href=x style=y", "")
        assert "default-src 'none'" in page.headers["content-security-policy"]
