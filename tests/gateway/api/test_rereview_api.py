"""The second look over the wire: who may, what is shown, and what an objection does."""

from typing import Any

import pytest
from httpx2 import Response

from jobs.record import log
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.steps import rereview
from tests.gateway.api.domain import SCENARIO, Domain
from tests.gateway.api.released import TABLE, digest, release

PATH = "/v1/review/drawn/R-1"
FINE: dict[str, Any] = {"says": "in_order", "words": "逐行看过", "signed": [digest(TABLE)]}
OBJECTION = FINE | {"says": "objection"}


@pytest.fixture
def drawn(domain: Domain) -> Domain:
    """Give a domain in which a release was drawn."""
    made = release(domain)
    with domain.record.writing() as tx:
        rereview.begin(tx, made, Event("release.drawn", made.job, "system"))
    return domain


def said(domain: Domain, who: str = "auditor", **changed: object) -> Response:
    return domain.client(who).post(f"{PATH}/opinion", json=FINE | changed)


def kinds(domain: Domain) -> list[str]:
    with domain.record.reading() as tx:
        return [entry.event.kind for entry in log.entries(tx, only=Filter(kind="rereview."))]


@pytest.mark.req("H-06")
def test_a_drawn_release_waits_and_is_shown_with_its_bytes_laid_out(drawn: Domain) -> None:
    auditor = drawn.client("auditor")

    (waits,) = auditor.get("/v1/review/drawn").json()["items"]
    shown = auditor.get(PATH).json()

    assert (waits["release"], waits["says"]) == ("R-1", None)
    assert (shown["developer"], shown["scenario"], shown["barred"]) == ("P-BANK", SCENARIO, [])
    (file,) = shown["files"]
    assert file["digest"] == digest(TABLE)
    assert (file["view"]["columns"], file["view"]["rows"]) == (
        ["grade", "n"],
        [["A", "120"], ["B", "95"]],
    )
    assert kinds(drawn) == ["rereview.viewed"]


@pytest.mark.req("H-06")
def test_an_objection_stops_the_download_with_a_problem_in_both_languages(drawn: Domain) -> None:
    dev, file = drawn.client("dev"), "/v1/releases/R-1/files/O3"
    before = dev.get(file)

    answer = said(drawn, says="objection")
    stopped = [dev.get(file), dev.get("/v1/releases/R-1/certificate")]

    assert (before.status_code, before.content) == (200, TABLE)
    assert answer.json()["says"] == "objection"
    assert kinds(drawn) == ["rereview.objection"]
    for problem in stopped:
        told = problem.json()
        assert (problem.status_code, told["type"]) == (409, "urn:shuyu:problem:withheld")
        assert "objection" in told["detail"]
        assert "异议" in told["detail_zh"]
        assert TABLE not in problem.content


def test_what_is_found_in_order_is_downloaded_as_before(drawn: Domain) -> None:
    said(drawn)

    assert drawn.client("dev").get("/v1/releases/R-1/files/O3").content == TABLE
    assert drawn.client("auditor").get("/v1/review/drawn").json()["items"][0]["says"] == "in_order"


def test_a_release_is_judged_once(drawn: Domain) -> None:
    codes = [said(drawn).status_code, said(drawn, says="objection").status_code]

    assert codes == [200, 409]
    assert kinds(drawn) == ["rereview.in_order"]


@pytest.mark.req("H-07")
@pytest.mark.parametrize("who", ["dev", "lead", "operator", "officer", "reviewer", "chief"])
def test_nobody_without_the_duty_looks_again(drawn: Domain, who: str) -> None:
    client = drawn.client(who)

    codes = {client.get("/v1/review/drawn").status_code, client.get(PATH).status_code}

    assert codes | {said(drawn, who).status_code} == {403}
    assert kinds(drawn) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"signed": ["sha256:" + "0" * 64]}, 409),
        ({"signed": []}, 422),
        ({"words": "  "}, 422),
        ({"says": "maybe"}, 422),
    ],
)
def test_an_opinion_without_its_parts_or_on_other_bytes_is_none(
    drawn: Domain, changed: dict[str, Any], code: int
) -> None:
    assert said(drawn, **changed).status_code == code
    assert kinds(drawn) == []


def test_a_release_that_was_not_drawn_is_not_shown(domain: Domain) -> None:
    release(domain)

    assert domain.client("auditor").get(PATH).status_code == 404
    assert domain.client("auditor").get("/v1/review/drawn").json()["items"] == []


def test_bytes_that_were_altered_on_the_shelf_are_not_shown(drawn: Domain) -> None:
    shelf = drawn.rooms.shelf
    shelf.destroy(digest(TABLE))

    (file,) = drawn.client("auditor").get(PATH).json()["files"]

    assert file["view"] is None
