"""What lies on the desk while one question is read: its grant, its faults, and fresh names for trusted SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from sqlglot import Token, exp

from sandbox.asset import Asset, AssetId
from sandbox.order import ViewTerms
from sandbox.privacy.hints import Hints
from sandbox.privacy.question import PublicTable, Question
from sandbox.privacy.refusal import Refusals

MOST_SOURCES = 32
"""Relations in one question, each time that a name is used: a chain of CTEs that doubles does not grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the readers of one question share."""

    question: Question
    refusals: Refusals
    tokens: tuple[Token, ...]
    hints: Hints
    numbers: Iterator[int] = field(default_factory=count)
    """For names of trusted SQL: t0, t1, …"""
    reads: dict[AssetId, None] = field(default_factory=dict)
    """Every asset that the question reads, in the order of the text."""

    def granted(self, name: str) -> tuple[Asset, ViewTerms] | None:
        """Return the asset and view of this name; case and `_` for `-` do not matter."""
        wanted = name.upper().replace("_", "-")
        for asset in self.question.assets:
            for view in self.question.views:
                if view.asset == asset.id and asset.id.replace("_", "-") == wanted:
                    return asset, view
        return None

    def public(self, asset: AssetId) -> PublicTable | None:
        """Return the declaration of an asset that protects nobody."""
        return next((table for table in self.question.public if table.asset == asset), None)


@dataclass(frozen=True, slots=True)
class Named:
    """One SELECT of a WITH clause, and the names that it may use itself: those before it."""

    select: exp.Select
    before: Mapping[str, "Named"]


Names = Mapping[str, Named]
"""By case-folded name."""
