"""The page about consents counts them for those who audit, and names no subject."""

from datetime import timedelta

import pytest

from jobs.grant import PartyId, ScenarioId
from jobs.proof.consent import Receipt, Statement, id_of, sealed_subject
from jobs.record import consents
from jobs.record.event import Event
from jobs.release import ReleaseId
from sandbox.asset import AssetId
from tests.gateway.console.desk import Desk, words
from tests.gateway.console.town import Town

CANARY = "CANARY-7f3a"


def given(town: Town, number: int, *, days: int = 2, times: int = 1) -> Receipt:
    with town.record.writing() as tx:
        said = Statement(
            channel=PartyId("P-SSM"),
            subject=sealed_subject(f"{CANARY}{number}", bytes(32)),
            asset=AssetId("BP-LOANS"),
            columns=("state",),
            scenario=ScenarioId("SC-9"),
            recipient=PartyId("P-BANK"),
            valid_from=tx.now - timedelta(days=5),
            valid_to=tx.now + timedelta(days=days),
            times=times,
        )
        receipt = Receipt(
            id=id_of(said),
            mark=f"{number:032x}",
            statement=said,
            key="00000000",
            signature=b"",
            at=tx.now,
        )
        consents.add(tx, receipt, Event("consent.given", receipt.id, "test", {}))
    return receipt


@pytest.mark.req("G-02")
def test_consents_are_counted_by_how_they_stand(desk: Desk) -> None:
    town = desk.town
    first, second, third, *_ = (given(town, number) for number in range(6))
    given(town, 9, days=-1)
    with town.record.writing() as tx:
        consents.withdraw(tx, first.id, Event("consent.withdrawn", first.id, "test", {}))
        consents.use(tx, {second.id, third.id}, ReleaseId("R-1"))
        tx.note(Event("consent.used", "R-1", "test", {}))

    page = desk.sit("u-audit").get("/console/consents?lang=en")

    told = words(page)
    assert "SC-9 BP-LOANS P-BANK P-SSM 3 1 1 2 1" in " ".join(told.split())
    assert CANARY not in page.text
    assert first.mark not in page.text


def test_nobody_else_sees_the_page(desk: Desk) -> None:
    client = desk.sit("u-bank-dev")

    assert client.get("/console/consents").status_code == 403
    assert "/console/consents" not in client.get("/console").text


def test_a_domain_without_consents_says_so(desk: Desk) -> None:
    assert "Nobody has consented" in words(desk.sit("u-audit").get("/console/consents?lang=en"))
