"""The grant: an approved scenario as one enforceable, signed value."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import NewType

from sandbox.asset import AssetId, Digest, ImageDigest
from sandbox.order import LATER, EgressPolicy, Limits, OutputName, OutputTerms, ViewTerms

GrantId = NewType("GrantId", str)
"""`<scenario>.v<version>`, such as `SC-SH-2026-0001.v1`."""
ScenarioId = NewType("ScenarioId", str)
PartyId = NewType("PartyId", str)
PersonId = NewType("PersonId", str)


class GrantState(StrEnum):
    """Whether jobs may start and go on under a grant."""

    LIVE = "live"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One seat's yes to a scenario."""

    seat: str
    """The action of the duties table, such as `approve_scenario_provider`."""
    person: PersonId
    party: PartyId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewEvidence:
    """That it was measured how anonymous a view is, before anybody approved it."""

    asset: AssetId
    sealed: Digest
    """Of the sealed evidence: k, l, t, risks and level, which stay with the institution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """All that a developer entity may do under one approved scenario."""

    id: GrantId
    scenario: ScenarioId
    version: int
    title_zh: str
    title_en: str
    purpose: str
    developer: PartyId
    operator: PartyId
    people: tuple[PersonId, ...]
    """Who may submit jobs; each is of the developer's organisation."""
    recipients: tuple[str, ...]
    assets: tuple[ViewTerms, ...]
    outputs: tuple[OutputTerms, ...]
    images: tuple[ImageDigest, ...]
    limits: Limits
    policy: EgressPolicy
    epsilon_total: Fraction
    delta: Fraction
    epsilon_per_release: Fraction
    max_uses: int
    """The most jobs that may start under this grant."""
    valid_from: date
    valid_to: date
    """The last day, inclusive."""
    rulebook: str
    """The rulebook's id and the SHA-256 of its merged values, such as `shanghai@sha256:…`."""
    plan: str
    """The SHA-256 of the scenario plan that was approved."""
    security_officers: int
    """How many security officers must sign a held output: 2 for important data, else 1."""
    approvals: tuple[Approval, ...]
    evidence: tuple[ViewEvidence, ...] = field(default=(), metadata=LATER)
    """Of the views that were judged; each that is generalised is."""

    def view(self, asset: AssetId) -> ViewTerms | None:
        """Return the terms of this asset's view, or nothing where it was not granted."""
        return next((terms for terms in self.assets if terms.asset == asset), None)

    def output(self, name: OutputName) -> OutputTerms | None:
        """Return the terms of this output, or nothing where it was not declared."""
        return next((terms for terms in self.outputs if terms.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedGrant:
    """A grant under the institution's signature."""

    grant: Grant
    key: str
    """The signing key's id."""
    signature: str
    """Ed25519 over the grant's canonical JSON, in base64."""
