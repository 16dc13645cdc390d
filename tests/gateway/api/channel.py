"""A registered channel of data subjects, at a gateway that takes consents."""

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient

from gateway.app import create_app
from gateway.governance.grants import sign
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.tokens import issue_token
from jobs.grant import GrantId, PartyId, PersonId, ScenarioId
from jobs.proof import bodies
from jobs.proof.consent import Statement, sealed_subject
from jobs.proof.keys import SigningKey
from jobs.record import grants
from jobs.record.event import Event
from jobs.steps.consents import register_channel
from tests.gateway.api.domain import LOANS, NOON, TERMS, Domain, uscc

CANARY = "CANARY-7f3a-310101"
CHANNEL = PartyId("P-SSM")
SC = ScenarioId("SC-SH-2026-0009")
SALT = b"s" * 32


@dataclass(frozen=True, slots=True)
class Channel:
    """A registered channel at a gateway that takes consents."""

    domain: Domain
    key: SigningKey
    clerk: TestClient

    def body(self, unit: str = CANARY, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - the statement's own
        said = Statement(
            channel=CHANNEL,
            subject=sealed_subject(unit, SALT),
            asset=LOANS,
            columns=("grade", "loan_amount", "state"),
            scenario=SC,
            recipient=PartyId("P-BANK"),
            valid_from=NOON,
            valid_to=NOON + timedelta(days=1),
            times=2,
        )
        said = replace(said, **changes)
        signature = base64.b64encode(self.key.sign(bodies.dump(said).encode())).decode()
        words = bodies.plain(said)
        del words["form"]
        return {"statement": words, "unit": unit, "salt": SALT.hex(), "signature": signature}


def channel_of(domain: Domain) -> Channel:
    """Register the channel, and give a scenario that reads by consents."""
    rooms = replace(domain.rooms, mark_key=b"k" * 32)
    duties, record = rooms.office.rules.duties, rooms.record
    party = Party(id=CHANNEL, kind="consent_channel", name_zh="随申码", name_en="SSM", uscc=uscc(9))
    add_party(record, party, by="setup", duties=duties)
    clerk = Person(id=PersonId("clerk"), party=CHANNEL, name="clerk", roles=("channel_clerk",))
    add_person(record, clerk, by="setup", duties=duties)
    token = issue_token(record, clerk.id, days=1, by="setup")
    key = SigningKey.unsaved(CHANNEL)
    view = replace(TERMS.assets[0], consented=True)
    grant = replace(TERMS, id=GrantId(f"{SC}.v1"), scenario=SC, assets=(view,))
    with record.writing() as tx:
        register_channel(tx, CHANNEL, key.public, actor="setup")
        grants.add(tx, sign(grant, rooms.office.key), Event("grant.issued", grant.id, "setup"))
    opened = replace(domain, rooms=rooms, app=create_app(rooms))
    client = TestClient(opened.app, headers={"Authorization": f"Bearer {token}"})
    return Channel(replace(opened, tokens={**opened.tokens, "clerk": token}), key, client)
