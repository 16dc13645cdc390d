"""Who may do what, and which acts exclude each other (separation of duties)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

import yaml

from gateway.governance.errors import RulebookError
from jobs.grant import PartyId, PersonId
from sandbox.reason import Reason, Said

KEY_POSITIONS = frozenset({"domain_admin", "key_custodian", "security_officer", "auditor"})
"""Positions of special trust: where the table parts two of them, nobody holds both (K-07)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A role: the kind of organisation that gives it, and its official name."""

    org: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two acts on one matter that may not come from one hand."""

    acts: tuple[str, str]
    scope: str
    """`person`, or `org` for the person's organisation and its affiliates."""

    def other(self, action: str) -> str | None:
        """Return the act that `action` conflicts with here, or nothing."""
        first, second = self.acts
        return second if action == first else first if action == second else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """That somebody did something on a matter."""

    action: str
    person: PersonId
    party: PartyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """The table of duties."""

    roles: Mapping[str, Position]
    actions: Mapping[str, frozenset[str]]
    """For each action, the roles that may take it."""
    table: tuple[Conflict, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of organisations that give roles."""
        return frozenset(position.org for position in self.roles.values()) - {"none"}

    def may(self, roles: Iterable[str], action: str) -> bool:
        """Say whether one of `roles` may take `action`; an action that is not listed, nobody may."""
        return not self.actions.get(action, frozenset()).isdisjoint(roles)

    def conflicts(
        self, action: str, earlier: Iterable[Act], *, by: Act, affiliates: frozenset[PartyId]
    ) -> tuple[Reason, ...]:
        """Return why `by` may not take `action` on a matter that has these earlier acts.

        `affiliates` are the organisations affiliated with `by.party` (itself need not be named).
        """
        own = affiliates | {by.party}
        found = {
            conflict: act
            for act in earlier
            for conflict in self.table
            if conflict.other(action) == act.action
            and (
                (conflict.scope == "person" and act.person == by.person)
                or (conflict.scope == "org" and (act.party in own or act.person == by.person))
            )
        }
        return tuple(_clash(action, act.action, conflict.scope) for conflict, act in found.items())

    def exclusions(self, roles: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return the pairs of key positions among `roles` that one person may not hold together."""
        held = sorted(KEY_POSITIONS.intersection(roles))
        return tuple(
            (first, second)
            for first, second in product(held, held)
            if first < second and self._parted(first, second)
        )

    def _parted(self, first: str, second: str) -> bool:
        return any(
            conflict.scope == "person"
            and any(
                first in self.actions[one] and second in self.actions[other]
                for one, other in (conflict.acts, conflict.acts[::-1])
            )
            for conflict in self.table
        )


def load_duties(path: Path) -> Duties:
    """Read the duties; raise `RulebookError` where an act or role is used but not declared."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    roles = {name: Position(org=each["org"], zh=each["zh"]) for name, each in raw["roles"].items()}
    actions = {name: frozenset(each) for name, each in raw["actions"].items()}
    table = tuple(
        Conflict(acts=(one, other), scope=scope) for one, other, scope in raw["conflicts"]
    )
    strangers = frozenset().union(*actions.values()) - roles.keys()
    unknown = {act for conflict in table for act in conflict.acts} - actions.keys()
    if strangers or unknown:
        raise RulebookError(f"not declared in {path.name}: {sorted(strangers | unknown)}")
    return Duties(roles=MappingProxyType(roles), actions=MappingProxyType(actions), table=table)


def _clash(action: str, earlier: str, scope: str) -> Reason:
    zh = "本人" if scope == "person" else "本单位或其关联单位"
    en = "you" if scope == "person" else "your organisation or an affiliate of it"
    return Reason(
        rule="duties.conflict",
        why=Said(
            zh=f"{zh}已在同一事项上作出 {earlier}，不得再作出 {action}",
            en=f"{en} took {earlier} on this matter already, which excludes {action}",
        ),
        fix=Said(
            zh="由另一人员或另一单位办理",
            en="let another person, or where organisations conflict another organisation, do it",
        ),
        place=action,
    )
