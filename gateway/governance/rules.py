"""The regulation as the program runs it: rulebooks, duties, state machines, the plan's schema."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.governance.duties import Duties, load_duties
from gateway.governance.machine import Machine, load_machines
from gateway.governance.rulebook import Rulebook, load_rulebooks

REGULATION = Path(__file__).parent / "regulation"
"""The folder of the regulation that this distribution carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that the office decides by."""

    rulebooks: Mapping[str, Rulebook]
    duties: Duties
    machines: Mapping[str, Machine]
    schema: Mapping[str, Any]
    """The scenario plan's JSON Schema."""

    @property
    def scenario(self) -> Machine:
        """Return the life of a scenario."""
        return self.machines["scenario"]


def load_rules(folder: Path = REGULATION) -> Rules:
    """Read the regulation from `folder`; raise `RulebookError` where it does not hold together."""
    schema = json.loads((folder / "scenario.schema.json").read_text(encoding="utf-8"))
    return Rules(
        rulebooks=load_rulebooks(folder / "rulebooks"),
        duties=load_duties(folder / "sod.yaml"),
        machines=load_machines(folder / "machines.yaml"),
        schema=MappingProxyType(schema),
    )
