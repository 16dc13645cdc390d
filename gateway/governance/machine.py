"""A state machine of the regulation: the transitions as data, and the step that they allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml

from gateway.governance.errors import RulebookError
from jobs.errors import OutOfOrderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of a machine's table."""

    source: str
    event: str
    target: str
    by: str
    """The role that fires it; `system` and `timer` for the program itself."""
    deadline: str
    """The rulebook key of its target time; empty where there is none. Passing it decides nothing."""
    guard: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The whole life of one kind of thing."""

    name: str
    zh: str
    initial: str
    terminal: frozenset[str]
    table: tuple[Transition, ...]

    def step(self, state: str, event: str) -> Transition:
        """Return the transition of `event` from `state`; raise `OutOfOrderError` without one."""
        for transition in self.table:
            if (transition.source, transition.event) == (state, event):
                return transition
        raise OutOfOrderError(f"a {self.name} that is {state} cannot {event.replace('_', ' ')}")


def load_machines(path: Path) -> Mapping[str, Machine]:
    """Read the machines; raise `RulebookError` where one leaves its terminal states or lacks rows."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return MappingProxyType({name: _machine(name, each) for name, each in raw.items()})


def _machine(name: str, raw: Mapping[str, object]) -> Machine:
    rows, terminal = raw["t"], raw["terminal"]
    if not isinstance(rows, list) or not isinstance(terminal, list):
        raise RulebookError(f"machine {name} has no table")
    table = tuple(_transition(row) for row in rows)
    if any(transition.source in terminal for transition in table):
        raise RulebookError(f"machine {name} leaves a state that it calls terminal")
    return Machine(
        name=name,
        zh=str(raw["zh"]),
        initial=str(raw["initial"]),
        terminal=frozenset(terminal),
        table=table,
    )


def _transition(row: list[str | None]) -> Transition:
    source, event, target, by, deadline, guard, requirements = (each or "" for each in row)
    return Transition(
        source=source,
        event=event,
        target=target,
        by=by,
        deadline=deadline,
        guard=guard,
        requirements=tuple(requirements.split(",")) if requirements else (),
    )
