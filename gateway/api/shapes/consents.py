"""Consents on the wire: what a channel hands in, and what it may show its subject."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints

from gateway.api.shapes import Asked, Name, Shape
from gateway.api.shapes.jobs import Column, Unit
from jobs.grant import PartyId, ScenarioId
from jobs.proof.consent import Consent, ConsentState, Statement
from jobs.rules.consents import Offer
from jobs.steps.consents import Given
from sandbox.asset import AssetId

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class StatementIn(Asked):
    """What the subject has confirmed; its channel signs it as `jobs.proof.consent` writes it."""

    channel: Name
    subject: Hex
    """SHA-256 of the salt's 32 bytes and the unit's key."""
    asset: Name
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=1000)]
    scenario: Name
    recipient: Name
    valid_from: AwareDatetime
    valid_to: AwareDatetime
    times: int

    def statement(self) -> Statement:
        """Say the same in the record's own words."""
        return Statement(
            channel=PartyId(self.channel),
            subject=self.subject,
            asset=AssetId(self.asset),
            columns=self.columns,
            scenario=ScenarioId(self.scenario),
            recipient=PartyId(self.recipient),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            times=self.times,
        )


class ConsentIn(Asked):
    """One consent as its channel hands it in."""

    statement: StatementIn
    unit: Unit
    """It is turned into a mark at once, and kept nowhere."""
    salt: Hex
    signature: Annotated[str, StringConstraints(max_length=256)]
    """In base64."""

    def offer(self) -> Offer:
        """Say the same in the record's own words."""
        return Offer(
            statement=self.statement.statement(),
            unit=self.unit,
            salt=self.salt,
            signature=self.signature,
        )


class SubjectIn(Asked):
    """Whose consents are asked for."""

    unit: Unit


class UseOut(Shape):
    """One release under a consent."""

    release: str
    at: datetime
    scenario: str
    recipient: str
    model: bool
    """Whether it holds a model, which keeps what it has learnt."""


class ConsentOut(Shape):
    """One consent, without its subject, and the releases that were made under it."""

    id: str
    scenario: str
    recipient: str
    asset: str
    columns: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime
    times: int
    left: int
    """How many releases may still be made under it."""
    state: ConsentState
    at: datetime
    uses: tuple[UseOut, ...]

    @classmethod
    def of(cls, given: Given) -> Self:
        """Show a consent and its uses."""
        return cls.model_validate({**_words(given.consent), "uses": _uses(given)})


def _words(consent: Consent) -> dict[str, object]:
    receipt, said = consent.receipt, consent.receipt.statement
    names = ("scenario", "recipient", "asset", "columns", "valid_from", "valid_to", "times")
    return {
        **{name: getattr(said, name) for name in names},
        "id": receipt.id,
        "at": receipt.at,
        "left": consent.left,
        "state": consent.state,
    }


def _uses(given: Given) -> list[dict[str, object]]:
    said = given.consent.receipt.statement
    where = {"scenario": said.scenario, "recipient": said.recipient}
    return [
        {"release": each.release, "at": each.at, "model": each.release in given.models, **where}
        for each in given.uses
    ]
