"""What a question over blocks says before it is run: how many blocks, what each leaves, and what it may cost."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter

BYTES = 8
"""What one coordinate takes in a block's output: a little-endian double."""


class Scale(StrEnum):
    """How a block's number stands to that of all units together."""

    INTENSIVE = "intensive"
    """It is the same kind of number: a mean, a rate, a coefficient."""
    EXTENSIVE = "extensive"
    """It is one part in k of it: a count, a sum. It is multiplied by k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in a public box, released as the private median of the blocks' numbers."""

    is_a: Literal["number"] = "number"
    name: str
    lower: Decimal
    upper: Decimal
    step: Decimal
    """The distance of two points of the grid, which has a whole number of steps, at most 2^20."""
    scale: Scale = Scale.INTENSIVE
    spread: Decimal = Decimal(0)
    """The deviation of one block's number that the asker expects, for the error bar alone; 0 for the box's own."""

    @property
    def points(self) -> int:
        """Return how many points its grid has, both ends included; its bounds and step must fit."""
        return int((Fraction(self.upper) - Fraction(self.lower)) / Fraction(self.step)) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One of a few public labels: a block writes its number, from 0 on, and the most votes win, privately."""

    is_a: Literal["label"] = "label"
    name: str
    labels: tuple[str, ...]


Coordinate = Annotated[Number | Label, Discriminator("is_a")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksTerms:
    """All of a question over blocks that is public before the run, beside the program itself."""

    k: int
    """How many blocks: 32 to 1,000."""
    rho: int
    """The most that it may cost, in pico-rho of zCDP, over all coordinates."""
    cpu_seconds: int
    """The most processor time of one block's program."""
    wall_seconds: int
    """The most time of one block's program on the clock; also the length of its place in the timetable."""
    memory_bytes: int
    coordinates: tuple[Coordinate, ...]
    """What each block writes, in this order: one double each."""

    @property
    def output_bytes(self) -> int:
        """Return the exact size of what one block writes."""
        return BYTES * len(self.coordinates)


_TERMS = TypeAdapter(BlocksTerms)


def terms_as_json(terms: BlocksTerms) -> str:
    """Write the terms down; numbers with decimals are texts."""
    return _TERMS.dump_json(terms).decode()


def terms_of_json(text: str | bytes) -> BlocksTerms:
    """Read the terms back; raise pydantic's `ValidationError` where they are not in form."""
    return _TERMS.validate_json(text)
