import pytest

from gateway.governance.scenario import Scenario
from jobs.grant import GrantId
from jobs.proof.keys import SigningKey
from jobs.record import grants, signers
from jobs.record.log import Filter, entries
from jobs.record.signers import KeyChange, KeyPutAwayError
from tests.gateway.governance.town import Town

IMPLEMENTER, PROVIDER = "approve_scenario_implementer", "approve_scenario_provider"


def half_approved(town: Town) -> Scenario:
    return town.approved(town.forwarded(), "u-impl", IMPLEMENTER)


def test_the_event_of_issuing_a_grant_names_the_key_that_signed_it(town: Town) -> None:
    active = town.active()

    with town.office.record.reading() as tx:
        (issued,) = entries(tx, only=Filter(kind="grant.issued"))
        granted = grants.get(tx, GrantId(issued.event.subject))

    assert active.grant == issued.event.subject
    assert issued.event.facts["key"] == granted.signed.key == town.office.key.id


def test_a_gateway_whose_grant_key_was_put_away_issues_nothing(town: Town) -> None:
    half, after = half_approved(town), SigningKey.unsaved("shuyu.test/grant").public
    with town.office.record.writing() as tx:
        change = KeyChange(
            part="grant", old=town.office.key.id, new=after.text(), size=1, why="-", revoked=False
        )
        signers.note(tx, change, by="admin:root")

    with pytest.raises(KeyPutAwayError):
        town.approved(half, "u-prov", PROVIDER)

    with town.office.record.reading() as tx:
        assert entries(tx, only=Filter(kind="grant.issued")) == []
