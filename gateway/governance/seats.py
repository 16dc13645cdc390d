"""Which seats must approve a plan; a rulebook's words become actions of the duties table."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.governance.errors import RulebookError
from gateway.governance.rulebook import Rulebook
from jobs.grant import PartyId
from sandbox.asset import Asset

IMPLEMENTER = "approve_scenario_implementer"
PROVIDER = "approve_scenario_provider"
SECTOR = "approve_scenario_sector"
JOINT = "approve_scenario_joint"
OPERATOR = "forward_scenario"
SEATS = frozenset({IMPLEMENTER, PROVIDER, SECTOR, JOINT})
"""The seats of an assessment; the operator forwards, and has no vote (requirement B-16)."""
_NAMED = {
    "implementing_institution": IMPLEMENTER,
    "sector_authority": SECTOR,
    "data_provider_each": PROVIDER,
}


class Panel(StrEnum):
    """Who assesses: the applicant cannot choose (requirement E-04)."""

    LOCAL = "local"
    JOINT = "joint"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededSeat:
    """One seat that must say yes."""

    action: str
    party: PartyId | None = None
    """The one organisation that may take it; nothing: any whose people may take the action."""


def panel(rulebook: Rulebook, assets: Iterable[Asset]) -> Panel:
    """Return the panel for these assets, from the levels at which the catalogue has them."""
    levels = {asset.authority_level for asset in assets}
    return Panel.JOINT if levels & _joint_levels(rulebook) else Panel.LOCAL


def needed(rulebook: Rulebook, assets: Iterable[Asset]) -> tuple[NeededSeat, ...]:
    """Return every seat that a plan over these assets needs.

    The implementing institution and the provider of each asset always (requirement E-06), the
    seats that the rulebook names, and the joint seat where the panel is joint.
    """
    assets = tuple(assets)
    named = {_seat(word, rulebook) for word in rulebook.texts("scenario.approvals")}
    providers = sorted({PartyId(asset.provider) for asset in assets})
    general = sorted((named | {IMPLEMENTER}) - {PROVIDER})
    if panel(rulebook, assets) is Panel.JOINT:
        general.append(JOINT)
    return (
        *(NeededSeat(action=action) for action in general),
        *(NeededSeat(action=PROVIDER, party=party) for party in providers),
    )


def _seat(word: str, rulebook: Rulebook) -> str:
    if word not in _NAMED:
        raise RulebookError(f"rulebook {rulebook.id} asks for an unknown seat")
    return _NAMED[word]


def _joint_levels(rulebook: Rulebook) -> frozenset[str]:
    # One institution for a whole city needs no city-district mechanism; what comes from above or
    # from outside the city still does.
    if rulebook.rule("scenario.routing").value == "city_single":
        return frozenset({"ministry", "other_province"})
    return frozenset(rulebook.lists("scenario.routing").get("joint", ()))
