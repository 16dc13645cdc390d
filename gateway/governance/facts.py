"""What the assessment of a plan must know beside the plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.governance.assets import Catalogue
from gateway.governance.parties import Party, Person
from gateway.governance.plan import Plan, PlanAsset
from gateway.governance.rulebook import Mode, Rulebook
from jobs.grant import PartyId, PersonId
from sandbox.asset import Asset, Role

HIDDEN = frozenset({Role.UNIT, Role.IDENTIFIER})
"""Columns of these roles are granted as pseudonyms only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The most that any one job may use, whatever a plan asks for."""

    seconds: int = 600
    memory_bytes: int = 8 * 2**30
    cpus: float = 1.0
    processes: int = 128
    output_bytes: int = 64 * 2**20
    output_files: int = 32
    output_rows: int = 1_000_000
    uses: int = 1000
    """The most jobs that may start under one grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The office as the assessment finds it."""

    rulebook: Rulebook
    mode: Mode
    today: date
    """By the calendar of the People's Republic (UTC+8)."""
    applicant: PartyId
    """The organisation of the person who submitted."""
    catalogue: Catalogue
    parties: Sequence[Party]
    people: Mapping[PersonId, Person]
    ceilings: Ceilings

    def party(self, party: str) -> Party | None:
        """Return the party of this id, or nothing."""
        return next((each for each in self.parties if each.id == party), None)

    def assets(self, plan: Plan) -> tuple[tuple[int, PlanAsset, Asset], ...]:
        """Return the plan's registered assets, each with its place in the plan."""
        found = (
            (at, asked, self.catalogue.get((asked.asset, asked.version)))
            for at, asked in enumerate(plan.assets)
        )
        return tuple((at, asked, asset) for at, asked, asset in found if asset is not None)
