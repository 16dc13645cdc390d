"""A question in SQL as a developer asks it, and the answer that it may not be asked so."""

from dataclasses import dataclass
from fractions import Fraction

from sandbox.asset import Asset
from sandbox.order import OutputTerms, ViewTerms
from sandbox.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """SQL over one granted view, and what its answer may cost."""

    sql: str
    assets: tuple[Asset, ...]
    views: tuple[ViewTerms, ...]
    epsilon: Fraction
    """What the whole answer costs: all of its columns and cells together."""
    output: OutputTerms | None = None
    """The declared output that the answer becomes; nothing for a preview without one."""


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """Why a question cannot be answered as it stands: every reason, in the order of the text."""

    reasons: tuple[Reason, ...]
