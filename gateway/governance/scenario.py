"""A scenario: a plan on its way through the seats, and all that was decided about it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from gateway.governance.duties import Act
from gateway.governance.machine import Machine
from gateway.governance.parties import Caller
from gateway.governance.seats import SEATS, NeededSeat
from jobs.grant import Approval, GrantId, PartyId, PersonId, ScenarioId
from sandbox.asset import Digest
from sandbox.reason import Reason

OVERSEERS = frozenset(
    {
        "implementing_institution",
        "competent_authority",
        "sector_authority",
        "city_or_ministry",
        "supervisor",
        "assessor",
    }
)
"""Kinds of organisations that may read every scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided, and by what: enough to show later that care was taken (J-05)."""

    event: str
    """The event of the state machine; `seat_approve` for one seat's yes."""
    action: str
    """The action of the duties table that it was."""
    person: PersonId
    party: PartyId
    at: datetime
    opinion: str
    plan: Digest
    """The plan that the person had read."""
    rulebook: str
    """The rulebook's reference as it then was; empty before an assessment."""

    @property
    def act(self) -> Act:
        """Return it as the duties table sees it."""
        return Act(action=self.action, person=self.person, party=self.party)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One application scenario (应用场景) as it stands."""

    id: ScenarioId
    version: int
    """The plan's own version."""
    state: str
    """A state of the machine `scenario`."""
    jurisdiction: str
    title_zh: str
    title_en: str
    developer: PartyId
    operator: PartyId
    providers: tuple[PartyId, ...]
    plan: str
    """The plan as canonical JSON."""
    digest: Digest
    """The SHA-256 of `plan`."""
    rulebook: str
    """The reference of the rulebook under which it is assessed."""
    seats: tuple[NeededSeat, ...] = ()
    """The seats that must say yes; none before the operator has forwarded it."""
    decisions: tuple[Decision, ...] = ()
    """Everything that was decided, oldest first, about every version."""
    reasons: tuple[Reason, ...] = ()
    """Why the machine sent it back, where it did."""
    grant: GrantId | None = None

    @property
    def acts(self) -> tuple[Act, ...]:
        """Return what was done on this matter, for the duties table."""
        return tuple(decision.act for decision in self.decisions)

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Return every seat's yes to the plan as it stands."""
        return tuple(
            Approval(seat=each.action, person=each.person, party=each.party, at=each.at)
            for each in self._yeses()
        )

    @property
    def open_seats(self) -> tuple[NeededSeat, ...]:
        """Return the seats that have not said yes to the plan as it stands."""
        spoken = {(each.action, each.party) for each in self._yeses()}
        actions = {action for action, _ in spoken}
        return tuple(
            seat
            for seat in self.seats
            if (seat.action not in actions if seat.party is None else _key(seat) not in spoken)
        )

    def seen_by(self, caller: Caller) -> bool:
        """Say whether this caller may know of the scenario."""
        return caller.party_kind in OVERSEERS or caller.party in {
            self.developer,
            self.operator,
            *self.providers,
        }

    def moved(self, machine: Machine, event: str) -> Self:
        """Return it after `event`; raise `OutOfOrderError` where no step leads on by that."""
        return replace(self, state=machine.step(self.state, event).target)

    def decided(self, decision: Decision) -> Self:
        """Return it with one more decision."""
        return replace(self, decisions=(*self.decisions, decision))

    def _yeses(self) -> tuple[Decision, ...]:
        """Return the yeses since the last submission: one before a return counts no more."""
        last = max(
            (at for at, each in enumerate(self.decisions) if each.event == "submit"), default=-1
        )
        return tuple(
            each
            for each in self.decisions[last + 1 :]
            if each.event == "seat_approve" and each.action in SEATS and each.plan == self.digest
        )


def _key(seat: NeededSeat) -> tuple[str, PartyId | None]:
    return seat.action, seat.party
