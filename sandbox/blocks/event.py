"""The privacy event of a question over blocks, from which its cost can be recomputed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sandbox.blocks.terms import BlocksTerms
from sandbox.blocks.tilt import WHOLE, cost, numerator_for
from sandbox.privacy.errors import CostError

EXPONENTIAL_CHOICE = "exponential_choice"
"""The exponential mechanism with scores of sensitivity 1, in a rational base (see `sandbox.blocks.tilt`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksEvent:
    """As many choices as there are coordinates, each by the exponential mechanism over the blocks' values."""

    k: int
    """How many blocks; the cost does not depend on it."""
    choices: int
    numerator: int
    """What half a step of score weighs, over 2^32."""
    mechanism: str = EXPONENTIAL_CHOICE

    @property
    def rho(self) -> int:
        """Return its cost in pico-rho, rounded up."""
        return cost(self.numerator, choices=self.choices)

    def form(self) -> dict[str, str | int]:
        """Return its JSON form for the record."""
        return {
            "mechanism": self.mechanism,
            "blocks": self.k,
            "choices": self.choices,
            "base": f"{self.numerator}/{WHOLE}",
            "rho_pico": self.rho,
        }

    @classmethod
    def of(cls, form: Mapping[str, str | int]) -> Self:
        """Read the JSON form back; raise `CostError` where its cost is not the one that it states."""
        numerator, _, whole = str(form["base"]).partition("/")
        event = cls(
            k=int(form["blocks"]),
            choices=int(form["choices"]),
            numerator=int(numerator),
            mechanism=str(form["mechanism"]),
        )
        if event.form() != dict(form) or whole != str(WHOLE):
            raise CostError("the stored cost is not the event's cost")
        return event


def event_of(terms: BlocksTerms) -> BlocksEvent:
    """Return what running these terms does, and costs; it never costs more than their rho."""
    choices = len(terms.coordinates)
    return BlocksEvent(
        k=terms.k, choices=choices, numerator=numerator_for(terms.rho, choices=choices)
    )
